package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.rmgr.Completion;
import dev.palimpsest.postgres.rmgr.DatabaseRecord;
import dev.palimpsest.postgres.rmgr.RelMapRecord;
import dev.palimpsest.postgres.rmgr.ReplicationOriginRecord;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import dev.palimpsest.postgres.rmgr.TablespaceRecord;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.postgres.slru.SlruTruncation;
import dev.palimpsest.postgres.slru.SlruUpdate;
import dev.palimpsest.storage.key.RelTag;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A change that one WAL record makes to something other than the content of blocks: what is applied by reading what there
 * is. {@code lsn} is the end of the record.
 */
sealed interface Change {
    /** The end of the record, as a number. */
    long lsn();

    /**
     * A fork has at least so many blocks.
     *
     * @param blocks unsigned
     * @param blankLast whether the last of them begins as zeros, because the record does not say what is in it
     */
    record Extend(long lsn, RelTag fork, int blocks, boolean blankLast) implements Change {}

    /**
     * Bits of one page of a visibility map are cleared.
     *
     * @param newBlock a block of the heap whose bits these are
     * @param oldBlock another one on the same page of the map
     */
    record ClearVisibility(long lsn, RelFileNode relation, OptionalInt newBlock, OptionalInt oldBlock, int bits)
            implements Change {}

    /**
     * A page of an SLRU changes.
     *
     * @param commitTime when the transactions committed, if the change is that they did
     * @param record the WAL record, if the page's history is kept in such records
     */
    record Slru(long lsn, SlruUpdate update, long commitTime, byte @Nullable [] record) implements Change {}

    /** Segments of an SLRU go. */
    record SlruGone(long lsn, SlruTruncation truncation) implements Change {}

    /**
     * A transaction ended: relations and prepared state go, an origin advances.
     *
     * @param xid with its epoch since PostgreSQL 17
     */
    record Completed(long lsn, long xid, Completion completion) implements Change {}

    /**
     * A transaction was prepared.
     *
     * @param xid with its epoch since PostgreSQL 17
     * @param state what its file holds, without the checksum
     */
    record Prepared(long lsn, long xid, byte[] state) implements Change {}

    /** A fork was created or cut. */
    record Storage(long lsn, StorageRecord record) implements Change {}

    /** A relation map was written. */
    record RelationMap(long lsn, RelMapRecord record) implements Change {}

    /** A database was created or dropped. */
    record Database(long lsn, DatabaseRecord record) implements Change {}

    /** A tablespace was created or dropped. */
    record Tablespace(long lsn, TablespaceRecord record) implements Change {}

    /** A replication origin moved or went. */
    record Origin(long lsn, ReplicationOriginRecord record) implements Change {}

    /** The counters are these now; the next XID is rounded up. */
    record Counters(long lsn, CheckPoint counters) implements Change {}

    /** Settings of the control file changed. */
    record Settings(long lsn, XlogRecord.ParameterChange settings) implements Change {}

    /** Another file is there from this record on, see {@link dev.palimpsest.pageserver.datadir.ClusterAt#files}. */
    record File(long lsn, String path, byte[] content) implements Change {}
}
