package dev.palimpsest.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Tasks;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bound on calls at once, and the metering. */
class LimitedObjectStoreTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.COMPACTION);
    private static final ObjectKey KEY = new ObjectKey("a");
    private static final long SECOND = 1_000_000_000L;

    private final Simulation simulation = new Simulation(9);
    private final Tasks tasks = simulation.environment().tasks();
    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final RemoteMetrics metrics = new RemoteMetrics(simulation.clock(), registry);

    /** The labels' values in the order of the labels' names. */
    private double value(String name, String... labels) {
        for (MetricSnapshot metric : registry.scrape()) {
            for (DataPointSnapshot point : metric.getDataPoints()) {
                if (metric.getMetadata().getPrometheusName().equals(name)
                        && point.getLabels().stream()
                                .map(label -> label.getValue())
                                .toList()
                                .equals(List.of(labels))) {
                    return switch (point) {
                        case CounterSnapshot.CounterDataPointSnapshot counter -> counter.getValue();
                        case GaugeSnapshot.GaugeDataPointSnapshot gauge -> gauge.getValue();
                        case HistogramSnapshot.HistogramDataPointSnapshot histogram -> histogram.getCount();
                        default -> throw new AssertionError(point);
                    };
                }
            }
        }
        return 0;
    }

    @Test
    void readsDoNotWaitForUploads() throws Exception {
        StoreThatNeverAnswers stuck = new StoreThatNeverAnswers(simulation.environment());
        ObjectStore store = new LimitedObjectStore(stuck, new CallLimits(2, 2, 1), metrics, simulation.environment());
        Cancellation cancellation = new Cancellation();
        RequestContext context = CONTEXT.withCancellation(cancellation);
        simulation.run(() -> {
            for (int i = 0; i < 5; i++) {
                tasks.start("upload", () -> store.put(KEY, ObjectSource.of(new byte[1]), PutCondition.ALWAYS, context));
                tasks.start("download", () -> store.get(KEY, ByteRange.WHOLE, new BytesSink(1), context));
            }
            tasks.sleep(SECOND, Cancellation.NEVER);
            assertThat(stuck.waiting())
                    .as("two uploads, and the one background download")
                    .isEqualTo(3);
            assertThat(value("palimpsest_remote_storage_calls", "upload", "waiting"))
                    .isEqualTo(3);
            assertThat(value("palimpsest_remote_storage_calls", "download", "running"))
                    .isEqualTo(1);
            tasks.start(
                    "session",
                    () -> store.head(
                            KEY, RequestContext.of(TaskKind.PAGE_SERVICE).withCancellation(cancellation)));
            tasks.sleep(SECOND, Cancellation.NEVER);
            assertThat(stuck.waiting()).as("and the session's").isEqualTo(4);
            cancellation.cancel();
        });
        assertThat(stuck.waiting()).isZero();
        // Those that ended gave their slots to some who had not seen yet that they are cancelled.
        assertThat(value("remote_storage_s3_cancelled_waits", "put_object")
                        + value("remote_storage_s3_wait_seconds", "put_object"))
                .isEqualTo(5);
        assertThat(value("remote_storage_s3_cancelled_waits", "put_object")).isPositive();
        assertThat(value("remote_storage_s3_wait_seconds", "head_object")).isEqualTo(1);
        assertThat(value("palimpsest_remote_storage_calls", "upload", "running"))
                .isZero();
    }

    @Test
    void everyCallIsCounted() throws Exception {
        SimulatedObjectStore objects = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);
        ObjectStore store = new MeteredObjectStore(objects, metrics);
        simulation.run(() -> {
            store.put(KEY, ObjectSource.of(new byte[100]), PutCondition.ALWAYS, CONTEXT);
            assertThatThrownBy(() -> store.put(KEY, ObjectSource.of(new byte[1]), PutCondition.IF_ABSENT, CONTEXT))
                    .isInstanceOf(ObjectStoreException.class);
            store.get(KEY, new ByteRange(10, 20), new BytesSink(100), CONTEXT);
            assertThatThrownBy(() -> store.read(new ObjectKey("b"), 1, CONTEXT))
                    .isInstanceOf(ObjectStoreException.class);
            store.head(KEY, CONTEXT);
            store.list(ListRequest.all(""), CONTEXT);
            store.delete(KEY, CONTEXT);
            store.deleteAll(List.of(KEY, new ObjectKey("b")), CONTEXT);
            Cancellation cancellation = new Cancellation();
            cancellation.cancel();
            assertThatThrownBy(() -> store.head(KEY, CONTEXT.withCancellation(cancellation)))
                    .isInstanceOf(CancelledException.class);
            objects.misbehave(ObjectStoreFaults.NONE.withFailing(1, 0));
            assertThatThrownBy(() -> store.head(KEY, CONTEXT)).isInstanceOf(ObjectStoreException.class);
        });
        String requests = "remote_storage_s3_request_seconds";
        assertThat(value(requests, "put_object", "ok")).isEqualTo(2);
        assertThat(value(requests, "get_object", "ok")).isEqualTo(2);
        assertThat(value(requests, "head_object", "ok")).isEqualTo(1);
        assertThat(value(requests, "head_object", "cancelled")).isEqualTo(1);
        assertThat(value(requests, "head_object", "err")).isEqualTo(1);
        assertThat(value(requests, "list_objects", "ok")).isEqualTo(1);
        assertThat(value(requests, "delete_object", "ok")).isEqualTo(2);
        assertThat(value("remote_storage_s3_deleted_objects")).isEqualTo(3);
        assertThat(value("palimpsest_remote_storage_bytes", "upload")).isEqualTo(100);
        assertThat(value("palimpsest_remote_storage_bytes", "download")).isEqualTo(20);
        String errors = "palimpsest_remote_storage_errors";
        assertThat(value(errors, "not_found", "get_object")).isEqualTo(1);
        assertThat(value(errors, "precondition_failed", "put_object")).isEqualTo(1);
        assertThat(value(errors, "unavailable", "head_object")).isEqualTo(1);
    }
}
