package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import java.nio.ByteBuffer;
import java.util.List;

/** Walks over those values of another iterator whose keys are in a key space, and stops after the last range of it. */
public final class KeySpaceIterator implements LayerIterator {
    private final LayerIterator all;
    private final List<KeyRange> ranges;
    /** The first range that does not lie wholly before where {@link #all} stands. */
    private int range;

    /** Takes over {@code all}, and closes it when it is closed. */
    public KeySpaceIterator(LayerIterator all, KeySpace keys) {
        this.all = all;
        this.ranges = keys.ranges();
    }

    @Override
    public boolean next() throws StorageException {
        while (range < ranges.size() && all.next()) {
            Key key = all.key();
            while (range < ranges.size() && ranges.get(range).end().compareTo(key) <= 0) {
                range++;
            }
            if (range < ranges.size() && ranges.get(range).start().compareTo(key) <= 0) {
                return true;
            }
        }
        range = ranges.size();
        return false;
    }

    @Override
    public Key key() {
        return all.key();
    }

    @Override
    public Lsn lsn() {
        return all.lsn();
    }

    @Override
    public ByteBuffer value() {
        return all.value();
    }

    @Override
    public boolean willInit() {
        return all.willInit();
    }

    @Override
    public boolean isImage() {
        return all.isImage();
    }

    @Override
    public void close() {
        all.close();
    }
}
