package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.CompactionReport;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/** Compaction, images and GC at random, with limits so small that everything happens in a short life. */
final class SimulatedUpkeep {
    /** How often something was done. */
    record Done(
            int compactions,
            int layersCompacted,
            int layersMade,
            int images,
            int collections,
            int layersRemoved,
            SimulatedHistory.Done history) {}

    /** Writes to a timeline. */
    @FunctionalInterface
    interface Write {
        void run() throws StorageException;
    }

    private final SplittableRandom random;
    private final SimulatedHistory compactedHistory;
    private int compactions;
    private int layersCompacted;
    private int layersMade;
    private int images;
    private int collections;
    private int layersRemoved;

    SimulatedUpkeep(SplittableRandom random) {
        this.random = random;
        this.compactedHistory = new SimulatedHistory(random);
    }

    Done done() {
        return new Done(
                compactions, layersCompacted, layersMade, images, collections, layersRemoved, compactedHistory.done());
    }

    private CompactionSettings settings() {
        return settings(random);
    }

    /** So small that there is something to do all the time. */
    static CompactionSettings settings(SplittableRandom random) {
        return new CompactionSettings(
                random.nextInt(1, 4),
                random.nextInt(1, 20_000),
                random.nextInt(3) == 0 ? random.nextInt(400_000) + 1 : random.nextInt(100, 6_000),
                random.nextBoolean() ? 1 : random.nextInt(1, 4),
                random.nextInt(1, 5),
                random.nextBoolean() ? BlobCompression.NONE : new BlobCompression.Zstd(1));
    }

    /**
     * Does one thing.
     *
     * @param maySomethingGo whether GC may be part of it
     * @param write writes something more to the timeline
     */
    void step(
            Environment environment,
            TenantTimelines store,
            Timeline timeline,
            History history,
            BooleanSupplier maySomethingGo,
            Write write,
            RequestContext context)
            throws StorageException {
        int what = random.nextInt(maySomethingGo.getAsBoolean() ? 9 : 3);
        switch (what) {
            case 8 -> imageAcrossPieces(store, timeline, history, write, context);
            case 6 -> compactedHistory.compact(environment, store, timeline, history, settings(), context);
            case 7 -> compactedHistory.holdAndCompact(environment, store, timeline, history, settings(), context);
            case 0, 1 -> compact(timeline, context);
            case 2 -> createImages(timeline, history, context);
            case 3 -> collect(store, timeline, context);
            default -> {
                // What leaves least behind, so that GC finds something to remove.
                timeline.freezeAndFlush(context);
                compact(timeline, context);
                createImages(timeline, history, context);
                collect(store, timeline, context);
            }
        }
    }

    /** An image layer of all keys above small delta layers, which compaction of history comes to piece by piece. */
    private void imageAcrossPieces(
            TenantTimelines store, Timeline timeline, History history, Write write, RequestContext context)
            throws StorageException {
        timeline.freezeAndFlush(context);
        timeline.upkeep()
                .compactL0(
                        new CompactionSettings(1, 1 << 20, random.nextInt(100, 2000), 1, 5, BlobCompression.NONE),
                        L0Planner.Trigger.ALWAYS,
                        context);
        CompactionSettings large = new CompactionSettings(1, 1 << 20, 1 << 20, 1, 5, BlobCompression.NONE);
        images += timeline.upkeep()
                .createImages(large, (lsn, _) -> keys(history, lsn), () -> false, context)
                .layersWritten();
        Lsn imagesAt = timeline.diskConsistentLsn(); // unless it has just moved
        write.run();
        timeline.freezeAndFlush(context);
        compactedHistory.releaseBetweenPieces(store, timeline, history, imagesAt, large, write, context);
    }

    private void compact(Timeline timeline, RequestContext context) throws StorageException {
        L0Planner.Trigger trigger = random.nextBoolean() ? L0Planner.Trigger.ALWAYS : L0Planner.Trigger.THRESHOLD;
        CompactionReport report = timeline.upkeep().compactL0(settings(), trigger, context);
        if (report.layersRead() > 0) {
            compactions++;
            layersCompacted += report.layersRead();
            layersMade += report.layersWritten();
        }
    }

    private void createImages(Timeline timeline, History history, RequestContext context) throws StorageException {
        CompactionReport report = timeline.upkeep()
                .createImages(settings(), (lsn, _) -> keys(history, lsn), random::nextBoolean, context);
        images += report.layersWritten();
    }

    /** The keys that have a value. */
    private static KeySpace keys(History history, Lsn lsn) {
        List<KeyRange> keys = new ArrayList<>();
        for (int i = 0; i < history.keyCount(); i++) {
            Key key = History.key(i);
            if (history.expected(key, lsn).isPresent()) {
                keys.add(KeyRange.single(key));
            }
        }
        return KeySpace.ofUnordered(keys);
    }

    private Lsn cutoff(Lsn first, Lsn last) {
        return random.nextBoolean() ? last : last.minus(random.nextLong(last.bytesSince(first) / 2 + 1));
    }

    private void collect(TenantTimelines store, Timeline timeline, RequestContext context) throws StorageException {
        Lsn last = timeline.lastRecordLsn();
        Lsn first = timeline.gcCutoffLsn();
        if (last.isBefore(first)) {
            return;
        }
        Lsn space = cutoff(first, last);
        Lsn time = random.nextInt(8) == 0 ? null : cutoff(first, last);
        GcReport report = store.collectGarbage(
                timeline.id(),
                new GcInputs(space, time, List.of(), List.of()),
                random.nextInt(5) == 0 ? GarbageCollection.Mode.DRY_RUN : GarbageCollection.Mode.REMOVE,
                context);
        collections++;
        layersRemoved += report.layersRemoved();
    }
}
