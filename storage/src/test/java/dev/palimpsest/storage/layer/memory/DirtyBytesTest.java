package dev.palimpsest.storage.layer.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import org.junit.jupiter.api.Test;

class DirtyBytesTest {
    private static final long MIB = 1 << 20;

    private final PrometheusRegistry registry = new PrometheusRegistry();

    @Test
    void aLayerPublishesOnceItHasDrifted() {
        DirtyBytes dirty = new DirtyBytes(0, registry);
        DirtyBytes.Share share = dirty.open();
        share.grewTo(DirtyBytes.MAX_DRIFT);
        assertThat(dirty.bytes()).isZero();
        share.grewTo(DirtyBytes.MAX_DRIFT + 1);
        assertThat(dirty.bytes()).isEqualTo(DirtyBytes.MAX_DRIFT + 1);
        share.grewTo(2 * DirtyBytes.MAX_DRIFT);
        assertThat(dirty.bytes()).isEqualTo(DirtyBytes.MAX_DRIFT + 1);
        assertThat(share.publish(2 * DirtyBytes.MAX_DRIFT)).isEmpty();
        assertThat(dirty.bytes()).isEqualTo(2 * DirtyBytes.MAX_DRIFT);
    }

    @Test
    void aboveTheLimitTheAverageIsTheSizeToFreezeAt() {
        DirtyBytes dirty = new DirtyBytes(100 * MIB, registry);
        DirtyBytes.Share small = dirty.open();
        DirtyBytes.Share large = dirty.open();
        assertThat(small.publish(20 * MIB)).isEmpty();
        assertThat(large.publish(80 * MIB)).isEmpty();
        assertThat(large.publish(80 * MIB + 2)).hasValue(50 * MIB + 1);
        assertThat(small.publish(20 * MIB)).hasValue(50 * MIB + 1);
        large.release();
        assertThat(small.publish(20 * MIB)).isEmpty();
    }

    @Test
    void aShareIsReturnedOnce() {
        DirtyBytes dirty = new DirtyBytes(1, registry);
        DirtyBytes.Share share = dirty.open();
        DirtyBytes.Share other = dirty.open();
        share.publish(MIB);
        other.publish(3 * MIB);
        share.release();
        share.release();
        assertThat(share.publish(7 * MIB)).isEmpty();
        share.grewTo(70 * MIB);
        assertThat(dirty.bytes()).isEqualTo(3 * MIB);
        assertThat(dirty.layers()).isEqualTo(1);
        other.release();
        assertThat(dirty.bytes()).isZero();
        assertThat(dirty.layers()).isZero();
    }

    @Test
    void theGaugesTellBytesAndLayers() {
        DirtyBytes dirty = new DirtyBytes(0, registry);
        dirty.open().publish(5);
        dirty.open().publish(6);
        assertThat(gauge("pageserver_timeline_ephemeral_bytes")).isEqualTo(11);
        assertThat(gauge("palimpsest_ephemeral_layers")).isEqualTo(2);
    }

    private double gauge(String name) {
        return registry.scrape(name::equals).stream()
                .map(snapshot ->
                        ((GaugeSnapshot) snapshot).getDataPoints().getFirst().getValue())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void manyThreadsLeaveTheTotalExact() throws Exception {
        DirtyBytes dirty = new DirtyBytes(1, registry);
        DirtyBytes.Share shared = dirty.open();
        Thread[] threads = new Thread[4];
        for (int i = 0; i < threads.length; i++) {
            int seed = i;
            threads[i] = Thread.ofPlatform().start(() -> {
                for (int n = 0; n < 20_000; n++) {
                    shared.publish((n * 31L + seed) % 1000);
                    DirtyBytes.Share own = dirty.open();
                    own.publish(n);
                    own.release();
                }
            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        shared.publish(42);
        assertThat(dirty.bytes()).isEqualTo(42);
        assertThat(dirty.layers()).isEqualTo(1);
    }
}
