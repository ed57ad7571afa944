package dev.palimpsest.pageserver.relation;

import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.key.SlruKeys;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.timeline.DenseKeys;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The keys of which images are made: all of databases, relations and SLRUs, which come first in the order of keys and have
 * nearly all of the bytes. What comes after them is small, and is kept as it was written.
 *
 * <p>Reads every length that the cluster has, which takes as long as it has relations: made for compaction, not for requests. Safe for use by many threads.
 */
public final class DenseClusterKeys implements DenseKeys {
    @Override
    public KeySpace of(Timeline timeline, Lsn lsn, RequestContext context) throws StorageException {
        ClusterReader reader = new ClusterReader(timeline, lsn, context);
        if (reader.valueIfAny(RelationKeys.DATABASE_DIRECTORY) == null) {
            return KeySpace.EMPTY;
        }
        List<KeyRange> ranges = new ArrayList<>();
        add(ranges, RelationKeys.DATABASE_DIRECTORY);
        for (Map.Entry<DatabaseId, Boolean> entry : reader.databases().entrySet()) {
            DatabaseId database = entry.getKey();
            if (entry.getValue()) {
                add(ranges, RelationKeys.relationMap(database.spcNode(), database.dbNode()));
            }
            for (Map.Entry<RelTag, Integer> fork : reader.relations(database).entrySet()) {
                if (fork.getValue() != 0) {
                    ranges.add(new KeyRange(
                            fork.getKey().blockKey(0),
                            fork.getKey().blockKey(fork.getValue() - 1).next()));
                }
                add(ranges, fork.getKey().sizeKey());
            }
        }
        for (SlruKind kind : SlruKind.values()) {
            if (reader.valueIfAny(SlruKeys.directory(kind)) != null) {
                add(ranges, SlruKeys.directory(kind));
                for (Map.Entry<Integer, Integer> segment :
                        reader.slruSegments(kind).entrySet()) {
                    if (segment.getValue() != 0) {
                        ranges.add(new KeyRange(
                                SlruKeys.block(kind, segment.getKey(), 0),
                                SlruKeys.block(kind, segment.getKey(), segment.getValue() - 1)
                                        .next()));
                    }
                    add(ranges, SlruKeys.segmentSize(kind, segment.getKey()));
                }
            }
        }
        return KeySpace.ofUnordered(ranges);
    }

    private static void add(List<KeyRange> ranges, Key key) {
        ranges.add(KeyRange.single(key));
    }
}
