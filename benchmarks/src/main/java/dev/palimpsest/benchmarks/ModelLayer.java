package dev.palimpsest.benchmarks;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LsnRange;

/**
 * A layer without a file: its extent, its size, and how its bytes are spread over the buckets of a {@link ModelTable}.
 *
 * @param size of the file it stands for
 * @param firstBucket what the first number of {@code bytes} is of
 * @param bytes of each bucket; empty for images, which nobody takes apart
 */
record ModelLayer(LayerKind kind, KeyRange keyRange, Lsn lsnStart, Lsn lsnEnd, long size, int firstBucket, long[] bytes)
        implements LayerExtent {

    static ModelLayer delta(KeyRange keys, LsnRange lsns, int firstBucket, long[] bytes) {
        long size = 0;
        for (long one : bytes) {
            size += one;
        }
        return new ModelLayer(LayerKind.DELTA, keys, lsns.start(), lsns.end(), size, firstBucket, bytes);
    }

    static ModelLayer image(KeyRange keys, Lsn lsn, long size) {
        return new ModelLayer(LayerKind.IMAGE, keys, lsn, lsn.plus(1), size, 0, new long[0]);
    }

    /** The table's keys: one relation, of which the blocks come in buckets of equal size. */
    record ModelTable(int buckets, int pagesPerBucket) {
        /** A block; there is one more than there are pages, as the end of ranges. */
        static Key block(long number) {
            return Key.of(0, 1663, 5, 16384, 0, (int) number);
        }

        static KeyRange blocks(long from, long to) {
            return new KeyRange(block(from), block(to));
        }

        KeyRange bucketRange(int from, int to) {
            return blocks((long) from * pagesPerBucket, (long) to * pagesPerBucket);
        }

        /** The first bucket of which no page is before a key of the table. */
        int bucketFrom(Key key) {
            return Math.ceilDiv(key.field6(), pagesPerBucket);
        }

        long pages() {
            return (long) buckets * pagesPerBucket;
        }
    }
}
