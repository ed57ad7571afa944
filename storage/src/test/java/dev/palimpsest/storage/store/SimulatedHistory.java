package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistoryReport;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.KeyResult;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/** Compaction of history at random, in small pieces, while LSNs below the cutoff are held; those are compared with the model. */
final class SimulatedHistory {
    /** How often something was done. */
    record Done(int jobs, int layersRemoved, long valuesDropped, int heldReads) {}

    private final SplittableRandom random;
    private int jobs;
    private int layersRemoved;
    private long valuesDropped;
    private int heldReads;

    SimulatedHistory(SplittableRandom random) {
        this.random = random;
    }

    Done done() {
        return new Done(jobs, layersRemoved, valuesDropped, heldReads);
    }

    /** Compacts what is below the cutoff as it is, most often while others read there. */
    void compact(
            Environment environment,
            TenantTimelines store,
            Timeline timeline,
            History history,
            CompactionSettings compaction,
            RequestContext context)
            throws StorageException {
        boolean[] over = new boolean[1];
        List<Task> readers = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            readers.add(environment
                    .tasks()
                    .start("read beside", () -> readBeside(environment, timeline, history, over, context)));
        }
        try {
            compact(store, timeline, compaction, context);
        } finally {
            over[0] = true;
            readers.forEach(Task::join);
        }
        for (Task reader : readers) {
            switch (reader.failure().orElse(null)) {
                case null -> {}
                case StorageException e -> throw e;
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                default -> throw new AssertionError(reader.failure());
            }
        }
    }

    /** Reads where a replacement of layers comes between two steps of a read, if anywhere: just above the cutoff. */
    private void readBeside(
            Environment environment, Timeline timeline, History history, boolean[] over, RequestContext context)
            throws StorageException {
        for (int i = 0; i < 12 && !over[0]; i++) {
            if (random.nextInt(4) == 0) {
                environment
                        .tasks()
                        .sleep(random.nextLong(3_000_000L), Cancellation.NEVER); // else most takes no time at all
            }
            Lsn lsn = timeline.gcCutoffLsn();
            if (lsn.isAfter(timeline.lastRecordLsn())) {
                return;
            }
            try (Hold hold = timeline.hold(lsn)) {
                check(timeline, history, hold.lsn(), context);
            }
        }
    }

    private void compact(
            TenantTimelines store, Timeline timeline, CompactionSettings compaction, RequestContext context)
            throws StorageException {
        HistorySettings settings = new HistorySettings(
                0, 100, random.nextBoolean() ? 1L << 30 : random.nextInt(1, 30_000), random.nextInt(0, 6));
        compact(store, timeline, compaction, settings, () -> random.nextInt(4) == 0, context);
    }

    private void compact(
            TenantTimelines store,
            Timeline timeline,
            CompactionSettings compaction,
            HistorySettings settings,
            BooleanSupplier yield,
            RequestContext context)
            throws StorageException {
        List<HistoryReport> pieces = new ArrayList<>();
        HistoryReport report =
                timeline.upkeep().compactHistory(store, compaction, settings, yield, pieces::add, context);
        if (pieces.stream().mapToLong(HistoryReport::bytesWritten).sum() != report.bytesWritten()) {
            throw new AssertionError("pieces " + pieces + " are not " + report);
        }
        jobs += report.jobs();
        layersRemoved += report.layersRemoved();
        valuesDropped += report.valuesRead() - report.valuesKept();
    }

    /** Holds some LSNs, raises the cutoff beyond them, compacts, and looks whether all keys are there as of those. */
    void holdAndCompact(
            Environment environment,
            TenantTimelines store,
            Timeline timeline,
            History history,
            CompactionSettings compaction,
            RequestContext context)
            throws StorageException {
        Lsn first = timeline.gcCutoffLsn();
        Lsn last = timeline.lastRecordLsn();
        if (last.isBefore(first) || !first.isValid()) {
            return;
        }
        List<Hold> holds = new ArrayList<>();
        try {
            for (int i = random.nextInt(4); i > 0; i--) {
                Lsn lsn = first.plus(random.nextLong(last.bytesSince(first) + 1));
                if (!lsn.isBefore(timeline.gcCutoffLsn())) {
                    holds.add(timeline.hold(lsn));
                }
            }
            timeline.freezeAndFlush(context);
            Lsn cutoff = random.nextBoolean() ? last : first.plus(random.nextLong(last.bytesSince(first) + 1));
            store.collectGarbage(timeline.id(), GcInputs.keepFrom(cutoff), GarbageCollection.Mode.REMOVE, context);
            compact(environment, store, timeline, history, compaction, context);
            if (random.nextInt(3) == 0) {
                // Between two pieces of a run others let go of what they held, and GC comes by.
                holds.forEach(Hold::close);
                holds.clear();
                cutoff = timeline.lastRecordLsn();
                store.collectGarbage(timeline.id(), GcInputs.keepFrom(cutoff), GarbageCollection.Mode.REMOVE, context);
                compact(environment, store, timeline, history, compaction, context);
            }
            for (Hold hold : holds) {
                check(timeline, history, hold.lsn(), context);
            }
            check(timeline, history, Lsn.max(timeline.gcCutoffLsn(), cutoff), context);
        } finally {
            holds.forEach(Hold::close);
        }
    }

    /**
     * Holds an LSN, compacts some small pieces up to where images are, lets go of it, and compacts the rest once GC has come by: what
     * the first pieces have kept is superfluous then, if an image layer covers it that the rest reaches into.
     */
    void releaseBetweenPieces(
            TenantTimelines store,
            Timeline timeline,
            History history,
            Lsn imagesAt,
            CompactionSettings compaction,
            SimulatedUpkeep.Write write,
            RequestContext context)
            throws StorageException {
        Lsn first = timeline.gcCutoffLsn();
        if (imagesAt.isBefore(first) || !first.isValid()) {
            return;
        }
        HistorySettings settings = new HistorySettings(0, 100, random.nextInt(1, 3000), random.nextInt(0, 6));
        try (Hold hold = timeline.hold(first)) {
            store.collectGarbage(timeline.id(), GcInputs.keepFrom(imagesAt), GarbageCollection.Mode.REMOVE, context);
            compact(store, timeline, compaction, settings, () -> random.nextInt(3) > 0, context);
            check(timeline, history, hold.lsn(), context);
        }
        write.run();
        Lsn cutoff = timeline.lastRecordLsn();
        store.collectGarbage(timeline.id(), GcInputs.keepFrom(cutoff), GarbageCollection.Mode.REMOVE, context);
        compact(store, timeline, compaction, settings, () -> false, context);
        check(timeline, history, Lsn.max(timeline.gcCutoffLsn(), cutoff), context);
    }

    private void check(Timeline timeline, History history, Lsn lsn, RequestContext context) throws StorageException {
        if (lsn.isBefore(timeline.gcCutoffLsn()) && !timeline.heldLsns().contains(lsn)) {
            return; // somebody else has raised the cutoff meanwhile
        }
        SortedMap<Key, KeyResult> found = timeline.scan(KeySpace.of(KeyRange.ALL), lsn, context);
        for (int i = 0; i < history.keyCount(); i++) {
            Key key = History.key(i);
            Optional<byte[]> expected = history.expected(key, lsn);
            switch (found.get(key)) {
                case null ->
                    assertThat(expected)
                            .as("key %s at %s of %s", key, lsn, timeline.id())
                            .isEmpty();
                case KeyResult.Found(byte[] value) ->
                    assertThat(value)
                            .as("key %s at %s of %s", key, lsn, timeline.id())
                            .isEqualTo(expected.orElse(null));
                case KeyResult.Failed(StorageException reason) -> throw reason;
            }
            heldReads++;
        }
    }
}
