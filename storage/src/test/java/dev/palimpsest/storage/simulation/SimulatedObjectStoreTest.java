package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectStoreContract;
import org.junit.jupiter.api.extension.RegisterExtension;

class SimulatedObjectStoreTest extends ObjectStoreContract {
    @RegisterExtension
    private final InSimulation world = new InSimulation(11);

    private final SimulatedObjectStore store = world.simulation().newObjectStore("objects", ObjectStoreFaults.SLOW);

    @Override
    protected ObjectStore store() {
        return store;
    }
}
