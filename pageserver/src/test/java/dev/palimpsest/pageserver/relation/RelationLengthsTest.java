package dev.palimpsest.pageserver.relation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RelationLengthsTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.INGEST);
    private static final int FORKS = 12;
    private static final int CHANGES = 400;
    private static final long FIRST = 0x1000;

    @TempDir
    private Path directory;

    private final PostgresRedo redo = new PostgresRedo();
    private EmbeddedStore store;
    private Timeline timeline;
    /** What each fork's length was after each change. */
    private final AtomicReferenceArray<int[]> history = new AtomicReferenceArray<>(CHANGES + 1);

    @BeforeEach
    void open() throws StorageException {
        store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, redo);
        timeline = store.tenant(TenantId.parse("0123456789abcdef0123456789abcdef"), CONTEXT)
                .create(TimelineId.parse("00000000000000000000000000000001"), new Lsn(FIRST), 17, CONTEXT);
    }

    @AfterEach
    void close() throws StorageException {
        store.close();
        redo.close();
    }

    private static RelTag fork(int number) {
        return new RelTag(1663, 5, 100 + number, 0);
    }

    private static Lsn lsn(int change) {
        return new Lsn(FIRST + 8L * change);
    }

    /** Makes one more change: some forks get another length, or go. */
    private void change(int number, RelationLengths told, Random random) throws StorageException {
        int[] now = number == 0 ? new int[FORKS] : history.get(number - 1).clone();
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        for (int i = 0; i < FORKS; i++) {
            if (number == 0 || random.nextInt(4) == 0) {
                now[i] = random.nextInt(5) == 0 ? -1 : random.nextInt(1000);
                put(batch, fork(i).directoryEntryKey(), lsn(number), Listings.entry(now[i] >= 0));
                put(batch, fork(i).sizeKey(), lsn(number), Listings.length(Math.max(0, now[i])));
                if (now[i] >= 0) {
                    told.changed(fork(i), now[i], lsn(number));
                } else {
                    told.dropped(fork(i), lsn(number));
                }
            }
        }
        history.set(number, now);
        try (TimelineWriter writer = timeline.writer(CONTEXT)) {
            if (!batch.build().isEmpty()) {
                writer.put(batch.build());
            }
            writer.finish(lsn(number));
        }
        if (random.nextInt(3) == 0) {
            told.forgetIfMany();
        }
    }

    private static void put(SerializedBatch.Builder batch, Key key, Lsn lsn, byte[] value) throws StorageException {
        batch.put(key, lsn, new Value.Image(value));
    }

    private void check(RelationLengths lengths, int change, int fork, String where) throws StorageException {
        int expected = history.get(change)[fork];
        assertThat(lengths.length(fork(fork), lsn(change), CONTEXT))
                .as("fork %d as of change %d, %s", fork, change, where)
                .isEqualTo(expected < 0 ? OptionalInt.empty() : OptionalInt.of(expected));
    }

    @Test
    void lengthsAreThoseOfTheTimelineAtEveryLsn() throws Exception {
        RelationLengths lengths = new RelationLengths(timeline, 5);
        Random random = new Random(11);
        for (int number = 0; number < CHANGES; number++) {
            change(number, lengths, random);
            for (int i = 0; i < 5; i++) {
                check(
                        lengths,
                        random.nextInt(4) == 0 ? random.nextInt(number + 1) : number,
                        random.nextInt(FORKS),
                        "seed 11");
            }
        }
        assertThat(lengths.size()).isLessThanOrEqualTo(FORKS);
    }

    @Test
    void readersWhoRaceWithChangesNeverSeeAnOldLength() throws Exception {
        RelationLengths lengths = new RelationLengths(timeline, 4);
        change(0, lengths, new Random(0));
        AtomicBoolean done = new AtomicBoolean();
        try (ExecutorService readers = Executors.newFixedThreadPool(3)) {
            List<Future<Void>> results = new ArrayList<>();
            for (int reader = 0; reader < 3; reader++) {
                int seed = reader;
                Callable<Void> reading = () -> {
                    Random random = new Random(seed);
                    while (!done.get()) {
                        int at = (int) ((timeline.lastRecordLsn().value() - FIRST) / 8);
                        check(lengths, at, random.nextInt(FORKS), "reader " + seed);
                    }
                    return null;
                };
                results.add(readers.submit(reading));
            }
            Random random = new Random(5);
            for (int number = 1; number < CHANGES; number++) {
                change(number, lengths, random);
            }
            done.set(true);
            for (Future<Void> result : results) {
                result.get();
            }
        }
    }
}
