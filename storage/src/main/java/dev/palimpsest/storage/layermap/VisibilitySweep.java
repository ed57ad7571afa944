package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * Finds out which layers reads at some LSNs may need, going down in LSN with a shadow: the keys for which the read points
 * passed so far have found an image. At the same LSN a read point comes first, then images, then the deltas whose last LSN it
 * is; of images at the same LSN first the one that searches prefer.
 */
final class VisibilitySweep {
    private VisibilitySweep() {}

    static <L extends LayerExtent> LayerVisibility<L> sweep(CoverageIndex<L> index, Collection<Lsn> readPoints) {
        List<Lsn> points = readPoints.stream().sorted(Comparator.reverseOrder()).toList();
        List<L> visible = new ArrayList<>();
        List<L> covered = new ArrayList<>();
        BitSet shadow = new BitSet(index.intervals());
        int point = 0;
        for (int id = index.size() - 1; id >= 0; id--) {
            Lsn last = new Lsn(index.lsnEnd(id) - 1);
            for (; point < points.size() && !points.get(point).isBefore(last); point++) {
                shadow.clear();
            }
            int from = index.firstInterval(id);
            int to = index.endInterval(id);
            boolean inLight = shadow.nextClearBit(from) < to;
            if (index.isImage(id)) {
                shadow.set(from, to);
            } else if (!inLight && point < points.size()) {
                // All of it lies in the shadow, but the next read point within its LSNs will not.
                inLight = !points.get(point).isBefore(new Lsn(index.lsnStart(id)));
            }
            (inLight ? visible : covered).add(index.layers().get(id));
        }
        return new LayerVisibility<>(visible, covered);
    }
}
