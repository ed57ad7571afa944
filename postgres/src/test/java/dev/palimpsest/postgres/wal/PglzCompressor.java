package dev.palimpsest.postgres.wal;

import java.io.ByteArrayOutputStream;

/** The simplest compressor whose output pglz decompression understands, for tests. */
final class PglzCompressor {
    private PglzCompressor() {}

    static byte[] compress(byte[] raw) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream items = new ByteArrayOutputStream();
        int at = 0;
        while (at < raw.length) {
            int control = 0;
            items.reset();
            for (int bit = 0; bit < 8 && at < raw.length; bit++) {
                int distance = bestDistance(raw, at);
                int run = distance == 0 ? 0 : run(raw, at, distance);
                if (run >= 3) {
                    control |= 1 << bit;
                    items.write((distance >> 4 & 0xF0) | Math.min(run - 3, 15));
                    items.write(distance);
                    if (run >= 18) {
                        items.write(run - 18);
                    }
                    at += run;
                } else {
                    items.write(raw[at++]);
                }
            }
            out.write(control);
            out.writeBytes(items.toByteArray());
        }
        return out.toByteArray();
    }

    private static int bestDistance(byte[] raw, int at) {
        int best = 0;
        int bestRun = 2;
        for (int distance = 1; distance <= Math.min(at, 300); distance++) {
            int run = run(raw, at, distance);
            if (run > bestRun) {
                best = distance;
                bestRun = run;
            }
        }
        return best;
    }

    private static int run(byte[] raw, int at, int distance) {
        int run = 0;
        while (run < 273 && at + run < raw.length && raw[at + run] == raw[at + run - distance]) {
            run++;
        }
        return run;
    }
}
