package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.PersistentLayer;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Names of layers that a timeline has had in this life of the process: a deletion of one that was not answered may still come,
 * and must not meet another layer under that name. Safe for use by many threads.
 *
 * <p>Of images and of delta layers of single keys the names are remembered, of all other delta layers only their LSNs, which many
 * have in common.
 */
final class UsedNames {
    private final Set<LayerName> names = ConcurrentHashMap.newKeySet();
    private final Set<LsnRange> deltas = ConcurrentHashMap.newKeySet();

    /** These layers are on their way out. */
    void add(Collection<PersistentLayer> removed) {
        for (PersistentLayer layer : removed) {
            LayerName name = layer.name();
            if (isNamed(name)) {
                names.add(name);
            } else {
                deltas.add(name.lsnRange());
            }
        }
    }

    /** Nothing that ends at or before an LSN is asked for any more. */
    void forgetUpTo(Lsn lsn) {
        names.removeIf(name -> !name.lsnEnd().isAfter(lsn));
        deltas.removeIf(range -> !range.end().isAfter(lsn));
    }

    /** Whether it is the name of a layer that was removed; only of an image layer, or a delta layer of a single key. */
    boolean contains(LayerName name) {
        return names.contains(name);
    }

    /**
     * LSNs of which no delta layer was, nor is one of those given.
     *
     * @param above the start is above this
     * @return with the same end, and a start as near to that of {@code wanted} as possible, not after it; null if there are none
     */
    @Nullable
    LsnRange unused(LsnRange wanted, Lsn above, Stream<LayerName> present) {
        Set<LsnRange> taken = new HashSet<>();
        deltas.stream().filter(range -> range.end().equals(wanted.end())).forEach(taken::add);
        Stream.concat(names.stream(), present)
                .filter(name -> name.kind() == LayerKind.DELTA && name.lsnEnd().equals(wanted.end()))
                .forEach(name -> taken.add(name.lsnRange()));
        for (Lsn start = wanted.start(); start.isAfter(above); start = start.minus(1)) {
            LsnRange range = new LsnRange(start, wanted.end());
            if (!taken.contains(range)) {
                return range;
            }
        }
        return null;
    }

    private static boolean isNamed(LayerName name) {
        return name.kind() == LayerKind.IMAGE
                || KeyRange.single(name.keyRange().start()).equals(name.keyRange());
    }
}
