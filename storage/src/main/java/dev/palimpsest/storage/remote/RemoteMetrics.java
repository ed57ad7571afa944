package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.runtime.Clock;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;

/**
 * The metrics of an object store. Names and labels of the first four are Neon's, whichever store it is:
 *
 * <ul>
 *   <li>{@code remote_storage_s3_request_seconds} by {@code request_type} and {@code result}: {@code ok}, also when there is
 *       no such object or a condition does not hold, {@code err} or {@code cancelled}
 *   <li>{@code remote_storage_s3_wait_seconds} by {@code request_type}: for a slot
 *   <li>{@code remote_storage_s3_cancelled_waits_total} by {@code request_type}: for a slot, cancelled or too long
 *   <li>{@code remote_storage_s3_deleted_objects_total}
 *   <li>{@code palimpsest_remote_storage_bytes_total} by {@code direction}: {@code upload}, of puts that succeeded, and {@code
 *       download}, also of gets that failed later
 *   <li>{@code palimpsest_remote_storage_errors_total} by {@code request_type} and {@code kind}
 *   <li>{@code palimpsest_remote_storage_calls} by {@code direction} and {@code state}: {@code running} or {@code waiting}
 * </ul>
 */
public final class RemoteMetrics {
    private static final double NANOS = 1e9;
    private static final double[] SECONDS = {
        0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 600
    };

    private final Clock clock;
    private final Histogram requests;
    private final Histogram waits;
    private final Counter cancelledWaits;
    private final Counter deletedObjects;
    private final Counter bytes;
    private final Counter errors;
    private final Map<String, IntSupplier> running = new ConcurrentHashMap<>();
    private final Map<String, IntSupplier> queued = new ConcurrentHashMap<>();

    /** What is asked of a store. */
    enum RequestType {
        GET("get_object"),
        PUT("put_object"),
        COPY("copy_object"),
        HEAD("head_object"),
        LIST("list_objects"),
        DELETE("delete_object");

        private final String label;

        RequestType(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    /** A call that is measured. */
    @FunctionalInterface
    interface Call<T> {
        T run() throws StorageException;
    }

    /**
     * @param clock that durations are measured with
     * @param registry where the metrics are registered; of one store only
     */
    public RemoteMetrics(Clock clock, PrometheusRegistry registry) {
        this.clock = clock;
        this.requests = histogram("remote_storage_s3_request_seconds", "Seconds to complete a request.", registry);
        this.waits = histogram("remote_storage_s3_wait_seconds", "Seconds a call waited for its turn.", registry);
        this.cancelledWaits = Counter.builder()
                .name("remote_storage_s3_cancelled_waits_total")
                .help("Calls that ended before it was their turn.")
                .labelNames("request_type")
                .register(registry);
        this.deletedObjects = Counter.builder()
                .name("remote_storage_s3_deleted_objects_total")
                .help("Objects that were asked to be deleted, and were, or did not exist.")
                .register(registry);
        this.bytes = Counter.builder()
                .name("palimpsest_remote_storage_bytes_total")
                .help("Bytes of objects that were carried.")
                .labelNames("direction")
                .register(registry);
        this.errors = Counter.builder()
                .name("palimpsest_remote_storage_errors_total")
                .help("Calls that did not do what they were to do, by what went wrong.")
                .labelNames("request_type", "kind")
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_remote_storage_calls")
                .help("Calls that run, and calls that wait for their turn.")
                .labelNames("direction", "state")
                .callback(gauge -> {
                    running.forEach((direction, count) -> gauge.call(count.getAsInt(), direction, "running"));
                    queued.forEach((direction, count) -> gauge.call(count.getAsInt(), direction, "waiting"));
                })
                .register(registry);
    }

    private static Histogram histogram(String name, String help, PrometheusRegistry registry) {
        Histogram.Builder builder =
                Histogram.builder().name(name).help(help).classicOnly().classicUpperBounds(SECONDS);
        return (name.endsWith("request_seconds")
                        ? builder.labelNames("request_type", "result")
                        : builder.labelNames("request_type"))
                .register(registry);
    }

    /** Shows from now on how many calls run and wait. */
    void watch(String direction, IntSupplier running, IntSupplier waiting) {
        this.running.put(direction, running);
        this.queued.put(direction, waiting);
    }

    /** Measures the wait for a slot. */
    <T> T waiting(RequestType type, Call<T> wait) throws StorageException {
        long start = clock.nanos();
        try {
            T slot = wait.run();
            waits.labelValues(type.label()).observe((clock.nanos() - start) / NANOS);
            return slot;
        } catch (StorageException e) {
            cancelledWaits.labelValues(type.label()).inc();
            throw e;
        }
    }

    /** Measures a call to the store. */
    <T> T request(RequestType type, Call<T> call) throws StorageException {
        long start = clock.nanos();
        String result = "err";
        try {
            T answer = call.run();
            result = "ok";
            return answer;
        } catch (ObjectStoreException e) {
            result = switch (e.kind()) {
                case NOT_FOUND, PRECONDITION_FAILED -> "ok";
                case UNAVAILABLE, REFUSED -> "err";
            };
            errors.labelValues(type.label(), e.kind().name().toLowerCase(Locale.ROOT))
                    .inc();
            throw e;
        } catch (CancelledException | DeadlineExceededException e) {
            result = "cancelled";
            errors.labelValues(type.label(), "cancelled").inc();
            throw e;
        } catch (StorageException e) {
            errors.labelValues(type.label(), "local").inc();
            throw e;
        } finally {
            requests.labelValues(type.label(), result).observe((clock.nanos() - start) / NANOS);
        }
    }

    void uploaded(long count) {
        bytes.labelValues("upload").inc(count);
    }

    void downloaded(long count) {
        bytes.labelValues("download").inc(count);
    }

    void deleted(long count) {
        deletedObjects.inc(count);
    }
}
