package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The values of one key, held until it is known how many bytes they are. Memory is kept for the next key. */
final class KeyHistory {
    private byte[] bytes = new byte[64 << 10];
    private int[] ends = new int[64];
    private long[] lsns = new long[64];
    private boolean[] willInit = new boolean[64];
    private int count;
    private int size;

    /** Forgets everything. */
    void clear() {
        count = 0;
        size = 0;
    }

    int count() {
        return count;
    }

    /** The bytes of all values. */
    int size() {
        return size;
    }

    /** Adds a value, from its position to its limit, which stay. */
    void add(Lsn lsn, ByteBuffer value, boolean init) {
        int length = value.remaining();
        if (bytes.length - size < length) {
            long grown = Math.max(size + (long) length, bytes.length + bytes.length / 2L);
            bytes = Arrays.copyOf(bytes, Math.toIntExact(Math.min(grown, Integer.MAX_VALUE - 8)));
        }
        if (count == ends.length) {
            ends = Arrays.copyOf(ends, 2 * count);
            lsns = Arrays.copyOf(lsns, 2 * count);
            willInit = Arrays.copyOf(willInit, 2 * count);
        }
        value.get(value.position(), bytes, size, length);
        size += length;
        ends[count] = size;
        lsns[count] = lsn.value();
        willInit[count++] = init;
    }

    /** Puts all values, oldest first. */
    void writeTo(DeltaLayerWriter writer, Key key) throws StorageException {
        ByteBuffer view = ByteBuffer.wrap(bytes);
        for (int i = 0; i < count; i++) {
            view.limit(ends[i]).position(i == 0 ? 0 : ends[i - 1]);
            writer.put(key, new Lsn(lsns[i]), view, willInit[i]);
        }
    }
}
