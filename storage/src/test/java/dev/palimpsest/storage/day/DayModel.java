package dev.palimpsest.storage.day;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a timeline has by right: its relations, the pages of each as of every LSN that is not long past, and when what was
 * written. A key is a block of a relation, or the page that every record of a batch changes.
 */
final class DayModel {
    /** Comes after all relations, as the commit log does. */
    static final Key LOG = Key.of(1, 0, 0, 0, 0, 0);

    final TimelineId id;
    final @Nullable DayModel ancestor;
    final Lsn branchedAt;
    final long bornNanos;

    private final TreeMap<Integer, Table> tables = new TreeMap<>();
    private final Map<Key, TreeMap<Lsn, long[]>> pages = new HashMap<>();
    /** The end of what was written until then, by time. */
    private final TreeMap<Long, Lsn> times = new TreeMap<>();

    /** A relation: the LSN at which each of its blocks came, and the one at which all went. */
    private static final class Table {
        final List<Lsn> blocks = new ArrayList<>();
        Lsn dropped = Lsn.MAX;

        int blocksAt(Lsn lsn) {
            if (!lsn.isBefore(dropped)) {
                return 0;
            }
            int count = blocks.size();
            while (count > 0 && blocks.get(count - 1).isAfter(lsn)) {
                count--;
            }
            return count;
        }
    }

    DayModel(TimelineId id, @Nullable DayModel ancestor, Lsn branchedAt, long bornNanos) {
        this.id = id;
        this.ancestor = ancestor;
        this.branchedAt = branchedAt;
        this.bornNanos = bornNanos;
    }

    static Key key(int table, int block) {
        return Key.of(0, 1663, 5, table, 0, block);
    }

    /** Adds a block to a table of the timeline itself, and the table if it is not there. */
    void extend(int table, Lsn lsn) {
        tables.computeIfAbsent(table, _ -> new Table()).blocks.add(lsn);
    }

    void drop(int table, Lsn lsn) {
        Table dropped = tables.get(table);
        if (dropped != null) {
            dropped.dropped = lsn;
        }
    }

    /** How many blocks a table has as of an LSN. */
    int blocks(int table, Lsn lsn) {
        Table own = tables.get(table);
        if (own != null) {
            return own.blocksAt(lsn);
        }
        return ancestor == null ? 0 : ancestor.blocks(table, Lsn.min(lsn, branchedAt));
    }

    /** Every key that has a value as of an LSN. */
    KeySpace keys(Lsn lsn) {
        List<KeyRange> ranges = new ArrayList<>(List.of(KeyRange.single(LOG)));
        DayModel root = this;
        Lsn at = lsn;
        while (root.ancestor != null) {
            at = Lsn.min(at, root.branchedAt);
            root = root.ancestor;
        }
        for (int table : root.tables.keySet()) {
            int blocks = root.blocks(table, at);
            if (blocks > 0) {
                ranges.add(new KeyRange(key(table, 0), key(table, blocks)));
            }
        }
        return KeySpace.ofUnordered(ranges);
    }

    void put(Key key, Lsn lsn, long[] slots) {
        pages.computeIfAbsent(key, _ -> new TreeMap<>()).put(lsn, slots);
    }

    /** A page as of an LSN. */
    Optional<long[]> page(Key key, Lsn lsn) {
        TreeMap<Lsn, long[]> own = pages.get(key);
        Map.Entry<Lsn, long[]> found = own == null ? null : own.floorEntry(lsn);
        if (found != null) {
            return Optional.of(found.getValue());
        }
        return ancestor == null ? Optional.empty() : ancestor.page(key, Lsn.min(lsn, branchedAt));
    }

    /** Everything up to here was written at a time. */
    void written(long nanos, Lsn lsn) {
        times.put(nanos, lsn);
    }

    /** How far it was written at a time; empty if nothing was yet. */
    Optional<Lsn> endAt(long nanos) {
        Map.Entry<Long, Lsn> own = times.floorEntry(nanos);
        if (own != null || ancestor == null) {
            return Optional.ofNullable(own).map(Map.Entry::getValue);
        }
        return ancestor.endAt(nanos).map(lsn -> Lsn.min(lsn, branchedAt));
    }

    /** Forgets what nobody asks for any more: versions that were replaced before a time, and tables that were dropped then. */
    void forgetBefore(long nanos) {
        Map.Entry<Long, Lsn> entry = times.floorEntry(nanos);
        if (entry == null) {
            return;
        }
        Lsn end = entry.getValue();
        times.headMap(entry.getKey()).clear();
        tables.values().removeIf(table -> table.dropped.isBefore(end));
        pages.keySet().removeIf(key -> ancestor == null && !key.equals(LOG) && !tables.containsKey(key.field4()));
        pages.values().forEach(versions -> {
            Lsn needed = versions.floorKey(end);
            if (needed != null) {
                versions.headMap(needed).clear();
            }
        });
    }
}
