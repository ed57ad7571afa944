package dev.palimpsest.pageserver.relation;

import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.ClusterKeys;
import dev.palimpsest.storage.key.ControlKeys;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.key.ReplicationOriginKeys;
import dev.palimpsest.storage.key.SlruKeys;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.key.TwoPhaseKeys;
import dev.palimpsest.storage.timeline.KeyResult;
import dev.palimpsest.storage.timeline.LineageScan;
import dev.palimpsest.storage.timeline.Timeline;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a cluster has out of a timeline as of one LSN. Keeps nothing; every call reads. Safe for use by several
 * threads at once.
 */
public final class ClusterReader {
    private static final int PAGE = 8192;
    private static final int SIZES_AT_ONCE = 256;
    private final Timeline timeline;

    private final Lsn lsn;
    private final RequestContext context;

    /** @param lsn as of when; reading waits until the timeline is there */
    public ClusterReader(Timeline timeline, Lsn lsn, RequestContext context) {
        this.timeline = timeline;
        this.lsn = lsn;
        this.context = context;
    }

    /** Which PostgreSQL it is. */
    public PostgresVersion version() {
        return PostgresVersion.ofMajor(timeline.pgVersion());
    }

    /** As of when. */
    public Lsn lsn() {
        return lsn;
    }

    /** The value of a key that must be there. */
    public byte[] value(Key key) throws StorageException {
        return timeline.get(key, lsn, context);
    }

    /** The value of a key, or null if it has none. */
    public byte @Nullable [] valueIfAny(Key key) throws StorageException {
        KeyResult result = timeline.scan(KeySpace.of(key), lsn, context).get(key);
        return switch (result) {
            case null -> null;
            case KeyResult.Found(byte[] bytes) -> bytes;
            case KeyResult.Failed(MissingKeyException _) -> null;
            case KeyResult.Failed(StorageException failure) -> throw failure;
        };
    }

    private String resource(Key key) {
        return "key " + key + " of timeline " + timeline.id() + " at " + lsn;
    }

    /** The databases in every tablespace, each with whether it has a relation map. */
    public SortedMap<DatabaseId, Boolean> databases() throws StorageException {
        Key key = RelationKeys.DATABASE_DIRECTORY;
        return Listings.databases(value(key), resource(key));
    }

    /** The forks of all relations of a database in a tablespace, with their lengths in blocks (unsigned). */
    public SortedMap<RelTag, Integer> relations(DatabaseId database) throws StorageException {
        KeyRange entries = RelationKeys.directoryEntries(database.spcNode(), database.dbNode());
        SortedMap<RelTag, Integer> relations = new TreeMap<>();
        for (Map.Entry<Key, KeyResult> entry :
                timeline.scan(KeySpace.of(entries), lsn, context).entrySet()) {
            if (Listings.exists(bytes(entry.getValue()))) {
                relations.put(RelTag.of(entry.getKey()), 0);
            }
        }
        readLengths(relations);
        return relations;
    }

    private void readLengths(SortedMap<RelTag, Integer> relations) throws StorageException {
        List<RelTag> forks = List.copyOf(relations.keySet());
        for (int from = 0; from < forks.size(); from += SIZES_AT_ONCE) {
            List<RelTag> some = forks.subList(from, Math.min(forks.size(), from + SIZES_AT_ONCE));
            KeySpace keys = KeySpace.ofUnordered(
                    some.stream().map(fork -> KeyRange.single(fork.sizeKey())).toList());
            for (Map.Entry<Key, KeyResult> size :
                    timeline.getVectored(keys, lsn, context).entrySet()) {
                relations.put(
                        RelTag.of(size.getKey()), Listings.length(bytes(size.getValue()), resource(size.getKey())));
            }
        }
    }

    private static byte[] bytes(KeyResult result) throws StorageException {
        return switch (result) {
            case KeyResult.Found(byte[] bytes) -> bytes;
            case KeyResult.Failed(StorageException failure) -> throw failure;
        };
    }

    /** The length of a fork in blocks (unsigned), or nothing if it does not exist. */
    public OptionalInt relationLength(RelTag fork) throws StorageException {
        byte[] entry = valueIfAny(fork.directoryEntryKey());
        if (entry == null || !Listings.exists(entry)) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(length(fork.sizeKey()));
    }

    private int length(Key sizeKey) throws StorageException {
        return Listings.length(value(sizeKey), resource(sizeKey));
    }

    /** The content of {@code pg_filenode.map} of a database. */
    public byte[] relationMap(DatabaseId database) throws StorageException {
        return value(RelationKeys.relationMap(database.spcNode(), database.dbNode()));
    }

    /**
     * Reads consecutive blocks that exist.
     *
     * @param count 1 to 256
     * @param target gets 8192 bytes for each from {@code offset} on
     */
    public void blocks(RelTag fork, int first, int count, byte[] target, int offset) throws StorageException {
        Key start = fork.blockKey(first);
        pages(List.of(new KeyRange(start, start.plus(count))), target, offset);
    }

    /**
     * Reads pages that exist, with one search for all of them.
     *
     * @param ranges 1 to 256 pages together; may overlap
     * @param target gets 8192 bytes for each from {@code offset} on, one range after the other
     */
    void pages(List<KeyRange> ranges, byte[] target, int offset) throws StorageException {
        SortedMap<Key, KeyResult> found = timeline.getVectored(KeySpace.ofUnordered(ranges), lsn, context);
        int at = offset;
        for (KeyRange range : ranges) {
            for (Map.Entry<Key, KeyResult> entry :
                    found.subMap(range.start(), range.end()).entrySet()) {
                byte[] page = bytes(entry.getValue());
                if (page.length < PAGE) {
                    throw new CorruptionException(resource(entry.getKey()), 0, "a page of " + page.length + " bytes");
                }
                System.arraycopy(page, 0, target, at, PAGE);
                at += PAGE;
            }
        }
    }

    /** The segments of an SLRU in ascending order, with their lengths in pages. */
    public SortedMap<Integer, Integer> slruSegments(SlruKind kind) throws StorageException {
        SortedMap<Integer, Integer> segments = new TreeMap<>(Integer::compareUnsigned);
        for (int segment : slruDirectory(kind)) {
            segments.put(segment, slruLength(kind, segment));
        }
        return segments;
    }

    /** Which segments an SLRU has. */
    public SortedSet<Integer> slruDirectory(SlruKind kind) throws StorageException {
        Key key = SlruKeys.directory(kind);
        byte[] listing = valueIfAny(key);
        return listing == null
                ? Collections.unmodifiableSortedSet(new TreeSet<>(Integer::compareUnsigned))
                : Listings.segments(listing, resource(key));
    }

    /** The length of an SLRU segment that exists, in pages. */
    public int slruLength(SlruKind kind, int segment) throws StorageException {
        return length(SlruKeys.segmentSize(kind, segment));
    }

    /** The pages of an SLRU segment, without what the store keeps besides the page. */
    public byte[] slruSegment(SlruKind kind, int segment, int pages) throws StorageException {
        byte[] bytes = new byte[pages * PAGE];
        if (pages > 0) {
            Key first = SlruKeys.block(kind, segment, 0);
            pages(List.of(new KeyRange(first, first.plus(pages))), bytes, 0);
        }
        return bytes;
    }

    /** The prepared transactions, with their epoch since PostgreSQL 17. */
    public SortedSet<Long> prepared() throws StorageException {
        byte[] listing = valueIfAny(TwoPhaseKeys.DIRECTORY);
        return listing == null
                ? new TreeSet<>()
                : Listings.prepared(
                        listing, version().isAtLeast(PostgresVersion.V17), resource(TwoPhaseKeys.DIRECTORY));
    }

    /** The state of a prepared transaction. */
    public byte[] preparedState(long xid) throws StorageException {
        return value(TwoPhaseKeys.stateFile(xid));
    }

    /** The content of {@code pg_control}, as the base backup had it or settings have changed it since. */
    public byte[] controlFile() throws StorageException {
        return value(ControlKeys.CONTROL_FILE);
    }

    /** The cluster's counters; the next XID may be ahead. */
    public CheckPoint checkPoint() throws StorageException {
        byte[] bytes = value(ControlKeys.CHECKPOINT);
        if (bytes.length != CheckPoint.SIZE) {
            throw new CorruptionException(
                    resource(ControlKeys.CHECKPOINT), 0, "a checkpoint of " + bytes.length + " bytes");
        }
        return CheckPoint.decode(version(), bytes, 0);
    }

    /**
     * How far each replication origin is. In the store a branch does not see its ancestor's, as in Neon; but a subscriber that
     * goes on from the branch must know what it has applied, so they are looked for there too.
     */
    public SortedMap<Integer, Lsn> replicationOrigins() throws StorageException {
        SortedMap<Integer, Lsn> origins = new TreeMap<>();
        for (SortedMap<Key, KeyResult> newer :
                LineageScan.scan(timeline, KeySpace.of(ReplicationOriginKeys.ALL), lsn, context)) {
            for (Map.Entry<Key, KeyResult> entry : newer.entrySet()) {
                byte[] value = bytes(entry.getValue());
                if (value.length == Long.BYTES) {
                    origins.put(
                            ReplicationOriginKeys.origin(entry.getKey()),
                            new Lsn(ByteBuffer.wrap(value).getLong()));
                }
            }
        }
        origins.values().removeIf(reached -> !reached.isValid()); // it was dropped
        return origins;
    }

    /** Tablespaces and where they lie on the primary. */
    public SortedMap<Integer, String> tablespaces() throws StorageException {
        byte[] value = valueIfAny(ClusterKeys.TABLESPACES);
        return value == null
                ? new TreeMap<>(Integer::compareUnsigned)
                : Listings.tablespaces(value, resource(ClusterKeys.TABLESPACES));
    }

    /** Configuration files and the like. */
    public SortedMap<String, byte[]> files() throws StorageException {
        byte[] value = valueIfAny(ClusterKeys.FILES);
        return value == null ? new TreeMap<>() : Listings.files(value, resource(ClusterKeys.FILES));
    }
}
