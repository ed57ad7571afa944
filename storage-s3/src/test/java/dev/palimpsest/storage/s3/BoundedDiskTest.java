package dev.palimpsest.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.eviction.EvictionSettings;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.layer.residency.DownloadSettings;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.store.AppendingRedo;
import dev.palimpsest.storage.timeline.DenseKeys;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store whose disk may have a quarter of its history: it serves all of it, and stays below its limit. */
class BoundedDiskTest {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId TIMELINE = new TimelineId(2, 1);
    private static final Lsn START = new Lsn(0x1000);
    private static final RequestContext PAGE = RequestContext.of(TaskKind.PAGE_SERVICE);
    private static final int ROUNDS = 32;
    private static final int KEYS = 32;
    private static final int PAGE_BYTES = 8192;
    private static final long LAYER = (long) KEYS * PAGE_BYTES;
    private static final long LIMIT = ROUNDS * LAYER / 4;
    private static final int READERS = 4;

    /** So many layers may be flushed before their upload is waited for. */
    private static final int UNCHECKED = 4;

    /** What may be beside the limit: downloads on their way, what is read, and what is being written and uploaded. */
    private static final long SLACK = (4 + READERS + UNCHECKED) * (LAYER + LAYER / 8);

    @TempDir
    Path directory;

    private final Buckets buckets = new Buckets();

    @AfterEach
    void stop() {
        buckets.close();
    }

    @Test
    void aQuarterOfTheHistoryIsHereAndAllOfItIsServed() throws Exception {
        S3Settings bucket = buckets.make(ConditionalPuts.PROBE);
        AtomicLong peak = new AtomicLong();
        long seed = Long.getLong("palimpsest.seed", 5);
        try (S3ObjectStore objects = S3ObjectStore.open(bucket, buckets.environment(seed), PAGE)) {
            try (EmbeddedStore store = open(objects, LIMIT)) {
                Timeline timeline = store.tenant(TENANT, PAGE).create(TIMELINE, START, 17, PAGE);
                for (int round = 0; round < ROUNDS; round++) {
                    write(timeline, round);
                    note(peak);
                }
                readAll(timeline, peak, seed);
            }
            assertThat(peak.get()).as("bytes on the disk, seed %d", seed).isBetween(LIMIT / 2, LIMIT + SLACK);
            peak.set(0);
            try (EmbeddedStore store = open(objects, LIMIT / 4)) {
                Timeline timeline = store.tenant(TENANT, PAGE).timeline(TIMELINE);
                readAll(timeline, new AtomicLong(), seed + 100);
                note(peak);
            }
            assertThat(peak.get())
                    .as("bytes on the disk of another life with another limit, seed %d", seed)
                    .isLessThan(LIMIT / 4 + SLACK);
        }
    }

    private EmbeddedStore open(S3ObjectStore objects, long limit) throws Exception {
        PrometheusRegistry metrics = new PrometheusRegistry();
        return EmbeddedStore.open(
                directory,
                (_, environment) -> RemoteSettings.DEFAULT.wrap(objects, environment, metrics),
                StoreSettings.DEFAULT
                        .withDownloads(new DownloadSettings(READERS, 2, 4 * LAYER))
                        .withEviction(Optional.of(EvictionSettings.DEFAULT
                                .withMaxLocalBytes(limit)
                                .withMinFreeBytes(0))),
                new AppendingRedo(),
                DenseKeys.NONE,
                metrics);
    }

    private static Key key(int number) {
        return Key.of(0, 1663, 5, 1000, 0, number);
    }

    private static Lsn lsn(int round) {
        return START.plus(0x100L * round);
    }

    /** Bytes that cannot be compressed, others for each key in each round. */
    private static byte[] page(int round, int number) {
        byte[] bytes = new byte[PAGE_BYTES];
        new SplittableRandom((long) round * KEYS + number).nextBytes(bytes);
        return bytes;
    }

    private static void write(Timeline timeline, int round) throws Exception {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        for (int number = 0; number < KEYS; number++) {
            batch.put(key(number), lsn(round), new Value.Image(page(round, number)));
        }
        try (TimelineWriter writer = timeline.writer(PAGE)) {
            writer.put(batch.build());
            writer.finish(lsn(round));
            writer.freeze();
        }
        if (round % UNCHECKED == UNCHECKED - 1) {
            timeline.freezeAndFlush(PAGE);
        }
    }

    /** Every round from beginning to end, and at random, by several at once. */
    private void readAll(Timeline timeline, AtomicLong peak, long seed) throws Exception {
        List<Future<Void>> readers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < READERS; i++) {
                int first = i * ROUNDS / READERS;
                SplittableRandom random = new SplittableRandom(seed + i);
                Callable<Void> reader = () -> {
                    for (int n = 0; n < 3 * ROUNDS / 2; n++) {
                        int round = n < ROUNDS ? (first + n) % ROUNDS : random.nextInt(ROUNDS);
                        int number = random.nextInt(KEYS);
                        assertThat(timeline.get(key(number), lsn(round), PAGE))
                                .as("seed %d: key %d in round %d", seed, number, round)
                                .isEqualTo(page(round, number));
                        note(peak);
                    }
                    return null;
                };
                readers.add(threads.submit(reader));
            }
        }
        for (Future<Void> reader : readers) {
            reader.get();
        }
    }

    private void note(AtomicLong peak) {
        peak.accumulateAndGet(bytesIn(directory.toFile()), Math::max);
    }

    /** Files may go while this looks. */
    private static long bytesIn(File file) {
        File[] inner = file.listFiles();
        if (inner == null) {
            return file.length();
        }
        long bytes = 0;
        for (File each : inner) {
            bytes += bytesIn(each);
        }
        return bytes;
    }
}
