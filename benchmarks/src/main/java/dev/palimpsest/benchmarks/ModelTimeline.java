package dev.palimpsest.benchmarks;

import dev.palimpsest.benchmarks.ModelLayer.ModelTable;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.FlushPlanner;
import dev.palimpsest.storage.compaction.FlushSettings;
import dev.palimpsest.storage.compaction.ImagePlanner;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcPlanner;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyPartitioning;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.memory.FrozenKeys;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.LayerMapEditor;
import dev.palimpsest.storage.layermap.SearchResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A timeline of {@link ModelLayer}s: what flush, compaction, images and GC make of it when the engine's own planners and its own
 * layer map decide. Only what the planners' plans cost is modelled here: a byte of values takes a byte in each delta layer it is
 * in, and a page a fixed share of 8192 in an image layer. Holes, keys so hot that they get layers of their own, and images for
 * single keys with long chains are not modelled.
 */
final class ModelTimeline {
    private static final int KEYS_PER_BUCKET = 16;

    private final ModelTable table;
    private final CompactionSettings settings;
    private final double imageBytesPerPage;
    private final @Nullable ModelTimeline ancestor;
    private final Lsn branchedAt;
    private final long[] pending;
    private LayerMap<ModelLayer> map = LayerMap.empty();
    private Lsn flushedTo;
    private Lsn imagesCheckedAt;
    private final Written written = new Written();

    /** Bytes written so far. */
    static final class Written {
        long flushed;
        long compacted;
        long images;

        long total() {
            return flushed + compacted + images;
        }
    }

    /** How many layers of each kind there are, and their bytes. */
    record Size(int l0, int l1, int images, long deltaBytes, long imageBytes) {
        Size plus(Size other) {
            return new Size(
                    l0 + other.l0,
                    l1 + other.l1,
                    images + other.images,
                    deltaBytes + other.deltaBytes,
                    imageBytes + other.imageBytes);
        }
    }

    ModelTimeline(ModelTable table, CompactionSettings settings, double imageShare, Lsn start) {
        this(table, settings, imageShare * PageLayout.PAGE_SIZE, null, start);
    }

    private ModelTimeline(
            ModelTable table,
            CompactionSettings settings,
            double imageBytesPerPage,
            @Nullable ModelTimeline ancestor,
            Lsn start) {
        this.table = table;
        this.settings = settings;
        this.imageBytesPerPage = imageBytesPerPage;
        this.ancestor = ancestor;
        this.branchedAt = start;
        this.pending = new long[table.buckets()];
        this.flushedTo = start;
        this.imagesCheckedAt = start;
    }

    /** A branch from its end. */
    ModelTimeline branch() {
        return new ModelTimeline(table, settings, imageBytesPerPage, this, flushedTo);
    }

    Lsn branchedAt() {
        return branchedAt;
    }

    Lsn flushedTo() {
        return flushedTo;
    }

    Written written() {
        return written;
    }

    Size size() {
        int[] counts = new int[3];
        long[] bytes = new long[2];
        map.historicLayers().forEach(layer -> {
            boolean image = layer.kind() == LayerKind.IMAGE;
            counts[layer.isL0() ? 0 : image ? 2 : 1]++;
            bytes[image ? 1 : 0] += layer.size();
        });
        return new Size(counts[0], counts[1], counts[2], bytes[0], bytes[1]);
    }

    /** What is there before anything is measured: images of all pages below, as after a base backup. */
    void importPages(long pages) {
        List<ModelLayer> images = new ArrayList<>();
        for (KeySpace part : partitioning(pages).parts()) {
            images.add(image(part, part.ranges().getFirst().start(), flushedTo));
        }
        change(images, List.of());
        flushedTo = flushedTo.plus(8);
    }

    /** Takes values for a bucket into the layer in memory. */
    void put(int bucket, long bytes) {
        pending[bucket] += bytes;
    }

    /**
     * Writes the layer in memory, which reaches to {@code end}, exclusive, as an L0 layer or as L1 layers.
     *
     * @param startsAnew whether its values need nothing older, as those of new pages
     */
    void flush(Lsn end, boolean startsAnew) {
        LsnRange lsns = new LsnRange(flushedTo, end);
        long bytes = Arrays.stream(pending).sum();
        FlushPlanner.Plan plan = FlushPlanner.plan(
                new ModelKeys(startsAnew), bytes, lsns, map, ModelLayer::size, FlushSettings.of(settings));
        List<ModelLayer> layers = new ArrayList<>();
        for (KeyRange range : plan.ranges()) {
            int from = table.bucketFrom(range.start());
            int to = table.bucketFrom(range.end());
            if (range.equals(KeyRange.ALL)) {
                layers.add(ModelLayer.delta(range, lsns, 0, pending.clone()));
            } else if (from < to) {
                layers.add(l1(pending, from, to, lsns));
            }
        }
        Arrays.fill(pending, 0);
        written.flushed += bytes;
        flushedTo = end;
        change(layers, List.of());
    }

    /** The keys of a layer in memory: of each bucket that has values some pages, evenly spread, the first and last among them. */
    private final class ModelKeys implements FrozenKeys {
        private final boolean startsAnew;
        private final int perBucket = Math.min(KEYS_PER_BUCKET, table.pagesPerBucket());
        private int bucket = -1;
        private int place = perBucket - 1;

        ModelKeys(boolean startsAnew) {
            this.startsAnew = startsAnew;
        }

        @Override
        public boolean next() {
            place = (place + 1) % perBucket;
            if (place == 0) {
                do {
                    bucket++;
                } while (bucket < pending.length && pending[bucket] == 0);
            }
            return bucket < pending.length;
        }

        @Override
        public Key key() {
            long last = table.pagesPerBucket() - 1L;
            return ModelTable.block((long) bucket * table.pagesPerBucket() + last * place / Math.max(1, perBucket - 1));
        }

        @Override
        public long bytes() {
            return pending[bucket] / perBucket;
        }

        @Override
        public int chain() {
            return 0;
        }

        @Override
        public boolean startsAnew() {
            return startsAnew;
        }
    }

    /**
     * Does what the background would do now: L0 layers first, then images if it is time to look.
     *
     * @param pages how many there are
     */
    void compact(long pages, long imageCheckDistance) {
        while (compactL0()) {
            // until there is nothing more to do
        }
        if (flushedTo.bytesSince(imagesCheckedAt) >= imageCheckDistance) {
            imagesCheckedAt = flushedTo;
            createImages(pages);
        }
    }

    private boolean compactL0() {
        L0Planner.Plan<ModelLayer> plan =
                L0Planner.plan(map.l0Layers(), ModelLayer::size, settings, L0Planner.Trigger.THRESHOLD);
        if (plan.inputs().isEmpty()) {
            return false;
        }
        long[] sum = new long[table.buckets()];
        for (ModelLayer input : plan.inputs()) {
            for (int i = 0; i < input.bytes().length; i++) {
                sum[input.firstBucket() + i] += input.bytes()[i];
            }
        }
        LsnRange lsns = new LsnRange(
                plan.inputs().getFirst().lsnStart(), plan.inputs().getLast().lsnEnd());
        List<ModelLayer> outputs = tile(sum, lsns);
        outputs.forEach(output -> written.compacted += output.size());
        change(outputs, plan.inputs());
        return true;
    }

    /** As the writer of L1 layers: a layer ends before the bucket that would make it larger than the target. */
    private List<ModelLayer> tile(long[] sum, LsnRange lsns) {
        List<ModelLayer> outputs = new ArrayList<>();
        int first = -1;
        int last = -1;
        long bytes = 0;
        for (int bucket = 0; bucket < sum.length; bucket++) {
            if (sum[bucket] == 0) {
                continue;
            }
            if (first >= 0 && bytes + sum[bucket] > settings.targetLayerBytes()) {
                outputs.add(l1(sum, first, last + 1, lsns));
                first = -1;
                bytes = 0;
            }
            first = first < 0 ? bucket : first;
            last = bucket;
            bytes += sum[bucket];
        }
        if (first >= 0) {
            outputs.add(l1(sum, first, last + 1, lsns));
        }
        return outputs;
    }

    private ModelLayer l1(long[] sum, int from, int to, LsnRange lsns) {
        long[] bytes = Arrays.copyOfRange(sum, from, to);
        return ModelLayer.delta(table.bucketRange(from, to), lsns, from, bytes);
    }

    private void createImages(long pages) {
        Lsn lsn = flushedTo.minus(1);
        List<ModelLayer> images = new ArrayList<>();
        for (ImagePlanner.PlannedImages planned :
                ImagePlanner.plan(map, partitioning(pages), lsn, Collections.emptySortedMap(), settings)) {
            images.add(image(planned.keys(), planned.range().start(), lsn));
        }
        images.forEach(image -> written.images += image.size());
        change(images, List.of());
    }

    private ModelLayer image(KeySpace keys, Key start, Lsn lsn) {
        long pages = keys.ranges().stream().mapToLong(KeyRange::pageCount).sum();
        KeyRange range = new KeyRange(start, keys.ranges().getLast().end());
        return ModelLayer.image(range, lsn, (long) (pages * imageBytesPerPage));
    }

    private KeyPartitioning partitioning(long pages) {
        return KeyPartitioning.of(KeySpace.of(ModelTable.blocks(0, pages)), settings.targetLayerBytes());
    }

    /** Removes what the GC would, with reads below {@code cutoff} refused. */
    void collectGarbage(Lsn cutoff, List<Lsn> branchPoints) {
        GcInputs inputs = GcInputs.keepFrom(cutoff).withBranchPoints(branchPoints);
        change(List.of(), GcPlanner.plan(map, inputs).removable());
    }

    private void change(List<ModelLayer> added, List<ModelLayer> removed) {
        LayerMapEditor<ModelLayer> edit = map.edit();
        removed.forEach(edit::remove);
        added.forEach(edit::add);
        map = edit.apply();
    }

    /**
     * How many files a read of a page at the end visits: it goes down to an image, or to the record that made the page.
     *
     * @param born where that record is; 0/0 if it is in what was imported
     */
    int filesVisited(long page, Lsn born) {
        Key key = ModelTable.block(page);
        int visited = 0;
        Lsn end = flushedTo;
        @Nullable ModelTimeline timeline = this;
        while (timeline != null) {
            SearchResult<ModelLayer> found = timeline.map.search(key, end);
            while (found != null) {
                visited++;
                if (found.layer().kind() == LayerKind.IMAGE || !born.isBefore(found.floor())) {
                    return visited;
                }
                end = found.floor();
                found = timeline.map.search(key, end);
            }
            end = Lsn.min(end, timeline.branchedAt);
            timeline = timeline.ancestor;
        }
        return visited;
    }
}
