package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.TimelineWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real threads on real files: readers compare every value with the model while layers fill, freeze, are flushed and are shut
 * down under them. A torn index, a recycled buffer or a layer that goes too early shows as a wrong value.
 */
class TimelineStressTest {
    private static final int KEYS = 60;
    private static final int RECORDS = 6_000;
    private static final Lsn START = new Lsn(0x1000);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);

    @TempDir
    Path directory;

    @Test
    void readersNeverSeeAnythingElseThanWhatWasPut() throws Exception {
        long seed = Long.getLong("palimpsest.seed", 42);
        StoreSettings settings = StoreSettings.DEFAULT.withTimelines(
                new TimelineConfig(100_000, Duration.ofSeconds(1), 2, 0, 0, 256, Duration.ofMillis(1)));
        History history = History.root(seed, START, KEYS);
        prepare(history);
        EmbeddedStore store = EmbeddedStore.open(directory, settings, new AppendingRedo());
        Timeline timeline =
                store.tenant(CrashingWriter.TENANT, CONTEXT).create(CrashingWriter.ROOT, START, 17, CONTEXT);
        AtomicLong reads = new AtomicLong();
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            SplittableRandom random = new SplittableRandom(seed + i);
            readers.add(Thread.ofPlatform().start(() -> {
                try {
                    readUntilShutDown(timeline, history, random, reads);
                } catch (Exception | Error e) {
                    failures.add(e);
                }
            }));
        }
        write(timeline, history, CONTEXT);
        store.close();
        for (Thread reader : readers) {
            reader.join();
        }
        assertThat(failures).as("seed %d", seed).isEmpty();
        assertThat(reads.get()).isGreaterThan(100);
    }

    /** Tasks that only compute keep all other virtual threads from running; a flush must be none of those. */
    @Test
    void aFlushGoesOnWhileTasksComputeOnAllVirtualThreads() throws Exception {
        StoreSettings settings = StoreSettings.DEFAULT.withTimelines(
                new TimelineConfig(100_000, Duration.ofSeconds(1), 2, 0, 0, 256, Duration.ofMillis(1)));
        History history = History.root(1, START, KEYS);
        prepare(history);
        AtomicBoolean stop = new AtomicBoolean();
        List<Thread> computing = new ArrayList<>();
        try (EmbeddedStore store = EmbeddedStore.open(directory, settings, new AppendingRedo())) {
            Timeline timeline =
                    store.tenant(CrashingWriter.TENANT, CONTEXT).create(CrashingWriter.ROOT, START, 17, CONTEXT);
            try {
                for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
                    computing.add(Thread.startVirtualThread(() -> {
                        while (!stop.get()) {
                            Thread.onSpinWait();
                        }
                    }));
                }
                long minute = store.clock().nanos() + 60_000_000_000L;
                write(timeline, history, CONTEXT.withDeadline(minute));
                assertThat(timeline.diskConsistentLsn()).isEqualTo(timeline.lastRecordLsn());
            } finally {
                stop.set(true);
            }
        }
        for (Thread thread : computing) {
            thread.join();
        }
    }

    /** The model is made beforehand, since it is not for many threads while it grows. */
    private static void prepare(History history) {
        Lsn lsn = Lsn.INVALID;
        for (int i = 0; i <= RECORDS; i++) {
            lsn = history.after(lsn).lsn();
        }
    }

    private static void write(Timeline timeline, History history, RequestContext context) throws Exception {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        for (int i = 0; i < RECORDS; i++) {
            History.Entry entry = history.after(timeline.lastRecordLsn());
            for (History.Change change : entry.changes()) {
                batch.put(change.key(), entry.lsn(), change.value());
            }
            try (TimelineWriter writer = timeline.writer(context)) {
                writer.put(batch.build());
                writer.finish(entry.lsn(), entry.previous());
            }
            batch.clear();
            if (i % 1_000 == 999) {
                timeline.freezeAndFlush(context);
            }
        }
    }

    private static void readUntilShutDown(Timeline timeline, History history, SplittableRandom random, AtomicLong reads)
            throws Exception {
        while (true) {
            Lsn last = timeline.lastRecordLsn();
            Key key = History.key(random.nextInt(KEYS));
            Lsn lsn = random.nextBoolean() || !last.isValid()
                    ? last
                    : new Lsn(START.value() + random.nextLong(last.value() - START.value() + 1));
            try {
                byte[] value = timeline.get(key, lsn, CONTEXT);
                Optional<byte[]> expected = history.expected(key, lsn);
                if (expected.isEmpty() || !Arrays.equals(expected.get(), value)) {
                    throw new AssertionError("key " + key + " at " + lsn + " has " + value.length + " wrong bytes");
                }
                reads.incrementAndGet();
            } catch (MissingKeyException e) {
                if (history.expected(key, lsn).isPresent()) {
                    throw e;
                }
            } catch (InvalidRequestException e) {
                if (last.isValid()) {
                    throw e; // nothing was written yet
                }
            } catch (CancelledException e) {
                return;
            }
        }
    }
}
