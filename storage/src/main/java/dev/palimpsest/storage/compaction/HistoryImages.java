package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyCatalogue;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the images of the first retained LSN into layers that abut: those of a range of keys cover all of it, so that keys without
 * an image are known not to be there. A layer ends where it becomes larger than the target, and with the range.
 */
final class HistoryImages implements AutoCloseable {
    private final HistoryTimeline timeline;
    private final CompactionSettings settings;
    private final List<KeyRange> ranges;
    private final Lsn lsn;
    private final List<PersistentLayer> finished = new ArrayList<>();
    private final List<KeyRange> written = new ArrayList<>();
    private int range;
    private @Nullable ImageLayerWriter open;
    private Key start = Key.MIN;
    private Key last = Key.MIN;
    private long values;
    private @Nullable ImageLayerName taken;

    /** @param keys the ranges that get images, each on its own */
    HistoryImages(HistoryTimeline timeline, CompactionSettings settings, KeySpace keys, Lsn lsn) {
        this.timeline = timeline;
        this.settings = settings;
        this.ranges = keys.ranges();
        this.lsn = lsn;
    }

    /** The layers that were finished so far; whoever takes them owns them. */
    List<PersistentLayer> finished() {
        return finished;
    }

    /** The ranges that got any image. */
    KeySpace written() {
        return KeySpace.ofUnordered(written);
    }

    long values() {
        return values;
    }

    /**
     * A name that a layer would have had to get and that must not be used again yet, see {@link HistoryTimeline#isTaken}; null if
     * there was none. Otherwise not all images are there.
     */
    @Nullable
    ImageLayerName taken() {
        return taken;
    }

    /** Adds the image of a key in one of the ranges; keys ascend. */
    void put(Key key, byte[] image) throws StorageException {
        while (!ranges.get(range).contains(key)) {
            finishRange();
            range++;
        }
        if (taken != null) {
            return;
        }
        ImageLayerWriter writer = open;
        if (writer != null && image.length == 0 && KeyCatalogue.isSparse(key)) {
            return; // that it is not in the layer says the same
        }
        if (writer != null
                && writer.estimatedSize() + image.length > settings.targetLayerBytes()
                && !isTaken(start, key)) {
            finish(key);
            writer = null;
        }
        if (writer == null) {
            start = written.isEmpty() || !written.getLast().equals(ranges.get(range))
                    ? ranges.get(range).start()
                    : key;
            writer = timeline.newImageLayer(name(start, ranges.get(range).end()), settings.imageCompression());
            open = writer;
        }
        writer.put(key, ByteBuffer.wrap(image));
        last = key;
        values++;
    }

    private ImageLayerName name(Key from, Key to) {
        return new ImageLayerName(new KeyRange(from, to), lsn);
    }

    private boolean isTaken(Key from, Key to) {
        return timeline.isTaken(name(from, to));
    }

    private void finish(Key end) throws StorageException {
        ImageLayerWriter writer = open;
        if (writer != null) {
            finished.add(timeline.finish(writer, name(start, end)));
            open = null;
            if (written.isEmpty() || !written.getLast().equals(ranges.get(range))) {
                written.add(ranges.get(range));
            }
        }
    }

    private void finishRange() throws StorageException {
        if (open == null) {
            return;
        }
        Key end = ranges.get(range).end();
        if (isTaken(start, end)) {
            // Only where nothing is inherited may what follows the last image be uncovered.
            boolean isRoot = !timeline.inheritedUpTo().isValid();
            if (!isRoot || isTaken(start, last.next())) {
                taken = name(start, end);
                close();
                return;
            }
            end = last.next();
        }
        finish(end);
    }

    /** Completes the last layer. */
    void finish() throws StorageException {
        finishRange();
    }

    /** Deletes the file that is not finished, if there is one. */
    @Override
    public void close() throws DiskException {
        ImageLayerWriter writer = open;
        if (writer != null) {
            open = null;
            writer.close();
        }
    }
}
