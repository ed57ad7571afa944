package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import java.util.List;
import java.util.SortedMap;

/**
 * Everything that a cluster has as of one LSN, the end of a record. Listings are as large as what they list; pages come
 * in runs that the caller chooses. Safe for use by several threads at once.
 */
public interface ClusterAt {
    /**
     * Consecutive blocks of a fork.
     *
     * @param relation the fork
     * @param first the number of the first block, unsigned
     * @param count how many, 0 to 256
     */
    record Blocks(RelTag relation, int first, int count) {}

    /** A database in a tablespace; database 0 in tablespace 1664 is what all share. */
    record Database(int spcNode, int dbNode, boolean hasRelationMap) {}

    /** A fork of a relation and its length in blocks, unsigned. */
    record Relation(RelTag tag, int blocks) {}

    /** A segment of an SLRU and its length in pages, 0 to 32. */
    record SlruSegment(int number, int pages) {}

    /** Which PostgreSQL it is. */
    PostgresVersion version();

    /** As of when. */
    Lsn lsn();

    /**
     * The content of {@code pg_control}: what never changes, and settings, as of {@link #lsn}. Where the cluster is, and its
     * counters, are not up to date: see {@link #checkPoint}.
     */
    byte[] controlFile() throws StorageException;

    /**
     * The cluster's counters as of {@link #lsn}, its timeline included; the next XID may be somewhat ahead. {@code redo} and
     * {@code time} mean nothing.
     */
    CheckPoint checkPoint() throws StorageException;

    /** The databases in every tablespace, in no order. */
    List<Database> databases() throws StorageException;

    /** The content of {@code pg_filenode.map} of a database that has one. */
    byte[] relationMap(int spcNode, int dbNode) throws StorageException;

    /** Every fork of every relation of a database in a tablespace, in ascending order. */
    List<Relation> relations(int spcNode, int dbNode) throws StorageException;

    /**
     * Reads blocks that exist, of several relations at once.
     *
     * @param pieces 1 to 256 blocks together; the same block may be asked for twice
     * @param target gets 8192 bytes for each block, one piece after the other; checksums in the pages mean nothing
     */
    void readBlocks(List<Blocks> pieces, byte[] target) throws StorageException;

    /** The segments of an SLRU in ascending order; none for commit timestamps if the cluster does not track them. */
    List<SlruSegment> slruSegments(SlruKind kind) throws StorageException;

    /** The pages of a segment, 8192 bytes each. */
    byte[] readSlruSegment(SlruKind kind, SlruSegment segment) throws StorageException;

    /**
     * What each prepared transaction's state file holds, by its transaction ID: 32 bits up to PostgreSQL 16, with the epoch
     * since 17; without the checksum at its end.
     */
    SortedMap<Long, byte[]> preparedTransactions() throws StorageException;

    /** How far each replication origin is, by its number. */
    SortedMap<Integer, Lsn> replicationOrigins() throws StorageException;

    /** Where each tablespace lay on the primary, by its OID (unsigned); without {@code pg_default} and {@code pg_global}. */
    SortedMap<Integer, String> tablespaces() throws StorageException;

    /**
     * Other files and what they hold, by their paths in the data directory: {@code postgresql.conf}, {@code pg_hba.conf},
     * {@code pg_wal/00000002.history} and the like.
     */
    SortedMap<String, byte[]> files() throws StorageException;
}
