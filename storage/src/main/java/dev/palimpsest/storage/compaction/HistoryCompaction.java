package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.MergeIterator;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layermap.ImageCoverage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rewrites, for a range of keys, all layers up to an LSN at or below the GC cutoff, so that they have what the retained LSNs need
 * and nothing else.
 *
 * <pre>
 *   LSN ▲  ┌────┬─────┐ as it was           ┌────┬─────┐
 *  upTo ┼──┼────┴─┬───┤                   ──┼────┴─────┤
 *       │  │      ├───┤                     │          │ one layer of deltas, cut by keys, from retained LSN
 *       │  ├─────┬┘   │      ──►            │          │ to retained LSN
 *       │  │     │    │                   ──┼══════════┤ images as of the first retained LSN
 *       │  └─────┴────┘                     └──────────┘
 *       └───────────────► key
 * </pre>
 *
 * <p>What a timeline may find in an ancestor is not hidden: there are images only where it had some at or below the first retained
 * LSN before, and where it had none everything stays that builds upon what is inherited. An image layer also says which keys are
 * not there. So one that is still needed for that stays, as does one that reaches beyond the keys that are done: it has, of
 * the LSN it is at, the same as the new layers.
 *
 * <p>A crash at any moment leaves the index part with either the old layers or the new ones, all of them.
 */
final class HistoryCompaction {
    private static final Logger LOG = LoggerFactory.getLogger(HistoryCompaction.class);
    private static final int VALUES_BETWEEN_CHECKS = 1024;

    private final HistoryTimeline timeline;
    private final CompactionSettings settings;
    private final int maxChain;
    private final Set<LayerName> carried;
    private final Set<LayerName> kept;
    private final RequestContext context;
    private long valuesRead;

    /**
     * @param timeline nobody else compacts it or collects its garbage meanwhile
     * @param carried image layers that were an input of each job before it that they have keys of, with the same {@code kept}
     * @param kept image layers that were found to be needed, of this job and those before it; more are added
     */
    HistoryCompaction(
            HistoryTimeline timeline,
            CompactionSettings settings,
            int maxChain,
            Set<LayerName> carried,
            Set<LayerName> kept,
            RequestContext context) {
        this.timeline = timeline;
        this.settings = settings;
        this.maxChain = maxChain;
        this.carried = carried;
        this.kept = kept;
        this.context = context;
    }

    /** Does a job. Durable on return. If it throws, all that was readable and is retained still is. */
    HistoryReport run(HistoryPlanner.Job<PersistentLayer> job, RetainedHistory retained) throws StorageException {
        List<PersistentLayer> inputs = new ArrayList<>(job.deltas());
        inputs.addAll(job.images());
        Lsn lowest = inputs.stream().map(Layer::lsnStart).reduce(Lsn.MAX, Lsn::min);
        LsnRange lsns = timeline.unused(new LsnRange(lowest, job.upTo().plus(1)));
        if (lsns == null) {
            return HistoryReport.NOTHING;
        }
        List<PersistentLayer> held = new ArrayList<>();
        try {
            for (PersistentLayer input : inputs) {
                if (!input.tryAcquire()) {
                    throw new IllegalStateException("layer " + input.name() + " of timeline " + timeline.id()
                            + " was removed while its history is compacted");
                }
                held.add(input);
            }
            return replace(job, retained.between(lowest, job.upTo()), lsns);
        } finally {
            held.forEach(PersistentLayer::release);
        }
    }

    private HistoryReport replace(HistoryPlanner.Job<PersistentLayer> job, RetainedHistory retained, LsnRange lsns)
            throws StorageException {
        Lsn first = retained.spans().getFirst().from();
        KeySpace grounded = grounded(job.range(), first);
        List<KeyRange> there = new ArrayList<>();
        Lsn durable = timeline.diskConsistentLsn();
        for (PersistentLayer image : job.images()) {
            if (image.lsnStart().equals(first)) {
                there.add(image.keyRange());
                kept.add(image.name());
            } else if (image.lsnStart().equals(durable)) {
                kept.add(image.name()); // image creation might make it anew, under the same name
            }
        }
        KeySpace imaged = grounded.minus(KeySpace.ofUnordered(there));
        HoleFinder<Layer> holes = new HoleFinder<>(
                timeline.layers(),
                first,
                settings.targetLayerBytes(),
                job.deltas().size());
        List<PersistentLayer> rest = new ArrayList<>();
        List<PersistentLayer> added = new ArrayList<>();
        boolean swapped = false;
        try (HistoryImages images = new HistoryImages(timeline, settings, imaged, first);
                L1Writer deltas = new L1Writer(timeline, settings, lsns, holes, timeline::isTaken)) {
            try {
                merge(job, new Merge(job, retained, grounded, imaged, images, deltas));
                images.finish();
                deltas.finish();
                for (PersistentLayer layer : job.deltas()) {
                    copyOutside(layer, job.range(), rest);
                }
            } finally {
                added.addAll(images.finished());
                added.addAll(deltas.finished());
                added.addAll(rest);
            }
            ImageLayerName taken = images.taken();
            if (taken != null) {
                LOG.info(
                        "some history of timeline {} is compacted another time: layer {} was there before, and its"
                                + " deletion may still come",
                        timeline.id(),
                        taken);
                return HistoryReport.NOTHING;
            }
            KeySpace empty = imaged.minus(images.written());
            List<PersistentLayer> removed = removable(job, grounded, empty);
            timeline.syncDirectory();
            timeline.checkRunning(context);
            swapped = true; // from here on they are the timeline's
            timeline.replaceHistory(added, removed, context);
            timeline.publish(context);
            return report(job, added, removed, images.values() + deltas.values());
        } finally {
            if (!swapped) {
                added.forEach(PersistentLayer::drop);
            }
        }
    }

    /** The keys of which nothing is looked for elsewhere at an LSN. */
    private KeySpace grounded(KeyRange range, Lsn lsn) {
        if (!timeline.inheritedUpTo().isValid()) {
            return KeySpace.of(range);
        }
        List<KeyRange> covered = new ArrayList<>();
        for (ImageCoverage<Layer> piece : timeline.layers().imageCoverage(range, lsn)) {
            if (piece.image() != null) {
                covered.add(piece.range());
            }
        }
        return KeySpace.ofUnordered(covered);
    }

    private List<PersistentLayer> removable(
            HistoryPlanner.Job<PersistentLayer> job, KeySpace grounded, KeySpace empty) {
        boolean isRoot = !timeline.inheritedUpTo().isValid();
        List<PersistentLayer> removed = new ArrayList<>(job.deltas());
        for (PersistentLayer image : job.images()) {
            boolean isDone = isRoot
                    ? isDone(image, job.range())
                    : grounded.contains(image.keyRange()) && !empty.overlaps(image.keyRange());
            if (isDone && !kept.contains(image.name())) {
                removed.add(image);
            }
        }
        return removed;
    }

    /** Whether all keys of a layer are done with this job. */
    private boolean isDone(PersistentLayer image, KeyRange range) {
        return (image.keyRange().start().compareTo(range.start()) >= 0 || carried.contains(image.name()))
                && image.keyRange().end().compareTo(range.end()) <= 0;
    }

    private HistoryReport report(
            HistoryPlanner.Job<PersistentLayer> job,
            List<PersistentLayer> added,
            List<PersistentLayer> removed,
            long valuesKept) {
        return new HistoryReport(
                CompactionReport.Outcome.DONE,
                1,
                job.deltas().size() + job.images().size(),
                bytes(job.deltas()) + bytes(job.images()),
                added.size(),
                bytes(added),
                removed.size(),
                bytes(removed),
                valuesRead,
                valuesKept);
    }

    private static long bytes(List<PersistentLayer> layers) {
        return layers.stream().mapToLong(PersistentLayer::size).sum();
    }

    private void merge(HistoryPlanner.Job<PersistentLayer> job, Merge merge) throws StorageException {
        List<MergeIterator.Input> inputs = new ArrayList<>();
        job.deltas().forEach(layer -> inputs.add(layer.input(context)));
        job.images().forEach(layer -> inputs.add(layer.input(context)));
        try (MergeIterator values = new MergeIterator(inputs)) {
            for (long i = 0; values.next(); i++) {
                if (i % VALUES_BETWEEN_CHECKS == 0) {
                    timeline.checkRunning(context);
                }
                if (values.key().compareTo(job.range().end()) >= 0 || merge.images.taken() != null) {
                    break; // done, or in vain
                }
                if (values.key().compareTo(job.range().start()) >= 0) {
                    valuesRead++;
                    merge.add(values);
                }
            }
            merge.end();
        }
    }

    /** Writes what a delta layer has of other keys into layers of its own, as it is. */
    private void copyOutside(PersistentLayer layer, KeyRange range, List<PersistentLayer> copies)
            throws StorageException {
        KeyRange all = layer.keyRange();
        if (all.start().compareTo(range.start()) < 0) {
            copy(layer, new KeyRange(all.start(), range.start()), copies);
        }
        if (all.end().compareTo(range.end()) > 0) {
            copy(layer, new KeyRange(range.end(), all.end()), copies);
        }
    }

    private void copy(PersistentLayer layer, KeyRange keys, List<PersistentLayer> copies) throws StorageException {
        LsnRange lsns = layer.name().lsnRange();
        boolean any = false;
        try (LayerIterator values = layer.iterator(context);
                DeltaLayerWriter writer = timeline.newDeltaLayer(keys.start(), lsns)) {
            for (long i = 0; values.next(); i++) {
                if (i % VALUES_BETWEEN_CHECKS == 0) {
                    timeline.checkRunning(context);
                }
                if (keys.contains(values.key())) {
                    writer.put(values.key(), values.lsn(), values.value(), values.willInit());
                    any = true;
                }
            }
            if (any) {
                copies.add(timeline.finish(writer, keys.start(), keys.end(), lsns));
            }
        }
    }

    /** Gives the fold one key after the other, with its versions and where image layers say that it has none. */
    private final class Merge implements HistoryFold.Output {
        private final KeySpace grounded;
        private final KeySpace imaged;
        private final HistoryImages images;
        private final L1Writer deltas;
        private final HistoryFold fold;
        private final Set<LayerName> removable;
        /** Image layers of which the keys have not begun, by first key. */
        private final List<PersistentLayer> next;
        /** Image layers that cover the current key, by LSN. */
        private final List<PersistentLayer> covering = new ArrayList<>();

        private Key key = Key.MIN;
        private boolean begun;
        private Lsn lsn = Lsn.INVALID;
        private int passed;

        Merge(
                HistoryPlanner.Job<PersistentLayer> job,
                RetainedHistory retained,
                KeySpace grounded,
                KeySpace imaged,
                HistoryImages images,
                L1Writer deltas) {
            this.grounded = grounded;
            this.imaged = imaged;
            this.images = images;
            this.deltas = deltas;
            this.fold = new HistoryFold(timeline.id(), timeline::rebuild, retained, maxChain, this);
            this.next = new ArrayList<>(job.images());
            next.sort(Comparator.comparing(
                    (PersistentLayer layer) -> layer.keyRange().start()));
            this.removable = Set.copyOf(removable(job, grounded, KeySpace.EMPTY).stream()
                    .map(PersistentLayer::name)
                    .toList());
        }

        void add(LayerIterator value) throws StorageException {
            if (!begun || !value.key().equals(key)) {
                end();
                begin(value.key());
            } else if (value.lsn().equals(lsn)) {
                return; // an image came first, which has all up to its LSN
            }
            lsn = value.lsn();
            pass(lsn, false);
            if (passed < covering.size() && covering.get(passed).lsnStart().equals(lsn) && value.isImage()) {
                pass(lsn, true);
            }
            fold.add(lsn, value.value(), value.willInit());
        }

        private void begin(Key start) {
            key = start;
            begun = true;
            covering.removeIf(layer -> layer.keyRange().end().compareTo(start) <= 0);
            boolean more = false;
            while (!next.isEmpty() && next.getFirst().keyRange().start().compareTo(start) <= 0) {
                PersistentLayer layer = next.removeFirst();
                more |= layer.keyRange().contains(start) && covering.add(layer);
            }
            if (more) {
                covering.sort(Comparator.comparing(PersistentLayer::lsnStart));
            }
            passed = 0;
            HistoryFold.Bottom bottom = HistoryFold.Bottom.NONE;
            if (grounded.contains(start)) {
                bottom = imaged.contains(start) ? HistoryFold.Bottom.IMAGE : HistoryFold.Bottom.THERE;
            }
            fold.begin(start, bottom);
        }

        /** Goes past the image layers up to an LSN; those that have no image of the key say that it is not there. */
        private void pass(Lsn upTo, boolean hasImage) throws StorageException {
            while (passed < covering.size()) {
                PersistentLayer layer = covering.get(passed);
                boolean isPast = layer.lsnStart().isBefore(upTo)
                        || (hasImage && layer.lsnStart().equals(upTo));
                if (!isPast) {
                    return;
                }
                if (!hasImage) {
                    fold.absent(layer.lsnStart(), layer.name());
                    if (covering.subList(0, passed).stream().anyMatch(older -> !removable.contains(older.name()))) {
                        kept.add(layer.name()); // else the one that stays would be asked
                    }
                }
                passed++;
            }
        }

        void end() throws StorageException {
            if (begun) {
                pass(Lsn.MAX, false);
                fold.end();
                begun = false;
            }
        }

        @Override
        public void bottom(Key of, byte[] value) throws StorageException {
            images.put(of, value);
        }

        @Override
        public void keep(Key of, Lsn at, ByteBuffer value, boolean willInit) throws StorageException {
            deltas.put(of, at, value, willInit);
        }

        @Override
        public void needed(LayerName layer) {
            kept.add(layer);
        }
    }
}
