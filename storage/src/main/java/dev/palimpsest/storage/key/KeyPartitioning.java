package dev.palimpsest.storage.key;

import dev.palimpsest.postgres.page.PageLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A key space cut into parts of about equal size, one for each image layer to be written. The parts are ascending, disjoint
 * and not empty, and together are the whole key space.
 *
 * @param parts the parts, ascending
 */
public record KeyPartitioning(List<KeySpace> parts) {
    /** Keeps a copy of the list. */
    public KeyPartitioning {
        parts = List.copyOf(parts);
    }

    /**
     * Cuts {@code keys} into parts of at most {@code targetSizeBytes}, counting a page for each key.
     *
     * <p>A range of which the pages can be counted is cut into pieces of the target size, starting at its first key; its last
     * piece shares a part with what follows if both fit. A range of which they cannot be counted is one piece, and larger
     * than any target, so it gets a part of its own; as does every page if the target is less than one.
     *
     * @throws IllegalArgumentException if {@code targetSizeBytes} is not positive
     */
    public static KeyPartitioning of(KeySpace keys, long targetSizeBytes) {
        if (targetSizeBytes <= 0) {
            throw new IllegalArgumentException("not a size of a part: " + targetSizeBytes + " bytes");
        }
        Cutter cutter = new Cutter(Math.max(1, targetSizeBytes / PageLayout.PAGE_SIZE));
        keys.ranges().forEach(cutter::cut);
        return new KeyPartitioning(cutter.finish());
    }

    /** Cuts ranges into pieces and packs the pieces into parts. */
    private static final class Cutter {
        private final long targetPages;
        private final List<KeySpace> parts = new ArrayList<>();
        private final KeySpaceAccumulator part = new KeySpaceAccumulator();
        private long partPages;

        Cutter(long targetPages) {
            this.targetPages = targetPages;
        }

        void cut(KeyRange range) {
            Key start = range.start();
            long pages = range.pageCount();
            if (range.isContiguous()) {
                for (; pages > targetPages; pages -= targetPages) {
                    Key end = start.plus(targetPages);
                    pack(new KeyRange(start, end), targetPages);
                    start = end;
                }
            }
            pack(new KeyRange(start, range.end()), pages);
        }

        private void pack(KeyRange piece, long pages) {
            if (!part.isEmpty() && partPages + pages > targetPages) {
                parts.add(part.take());
                partPages = 0;
            }
            part.add(piece);
            partPages += pages;
        }

        List<KeySpace> finish() {
            if (!part.isEmpty()) {
                parts.add(part.take());
            }
            return parts;
        }
    }
}
