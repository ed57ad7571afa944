package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyCatalogue;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layermap.LayerMap;

/**
 * Finds holes in the keys of a delta layer that is being written: ranges without a value that are large and over which lie
 * several image layers. A layer that reaches across one counts there as a delta that makes new images necessary, and every
 * read there looks into it in vain; so it is better ended before the hole.
 *
 * <p>Neon chooses the best holes of the whole key range, for which it holds every key in memory. Here keys come one by one,
 * and the first holes are taken.
 */
final class HoleFinder<L extends LayerExtent> {
    /** Over how many image layers a hole must reach. */
    private static final int MIN_IMAGES = 3;

    private final LayerMap<L> map;
    private final Lsn lsn;
    private final long minPages;
    private int left;

    /**
     * @param lsn the newest images at or below it count
     * @param targetLayerBytes how large layers become
     * @param most how many holes to find at most
     */
    HoleFinder(LayerMap<L> map, Lsn lsn, long targetLayerBytes, int most) {
        this.map = map;
        this.lsn = lsn;
        this.minPages = Math.max(1, targetLayerBytes / PageLayout.PAGE_SIZE);
        this.left = most;
    }

    /** Whether there is a hole between a key and the next that has a value. */
    boolean isHole(Key last, Key next) {
        Key from = last.next();
        if (left == 0 || from.compareTo(next) >= 0 || KeyCatalogue.isSparse(last)) {
            return false;
        }
        KeyRange gap = new KeyRange(from, next);
        boolean hole = gap.pageCount() >= minPages
                && map.imageCoverage(gap, lsn).stream()
                                .filter(piece -> piece.image() != null)
                                .count()
                        >= MIN_IMAGES;
        if (hole) {
            left--;
        }
        return hole;
    }
}
