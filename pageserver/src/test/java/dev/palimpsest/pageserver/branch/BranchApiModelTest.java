package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.DenseClusterKeys;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients make, delete, archive, detach, lease, collect and compact branches over HTTP, in an order that a seed decides; what
 * the server answers and what its branches hold is held against {@link BranchModel}. One client alone must get exactly the
 * model's answers. Several at once change only what each has made itself, from branches of each other.
 */
class BranchApiModelTest {
    @TempDir
    private Path directory;

    /** Stands still, but once, so that leases from before the start are over. */
    private static final class Hands extends Clock {
        /** The store, too, goes by the time of day: it says when it was loaded. */
        private volatile Instant now = Instant.now();

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    /** A server of a directory, without what starts by itself. */
    private static final class Host implements AutoCloseable {
        private final PostgresRedo redo = new PostgresRedo();
        private final EmbeddedStore store;
        private final Branches branches;
        private final HttpApi api;

        Host(Path directory, boolean create) throws Exception {
            store = EmbeddedStore.open(
                    directory, StoreSettings.DEFAULT, redo, new DenseClusterKeys(), new PrometheusRegistry());
            if (create) {
                SyntheticCluster.create(store, BranchModel.ROOT);
            }
            Hands clock = new Hands();
            branches = Branches.open(
                    store,
                    new DataDirectoryWriter(new VirtualThreadTasks(new SystemClock()), new SystemClock()),
                    directory,
                    null,
                    Map.of(),
                    clock,
                    RetentionSettings.DEFAULT);
            clock.now = clock.now.plus(Duration.ofHours(1));
            api = new HttpApi(branches, "127.0.0.1", 0);
            api.start();
        }

        @Override
        public void close() throws StorageException {
            api.close();
            branches.close();
            store.close();
            redo.close();
        }
    }

    private void run(long seed, int clients, int rounds, int steps) throws Exception {
        Path store = directory.resolve("seed-" + seed);
        BranchModel model = new BranchModel();
        SplittableRandom random = new SplittableRandom(seed);
        boolean alone = clients == 1;
        for (int round = 0; round < rounds; round++) {
            try (Host host = new Host(store, round == 0);
                    ExecutorService threads = Executors.newThreadPerTaskExecutor(
                            Thread.ofPlatform().factory())) {
                model.restarted();
                model.checkAll(new BranchClient(host.api.port(), host.store, model, 0, random.split(), alone), alone);
                List<Future<?>> running = new ArrayList<>();
                for (int client = 0; client < clients; client++) {
                    BranchClient next =
                            new BranchClient(host.api.port(), host.store, model, client, random.split(), alone);
                    running.add(threads.submit(() -> {
                        next.run(steps);
                        return null;
                    }));
                }
                for (Future<?> client : running) {
                    client.get();
                }
                model.checkAll(new BranchClient(host.api.port(), host.store, model, 0, random.split(), alone), alone);
            } catch (Exception | AssertionError e) {
                throw new AssertionError("seed " + seed + ", round " + round + ": " + e, e);
            }
        }
        assertThat(model.made()).as("seed " + seed).isGreaterThan(clients);
    }

    private static long seed(long otherwise) {
        return Long.getLong("palimpsest.seed", otherwise);
    }

    @Test
    void oneClientGetsTheAnswersOfTheModel() throws Exception {
        run(seed(1), 1, 2, 50);
    }

    @Test
    void manyClientsLeaveWhatTheyWereToldTheyDid() throws Exception {
        run(seed(2), 3, 2, 15);
    }

    @Test
    @Tag("long")
    void manySeeds() throws Exception {
        for (long seed = 100; seed < 106; seed++) {
            run(seed, 1, 4, 150);
            run(-seed, 6, 3, 60);
        }
    }
}
