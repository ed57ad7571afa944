package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyPartitioning;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.function.BooleanSupplier;

/**
 * Makes image layers where many deltas lie one upon another, as of {@code disk_consistent_lsn}: so that reads need not go
 * further down, and GC may one day remove what is below.
 *
 * <p>All layers of a run begin to count together. A crash before that leaves files that the next start deletes.
 */
public final class ImageCreation {
    /** How many pages are held at once. */
    private static final int MAX_KEYS = 256;

    private final CompactedTimeline timeline;
    private final CompactionSettings settings;
    private final RequestContext context;
    private long values;

    /**
     * @param timeline nobody else compacts it or collects its garbage meanwhile
     */
    public ImageCreation(CompactedTimeline timeline, CompactionSettings settings, RequestContext context) {
        this.timeline = timeline;
        this.settings = settings;
        this.context = context;
    }

    /** Names the keys of a timeline. */
    @FunctionalInterface
    public interface DenseKeys {
        /**
         * Every key that has a value as of an LSN and of which values are wanted as images. Of the keys between the first and
         * the last of them those that are not named have no value at that LSN: after this they cannot be read there.
         */
        KeySpace at(Lsn lsn, RequestContext context) throws StorageException;
    }

    /**
     * Makes what images are due. Durable on return. If it throws, all that was readable still is.
     *
     * @param longChains keys with long chains, as {@link ImagePlanner#plan} takes them
     * @param yield asked before each layer: whether to stop and let more urgent work go first
     */
    public CompactionReport run(DenseKeys keys, SortedMap<Key, Lsn> longChains, BooleanSupplier yield)
            throws StorageException {
        Lsn lsn = timeline.diskConsistentLsn();
        if (!lsn.isValid() || !timeline.layers().hasHistoricLayers()) {
            return CompactionReport.NOTHING;
        }
        KeyPartitioning parts = KeyPartitioning.of(keys.at(lsn, context), settings.targetLayerBytes());
        List<ImagePlanner.PlannedImages> planned =
                ImagePlanner.plan(timeline.layers(), parts, lsn, longChains, settings);
        if (planned.isEmpty()) {
            return CompactionReport.NOTHING;
        }
        List<PersistentLayer> layers = new ArrayList<>();
        boolean yielded = false;
        boolean swapped = false;
        try {
            for (ImagePlanner.PlannedImages images : planned) {
                yielded = !layers.isEmpty() && yield.getAsBoolean();
                if (yielded) {
                    break;
                }
                layers.add(write(images, lsn));
            }
            timeline.syncDirectory();
            timeline.checkRunning(context);
            timeline.swap(layers, List.of());
            swapped = true;
        } finally {
            if (!swapped) {
                layers.forEach(PersistentLayer::drop);
            }
        }
        timeline.publish(context);
        return new CompactionReport(
                yielded ? CompactionReport.Outcome.YIELDED : CompactionReport.Outcome.DONE,
                0,
                0,
                layers.size(),
                layers.stream().mapToLong(PersistentLayer::size).sum(),
                values);
    }

    private PersistentLayer write(ImagePlanner.PlannedImages images, Lsn lsn) throws StorageException {
        ImageLayerName name = new ImageLayerName(images.range(), lsn);
        try (ImageLayerWriter writer = timeline.newImageLayer(name, settings.imageCompression())) {
            int atOnce = Math.min(MAX_KEYS, timeline.maxKeysPerRead());
            for (KeySpace chunk : new KeyChunks(images.keys(), atOnce)) {
                timeline.checkRunning(context);
                timeline.readImages(chunk, lsn, (key, image) -> writer.put(key, ByteBuffer.wrap(image)), context);
            }
            values += writer.count();
            return timeline.finish(writer, name);
        }
    }
}
