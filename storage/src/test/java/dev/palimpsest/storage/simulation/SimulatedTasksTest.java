package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.TasksContract;

class SimulatedTasksTest extends TasksContract {
    @Override
    protected void run(Body body) throws Exception {
        for (long seed = 0; seed < 20; seed++) {
            Simulation simulation = new Simulation(seed);
            Environment environment = simulation.environment();
            simulation.run(() -> body.run(environment.tasks(), environment.clock()));
        }
    }
}
