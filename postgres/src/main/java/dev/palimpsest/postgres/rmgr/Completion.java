package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.TransactionId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A transaction ended: the main data of {@code COMMIT}, {@code ABORT}, {@code COMMIT_PREPARED} and {@code ABORT_PREPARED}.
 * Its parts follow one another without padding:
 *
 * <pre>
 * i64 time
 * u32 xinfo                                          if the info has 0x80
 * u32 database; u32 tablespace                       xinfo bit 0
 * i32 count; u32 xid each: the subtransactions       xinfo bit 1
 * i32 count; 12 bytes each: relations to drop        xinfo bit 2
 * i32 count; statistics to drop                      xinfo bit 8, since 15 ({@link DroppedStatistics})
 * i32 count; 16 bytes each: cache invalidations      xinfo bit 3, only of commits ({@link InvalidationMessage})
 * u32 xid that was prepared                          xinfo bit 4
 * its name, NUL-terminated                           xinfo bit 7, with bit 4
 * u64 LSN and i64 time at the replication origin     xinfo bit 5
 * </pre>
 *
 * @param kind which of the four
 * @param xid the transaction that ended: of a prepared one the one that was prepared
 * @param time when, at this server
 * @param flags {@code xinfo}, 0 if there is none
 * @param database where it ran, 0 if not said
 * @param tablespace the database's default tablespace, 0 if not said
 * @param subXids the subtransactions that end likewise; not to be changed
 * @param dropped the relations whose files are deleted, with all forks
 * @param droppedStatistics the statistics that are deleted
 * @param invalidations what caches must forget
 * @param gid the name of the prepared transaction, null if not said
 * @param origin the replication origin it came through, 0 if none
 * @param originLsn where it committed at the origin, invalid if not said
 * @param originTime when it committed at the origin, null if not said
 */
public record Completion(
        Kind kind,
        int xid,
        TimestampTz time,
        int flags,
        int database,
        int tablespace,
        int[] subXids,
        List<RelFileNode> dropped,
        List<DroppedStatistics> droppedStatistics,
        List<InvalidationMessage> invalidations,
        @Nullable String gid,
        int origin,
        Lsn originLsn,
        @Nullable TimestampTz originTime)
        implements TransactionRecord {
    /** In {@code xinfo}: a database and tablespace follow. */
    public static final int HAS_DATABASE = 1;

    /** In {@code xinfo}: subtransactions follow. */
    public static final int HAS_SUBTRANSACTIONS = 1 << 1;

    /** In {@code xinfo}: relations to drop follow. */
    public static final int HAS_RELATIONS = 1 << 2;

    /** In {@code xinfo}: cache invalidations follow. */
    public static final int HAS_INVALIDATIONS = 1 << 3;

    /** In {@code xinfo}: the prepared transaction's id follows. */
    public static final int HAS_PREPARED = 1 << 4;

    /** In {@code xinfo}: the place at the replication origin follows. */
    public static final int HAS_ORIGIN = 1 << 5;

    /** In {@code xinfo}: it held locks that a standby must release. */
    public static final int HAS_LOCKS = 1 << 6;

    /** In {@code xinfo}: the prepared transaction's name follows. */
    public static final int HAS_GID = 1 << 7;

    /** In {@code xinfo}: statistics to drop follow. */
    public static final int HAS_STATISTICS = 1 << 8;

    /** In {@code xinfo}: the client waits until standbys have applied it. */
    public static final int APPLY_FEEDBACK = 1 << 29;

    /** In {@code xinfo}: the file with the relation cache's start content is void. */
    public static final int INIT_FILE_INVALID = 1 << 30;

    /** In {@code xinfo}: it was flushed whatever {@code synchronous_commit} said. */
    public static final int FORCED_SYNC = 1 << 31;

    /** How a transaction can end. */
    public enum Kind {
        /** Committed. */
        COMMIT,
        /** Aborted; or a subtransaction was. */
        ABORT,
        /** Committed in two phases. */
        COMMIT_PREPARED,
        /** Aborted after it was prepared. */
        ABORT_PREPARED;

        /** Whether it committed. */
        public boolean isCommit() {
            return this == COMMIT || this == COMMIT_PREPARED;
        }

        /** Whether it was prepared before: its state file goes away. */
        public boolean isPrepared() {
            return this == COMMIT_PREPARED || this == ABORT_PREPARED;
        }
    }

    /** Whether this says where it committed at a replication origin: only then does the origin advance. */
    public boolean hasOrigin() {
        return (flags & HAS_ORIGIN) != 0;
    }

    /** What becomes the transaction's commit timestamp: the time at the origin, if it came from one. */
    public TimestampTz commitTime() {
        return originTime == null ? time : originTime;
    }

    /** As {@code pg_waldump} prints it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        if (kind.isPrepared()) {
            text.append(gid == null ? "" : gid + " ")
                    .append(TransactionId.toString(xid))
                    .append(": ");
        }
        text.append(time);
        PayloadText.appendAll(text, "; rels:", dropped);
        if (subXids.length > 0) {
            text.append("; subxacts:");
            PayloadText.appendXids(text, subXids);
        }
        PayloadText.appendAll(text, "; dropped stats:", droppedStatistics);
        PayloadText.appendAll(text, "; inval msgs:", invalidations);
        if ((flags & INIT_FILE_INVALID) != 0) {
            text.append("; relcache init file inval dbid ")
                    .append(Integer.toUnsignedString(database))
                    .append(" tsid ")
                    .append(Integer.toUnsignedString(tablespace));
        }
        if ((flags & APPLY_FEEDBACK) != 0) {
            text.append("; apply_feedback");
        }
        if ((flags & FORCED_SYNC) != 0) {
            text.append("; sync");
        }
        if (originTime != null) {
            text.append("; origin: node ").append(origin).append(", lsn ").append(originLsn);
            text.append(", at ").append(originTime);
        }
        return text.toString();
    }
}
