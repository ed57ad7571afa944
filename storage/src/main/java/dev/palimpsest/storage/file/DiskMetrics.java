package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;

/** What is told of a local disk and of the file system that a directory is on. Asks when it is asked. */
public final class DiskMetrics {
    private DiskMetrics() {}

    /** @param directory which there is as long as somebody asks */
    public static void register(LocalDisk disk, Path directory, PrometheusRegistry registry) {
        DiskCounters counters = disk.counters();
        counter(registry, "palimpsest_disk_reads_total", "Reads of local files.", counters::reads);
        counter(registry, "palimpsest_disk_read_bytes_total", "Bytes of them.", counters::bytesRead);
        counter(registry, "palimpsest_disk_writes_total", "Writes of local files.", counters::writes);
        counter(registry, "palimpsest_disk_written_bytes_total", "Bytes of them.", counters::bytesWritten);
        counter(registry, "palimpsest_disk_syncs_total", "Syncs of files and directories.", counters::syncs);
        counter(
                registry,
                "palimpsest_disk_reopens_total",
                "Files that were opened again, as others had needed their descriptors.",
                counters::reopens);
        counter(
                registry,
                "palimpsest_disk_descriptor_waits_total",
                "Opens that waited, as every descriptor was in use.",
                counters::slotWaits);
        gauge(
                registry,
                "palimpsest_disk_available_bytes",
                "What can still be written to the file system of the server's directory.",
                () -> space(disk, directory, DiskSpace::usableBytes));
        gauge(
                registry,
                "palimpsest_disk_size_bytes",
                "The size of the file system of the server's directory.",
                () -> space(disk, directory, DiskSpace::totalBytes));
    }

    /** NaN would not do for alerts: a directory that cannot be looked at has no room. */
    private static long space(LocalDisk disk, Path directory, ToLongFunction<DiskSpace> what) {
        try {
            return what.applyAsLong(disk.space(directory));
        } catch (DiskException e) {
            return 0;
        }
    }

    private static void counter(PrometheusRegistry registry, String name, String help, LongSupplier value) {
        CounterWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call((double) value.getAsLong()))
                .register(registry);
    }

    private static void gauge(PrometheusRegistry registry, String name, String help, LongSupplier value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call((double) value.getAsLong()))
                .register(registry);
    }
}
