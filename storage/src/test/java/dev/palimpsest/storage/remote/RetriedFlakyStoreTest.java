package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.simulation.InSimulation;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A store that fails every second time, before or after it has done what it was asked, is as good as any when it is retried. */
class RetriedFlakyStoreTest extends ObjectStoreContract {
    @RegisterExtension
    private final InSimulation world = new InSimulation(12);

    private final ObjectStore store = new RetryingObjectStore(
            world.simulation().newObjectStore("objects", ObjectStoreFaults.SLOW.withFailing(0.25, 0.25)),
            new RetryPolicy(100, 10_000_000, 1_000_000_000),
            world.simulation().environment());

    @Override
    protected ObjectStore store() {
        return store;
    }
}
