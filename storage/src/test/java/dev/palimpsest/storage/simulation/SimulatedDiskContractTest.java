package dev.palimpsest.storage.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.file.DiskContract;
import java.nio.file.Path;

class SimulatedDiskContractTest extends DiskContract {
    @Override
    protected void run(Body body) throws Exception {
        Simulation simulation = new Simulation(21);
        SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.SLOW);
        disk.recordOpeners();
        Path root = Path.of("/data/root");
        simulation.run(() -> {
            disk.createDirectories(root);
            body.run(disk, root);
        });
        assertThat(disk.openFiles()).as("left open").isEmpty();
    }
}
