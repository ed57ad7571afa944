package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.BackgroundHistory;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistoryJobs;
import dev.palimpsest.storage.compaction.HistoryReport;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.gc.BackgroundGc;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * GC and compaction of history as a server runs them, each in a task of its own, side by side with what else is done to the same
 * timelines: most settings are so small that something is due all the time.
 */
final class SimulatedBackground implements AutoCloseable {
    private final SplittableRandom random;
    private final TenantTimelines store;
    private final SimulatedLeases.Tolerance tolerance;
    private final Environment environment;
    private final Duration patience;
    private final BackgroundGc gc;
    private final BackgroundHistory history;
    private @Nullable Throwable failure;
    private int pieces;

    /**
     * Starts.
     *
     * @param delay nothing is collected or compacted before that
     */
    SimulatedBackground(
            Environment environment,
            TenantTimelines store,
            SplittableRandom random,
            Duration delay,
            SimulatedLeases.Tolerance tolerance) {
        this.random = random;
        this.store = store;
        this.tolerance = tolerance;
        BooleanSupplier urgent = () -> random.nextInt(8) == 0;
        this.environment = environment;
        this.patience = delay;
        this.gc = new BackgroundGc(
                environment, () -> store.all().stream().map(Collected::new).toList(), urgent, new PrometheusRegistry());
        this.history = new BackgroundHistory(
                environment,
                delay,
                Duration.ofMillis(random.nextInt(1, 500)),
                () -> store.all().stream().map(Compacted::new).toList(),
                urgent,
                new HistoryJobs(environment.clock()));
    }

    /** How many pieces of history were compacted. */
    int pieces() {
        return pieces;
    }

    private interface Step<T> {
        T run() throws StorageException;
    }

    /** What may fail fails as it does in a server; what must not is remembered. */
    private <T> T watched(Timeline timeline, Step<T> step) throws StorageException {
        try {
            return step.run();
        } catch (CancelledException e) {
            throw e;
        } catch (StorageException e) {
            try {
                if (store.all().contains(timeline)) { // else it was archived meanwhile
                    tolerance.tolerate(e);
                }
            } catch (StorageException unexpected) {
                failure = unexpected;
            }
            throw e;
        } catch (RuntimeException | AssertionError e) {
            failure = e;
            throw e;
        }
    }

    private final class Collected implements BackgroundGc.Work {
        private final Timeline timeline;

        Collected(Timeline timeline) {
            this.timeline = timeline;
        }

        @Override
        public TimelineId id() {
            return timeline.id();
        }

        @Override
        public TenantId tenant() {
            return store.tenant();
        }

        @Override
        public boolean isNew() {
            return environment.clock().now().isBefore(store.loadedAt().plus(patience));
        }

        @Override
        public Duration period() {
            return Duration.ofMillis(random.nextInt(1, 2000));
        }

        @Override
        public GcReport collect(RequestContext context) throws StorageException {
            Lsn last = timeline.lastRecordLsn();
            Lsn first = timeline.gcCutoffLsn();
            Lsn cutoff = last.isBefore(first) || random.nextInt(3) == 0
                    ? first
                    : first.plus(random.nextLong(last.bytesSince(first) + 1));
            return watched(
                    timeline,
                    () -> store.collectGarbage(
                            timeline.id(), GcInputs.keepFrom(cutoff), GarbageCollection.Mode.REMOVE, context));
        }
    }

    private final class Compacted implements BackgroundHistory.Work {
        private final Timeline timeline;

        Compacted(Timeline timeline) {
            this.timeline = timeline;
        }

        @Override
        public TimelineId id() {
            return timeline.id();
        }

        @Override
        public TenantId tenant() {
            return store.tenant();
        }

        @Override
        public HistorySettings settings() {
            return new HistorySettings(0, random.nextInt(1, 200), random.nextInt(1, 30_000), random.nextInt(0, 6));
        }

        @Override
        public Lsn cutoff() {
            return timeline.upkeep().historyCutoff();
        }

        @Override
        public boolean isDue(HistorySettings settings) {
            return timeline.upkeep().isHistoryDue(settings);
        }

        @Override
        public HistoryReport compact(
                HistorySettings settings, BooleanSupplier yield, Consumer<HistoryReport> done, RequestContext context)
                throws StorageException {
            HistoryReport report = watched(
                    timeline,
                    () -> timeline.upkeep().compactHistory(store, compaction(), settings, yield, done, context));
            pieces += report.jobs();
            return report;
        }
    }

    private CompactionSettings compaction() {
        return SimulatedUpkeep.settings(random);
    }

    @Override
    public void close() {
        try (gc) {
            history.close();
        }
    }

    /** To be called when it is closed: whether anything failed that must not. */
    void check() throws StorageException {
        switch (failure) {
            case null -> {}
            case StorageException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        }
    }
}
