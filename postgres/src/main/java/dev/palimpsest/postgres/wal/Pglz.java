package dev.palimpsest.postgres.wal;

/**
 * Decompression of PostgreSQL's own method, as page images in the WAL use it: without a header.
 *
 * <p>A control byte announces eight items, the lowest bit first. 0: one byte as it is. 1: a repetition in two bytes, b0
 * and b1: length (b0 &amp; 15) + 3, distance (b0 &amp; 0xF0) &lt;&lt; 4 | b1; a length of 18 adds one byte more to
 * itself. A repetition may reach into what it writes itself.
 */
final class Pglz {
    private Pglz() {}

    /**
     * Decompresses {@code length} bytes from {@code from}, which the caller has checked.
     *
     * @return whether they gave exactly {@code size} bytes in {@code target} and nothing was left
     */
    static boolean decompress(byte[] source, int from, int length, byte[] target, int size) {
        int in = from;
        int end = from + length;
        int out = 0;
        while (in < end && out < size) {
            int control = source[in++];
            for (int bit = 0; bit < 8 && in < end && out < size; bit++, control >>= 1) {
                if ((control & 1) == 0) {
                    target[out++] = source[in++];
                    continue;
                }
                if (end - in < 2) {
                    return false;
                }
                int run = (source[in] & 0x0F) + 3;
                int distance = (source[in] & 0xF0) << 4 | (source[in + 1] & 0xFF);
                in += 2;
                if (run == 18) {
                    if (in == end) {
                        return false;
                    }
                    run += source[in++] & 0xFF;
                }
                if (distance == 0 || distance > out) {
                    return false;
                }
                run = Math.min(run, size - out);
                repeat(target, out, distance, run);
                out += run;
            }
        }
        return in == end && out == size;
    }

    private static void repeat(byte[] target, int out, int distance, int run) {
        if (distance >= run) {
            System.arraycopy(target, out - distance, target, out, run);
        } else {
            for (int i = 0; i < run; i++) {
                target[out + i] = target[out + i - distance];
            }
        }
    }
}
