package dev.palimpsest.pageserver.relation;

import dev.palimpsest.pageserver.datadir.ClusterAt;
import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.SlruKind;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** A cluster as of one LSN, out of a timeline. */
public final class TimelineCluster implements ClusterAt {
    private static final long PAGE = 8192;

    private final ClusterReader reader;

    /** @param reader says which timeline, and as of when */
    public TimelineCluster(ClusterReader reader) {
        this.reader = reader;
    }

    /** How many bytes the blocks of all relations take. */
    public long relationBytes() throws StorageException {
        long blocks = 0;
        for (DatabaseId database : reader.databases().keySet()) {
            for (int length : reader.relations(database).values()) {
                blocks += Integer.toUnsignedLong(length);
            }
        }
        return blocks * PAGE;
    }

    @Override
    public PostgresVersion version() {
        return reader.version();
    }

    @Override
    public Lsn lsn() {
        return reader.lsn();
    }

    @Override
    public byte[] controlFile() throws StorageException {
        return reader.controlFile();
    }

    @Override
    public CheckPoint checkPoint() throws StorageException {
        return reader.checkPoint();
    }

    @Override
    public List<Database> databases() throws StorageException {
        List<Database> databases = new ArrayList<>();
        reader.databases().forEach((id, hasMap) -> databases.add(new Database(id.spcNode(), id.dbNode(), hasMap)));
        return databases;
    }

    @Override
    public byte[] relationMap(int spcNode, int dbNode) throws StorageException {
        return reader.relationMap(new DatabaseId(spcNode, dbNode));
    }

    @Override
    public List<Relation> relations(int spcNode, int dbNode) throws StorageException {
        List<Relation> relations = new ArrayList<>();
        reader.relations(new DatabaseId(spcNode, dbNode))
                .forEach((tag, blocks) -> relations.add(new Relation(tag, blocks)));
        return relations;
    }

    @Override
    public void readBlocks(List<Blocks> pieces, byte[] target) throws StorageException {
        List<KeyRange> ranges = new ArrayList<>(pieces.size());
        for (Blocks piece : pieces) {
            if (piece.count() > 0) {
                Key first = piece.relation().blockKey(piece.first());
                ranges.add(new KeyRange(first, first.plus(piece.count())));
            }
        }
        reader.pages(ranges, target, 0);
    }

    @Override
    public List<SlruSegment> slruSegments(SlruKind kind) throws StorageException {
        List<SlruSegment> segments = new ArrayList<>();
        reader.slruSegments(kind).forEach((number, pages) -> segments.add(new SlruSegment(number, pages)));
        return segments;
    }

    @Override
    public byte[] readSlruSegment(SlruKind kind, SlruSegment segment) throws StorageException {
        return reader.slruSegment(kind, segment.number(), segment.pages());
    }

    @Override
    public SortedMap<Long, byte[]> preparedTransactions() throws StorageException {
        SortedMap<Long, byte[]> transactions = new TreeMap<>();
        for (long xid : reader.prepared()) {
            transactions.put(xid, reader.preparedState(xid));
        }
        return transactions;
    }

    @Override
    public SortedMap<Integer, Lsn> replicationOrigins() throws StorageException {
        return reader.replicationOrigins();
    }

    @Override
    public SortedMap<Integer, String> tablespaces() throws StorageException {
        return reader.tablespaces();
    }

    @Override
    public SortedMap<String, byte[]> files() throws StorageException {
        return reader.files();
    }
}
