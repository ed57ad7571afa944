package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.SlruKind;
import java.util.List;
import java.util.SortedMap;

/** Another cluster, for tests that change something about it. */
class ForwardingCluster implements ClusterAt {
    private final ClusterAt cluster;

    ForwardingCluster(ClusterAt cluster) {
        this.cluster = cluster;
    }

    @Override
    public PostgresVersion version() {
        return cluster.version();
    }

    @Override
    public Lsn lsn() {
        return cluster.lsn();
    }

    @Override
    public byte[] controlFile() throws StorageException {
        return cluster.controlFile();
    }

    @Override
    public CheckPoint checkPoint() throws StorageException {
        return cluster.checkPoint();
    }

    @Override
    public List<Database> databases() throws StorageException {
        return cluster.databases();
    }

    @Override
    public byte[] relationMap(int spcNode, int dbNode) throws StorageException {
        return cluster.relationMap(spcNode, dbNode);
    }

    @Override
    public List<Relation> relations(int spcNode, int dbNode) throws StorageException {
        return cluster.relations(spcNode, dbNode);
    }

    @Override
    public void readBlocks(List<Blocks> pieces, byte[] target) throws StorageException {
        cluster.readBlocks(pieces, target);
    }

    @Override
    public List<SlruSegment> slruSegments(SlruKind kind) throws StorageException {
        return cluster.slruSegments(kind);
    }

    @Override
    public byte[] readSlruSegment(SlruKind kind, SlruSegment segment) throws StorageException {
        return cluster.readSlruSegment(kind, segment);
    }

    @Override
    public SortedMap<Long, byte[]> preparedTransactions() throws StorageException {
        return cluster.preparedTransactions();
    }

    @Override
    public SortedMap<Integer, Lsn> replicationOrigins() throws StorageException {
        return cluster.replicationOrigins();
    }

    @Override
    public SortedMap<Integer, String> tablespaces() throws StorageException {
        return cluster.tablespaces();
    }

    @Override
    public SortedMap<String, byte[]> files() throws StorageException {
        return cluster.files();
    }
}
