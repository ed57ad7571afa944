package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.ReadTrace;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Clock;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** How long the work of all timelines of a process takes, under Neon's names. Safe for use by many threads. */
final class OperationMetrics {
    private static final double NANOS = 1e9;
    private static final double[] LONG_SECONDS = {0.001, 0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000};
    private static final double[] SHORT_SECONDS = {
        0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100
    };

    /** Work on a timeline. */
    enum Operation {
        LAYER_FLUSH("layer flush"),
        LAYER_FLUSH_DELAY("layer flush delay"),
        COMPACT("compact"),
        COMPACT_HISTORY("compact history"),
        CREATE_IMAGES("create images"),
        GC("gc");

        private final String label;

        Operation(String label) {
            this.label = label;
        }
    }

    private final Clock clock;
    private final Map<Operation, DistributionDataPoint> operations = new EnumMap<>(Operation.class);
    private final Map<TaskKind, DistributionDataPoint> reads = new EnumMap<>(TaskKind.class);
    private final DistributionDataPoint waits;
    private final CounterDataPoint waitsStarted;
    private final CounterDataPoint waitsFinished;
    private final CounterDataPoint walBytes;

    OperationMetrics(Clock clock, PrometheusRegistry registry) {
        this.clock = clock;
        Histogram seconds = histogram(
                "pageserver_storage_operations_seconds_global",
                "Time that work on timelines took, by operation.",
                LONG_SECONDS,
                "operation",
                registry);
        for (Operation operation : Operation.values()) {
            operations.put(operation, seconds.labelValues(operation.label));
        }
        Histogram vectored = histogram(
                "pageserver_get_vectored_seconds",
                "Time of a read of several keys with redo, without waiting for its LSN, by who reads.",
                SHORT_SECONDS,
                "task_kind",
                registry);
        for (TaskKind kind : TaskKind.values()) {
            reads.put(kind, vectored.labelValues(kind.name().toLowerCase(Locale.ROOT)));
        }
        waits = Histogram.builder()
                .name("pageserver_wait_lsn_seconds")
                .help("Time that those waited whose LSN was not there yet.")
                .classicOnly()
                .classicUpperBounds(SHORT_SECONDS)
                .register(registry)
                .labelValues();
        waitsStarted = counter(registry, "palimpsest_wait_lsn_started_total", "Waits for an LSN that began.");
        waitsFinished = counter(
                registry, "palimpsest_wait_lsn_finished_total", "Waits for an LSN that ended, in whatever way.");
        walBytes = counter(
                registry,
                "palimpsest_wal_applied_bytes_total",
                "How far last_record_lsn has moved, in bytes of WAL, on all timelines together.");
    }

    private static Histogram histogram(
            String name, String help, double[] bounds, String label, PrometheusRegistry registry) {
        return Histogram.builder()
                .name(name)
                .help(help)
                .labelNames(label)
                .classicOnly()
                .classicUpperBounds(bounds)
                .register(registry);
    }

    private static CounterDataPoint counter(PrometheusRegistry registry, String name, String help) {
        return Counter.builder().name(name).help(help).register(registry).labelValues();
    }

    /** When something begins, for {@link #ended} and {@link #read}. */
    long begin() {
        return clock.nanos();
    }

    /** An operation has ended, in whatever way. */
    void ended(Operation operation, long begin) {
        observe(Objects.requireNonNull(operations.get(operation)), clock.nanos() - begin);
    }

    /** A read of several keys has ended; not called for one that was refused. */
    void read(TaskKind kind, long begin) {
        observe(Objects.requireNonNull(reads.get(kind)), clock.nanos() - begin);
    }

    private static void observe(DistributionDataPoint histogram, long nanos) {
        histogram.observe(nanos / NANOS);
    }

    /** The last record of a timeline is further on; what it begins with does not count. */
    void applied(Lsn from, Lsn to) {
        if (from.isValid()) {
            walBytes.inc(to.bytesSince(from));
        }
    }

    /** Waits until a timeline has reached an LSN; counts, and tells the request's trace, if that is not so at once. */
    void await(LsnProgress progress, Lsn lsn, RequestContext context) throws StorageException {
        if (!progress.reached().isBefore(lsn)) {
            return;
        }
        waitsStarted.inc();
        long begin = clock.nanos();
        try {
            progress.await(lsn, context);
        } finally {
            observe(waits, clock.nanos() - begin);
            waitsFinished.inc();
            ReadTrace trace = context.trace();
            if (trace != null) {
                trace.ended(ReadTrace.Step.WAIT_LSN, begin);
            }
        }
    }
}
