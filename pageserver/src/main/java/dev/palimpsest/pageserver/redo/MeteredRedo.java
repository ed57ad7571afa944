package dev.palimpsest.pageserver.redo;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.key.Key;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Counts what redo does, under Neon's names. Safe for use by many threads. */
public final class MeteredRedo implements WalRedo {
    private static final double NANOS = 1e9;
    private static final double[] SECONDS = {
        0.000003, 0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1
    };

    private final WalRedo redo;
    private final DistributionDataPoint seconds;
    private final CounterDataPoint records;
    private final CounterDataPoint failures;

    /** @param redo does it; whoever gives it closes it */
    public MeteredRedo(WalRedo redo, PrometheusRegistry registry) {
        this.redo = redo;
        this.seconds = Histogram.builder()
                .name("pageserver_wal_redo_seconds")
                .help("Time of applying all records of a page.")
                .classicOnly()
                .classicUpperBounds(SECONDS)
                .register(registry)
                .labelValues();
        this.records = counter(registry, "pageserver_replayed_wal_records_total", "WAL records that were applied.");
        this.failures = counter(
                registry, "palimpsest_wal_redo_failures_total", "Pages to which a record could not be applied.");
    }

    private static CounterDataPoint counter(PrometheusRegistry registry, String name, String help) {
        return Counter.builder().name(name).help(help).register(registry).labelValues();
    }

    @Override
    public byte[] redo(
            int pgVersion,
            Key key,
            Lsn lsn,
            @Nullable BaseImage base,
            List<LsnRecord> applied,
            IntFunction<byte[]> arrays)
            throws RedoException {
        long begin = System.nanoTime();
        try {
            byte[] page = redo.redo(pgVersion, key, lsn, base, applied, arrays);
            records.inc(applied.size());
            return page;
        } catch (RedoException e) {
            failures.inc();
            throw e;
        } finally {
            seconds.observe((System.nanoTime() - begin) / NANOS);
        }
    }
}
