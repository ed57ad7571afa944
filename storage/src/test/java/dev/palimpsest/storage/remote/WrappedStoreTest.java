package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.simulation.InSimulation;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.junit.jupiter.api.extension.RegisterExtension;

/** All wrappers together, as a server uses them, around a store that fails 30 % of calls. */
class WrappedStoreTest extends ObjectStoreContract {
    @RegisterExtension
    private final InSimulation world = new InSimulation(14);

    private final ObjectStore store = new RemoteSettings(
                    new CallLimits(1, 2, 1), TimeLimits.DEFAULT, new RetryPolicy(100, 10_000_000, 1_000_000_000))
            .wrap(
                    world.simulation().newObjectStore("objects", ObjectStoreFaults.SLOW.withFailing(0.2, 0.1)),
                    world.simulation().environment(),
                    new PrometheusRegistry());

    @Override
    protected ObjectStore store() {
        return store;
    }
}
