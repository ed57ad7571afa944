package dev.palimpsest.storage.compaction;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys of a frozen layer that become L1 layers of their own.
 *
 * @param first the first of them
 * @param last the last of them
 * @param bytes of their values
 * @param startsAnew whether none of them needs what older layers have, for its newest value
 * @param cuts keys among them at which another layer begins, since the one before is large enough; ascending
 * @param foreignPages how many pages of other layers lie between them that they have nothing to do with
 */
record KeyCluster(Key first, Key last, long bytes, boolean startsAnew, List<Key> cuts, long foreignPages) {
    KeyRange range() {
        return new KeyRange(first, last.next());
    }

    /** How many layers it becomes. */
    int layers() {
        return cuts.size() + 1;
    }

    /** Whether its values have at least so many bytes for each page between the first and the last. */
    boolean isDense(int minBytesPerPage) {
        return bytes >= minBytesPerPage * range().pageCount();
    }

    /** One cluster, and one layer, of both. */
    KeyCluster joined(KeyCluster next, long foreignPagesBetween) {
        return new KeyCluster(
                first,
                next.last,
                bytes + next.bytes,
                startsAnew && next.startsAnew,
                List.of(),
                foreignPages + foreignPagesBetween + next.foreignPages);
    }

    /** The key ranges of its layers, ascending; they abut. */
    List<KeyRange> ranges() {
        List<KeyRange> ranges = new ArrayList<>();
        Key start = first;
        for (Key cut : cuts) {
            ranges.add(new KeyRange(start, cut));
            start = cut;
        }
        ranges.add(new KeyRange(start, last.next()));
        return ranges;
    }

    /** Gathers the keys of a cluster, which ascend. */
    static final class Builder {
        private final long targetLayerBytes;
        private final Key first;
        private final List<Key> cuts = new ArrayList<>();
        private Key last;
        private long bytes;
        private long bytesAtLastCut;
        private boolean startsAnew = true;

        Builder(long targetLayerBytes, Key first) {
            this.targetLayerBytes = targetLayerBytes;
            this.first = first;
            this.last = first;
        }

        /** Takes the first key, or the next. */
        void add(Key key, long ofKey, boolean anew) {
            if (bytes > bytesAtLastCut && bytes - bytesAtLastCut + ofKey > targetLayerBytes) {
                cuts.add(key);
                bytesAtLastCut = bytes;
            }
            last = key;
            bytes += ofKey;
            startsAnew &= anew;
        }

        Key last() {
            return last;
        }

        KeyCluster build() {
            // A small rest is better in the layer before it.
            if (!cuts.isEmpty() && bytes - bytesAtLastCut < targetLayerBytes / 4) {
                cuts.removeLast();
            }
            return new KeyCluster(first, last, bytes, startsAnew, List.copyOf(cuts), 0);
        }
    }
}
