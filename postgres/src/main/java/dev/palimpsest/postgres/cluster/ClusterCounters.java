package dev.palimpsest.postgres.cluster;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.rmgr.ClogRecord;
import dev.palimpsest.postgres.rmgr.CommitTsRecord;
import dev.palimpsest.postgres.rmgr.Completion;
import dev.palimpsest.postgres.rmgr.MultiXactRecord;
import dev.palimpsest.postgres.rmgr.Prepare;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.rmgr.StandbyRecord;
import dev.palimpsest.postgres.rmgr.TransactionRecord;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.postgres.slru.CommitTimestamps;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The counters of a cluster at a place in the WAL, in the form of the checkpoint that could be made there, and whether it
 * keeps commit timestamps. Immutable; {@link #after} gives those after one more record.
 *
 * <p>The next transaction id is beyond every id that a record mentions; ids that were given out but never logged have left
 * nothing behind. The next OID is the one that was logged in advance, up to 8192 beyond what is in use, until a checkpoint
 * at shutdown says it exactly. The oldest ids never go back.
 *
 * @param checkPoint the counters; {@code redo} and {@code time} are those of the last checkpoint
 * @param commitTimestamps whether commit timestamps are kept
 */
public record ClusterCounters(CheckPoint checkPoint, CommitTimestamps commitTimestamps) {
    private static final int COMMIT = 0x00;
    private static final int ABORT = 0x20;

    /**
     * The counters after a record; these very ones if it changes nothing, which for a change to a page takes two
     * comparisons.
     *
     * @throws MalformedRecordException if the record is not what its type must be
     */
    public ClusterCounters after(WalRecord record) throws MalformedRecordException {
        int manager = record.resourceManagerId();
        boolean isState = manager <= Rmgr.STANDBY.id() ? !saysOnlyXid(record) : manager == Rmgr.COMMIT_TS.id();
        if (!isState && !isNew(record.xid(), checkPoint.nextXid())) {
            return this;
        }
        CounterDraft draft = new CounterDraft(checkPoint);
        draft.passXid(record.xid());
        CommitTimestamps timestamps = isState ? follow(record, draft) : commitTimestamps;
        CheckPoint next = draft.checkPoint();
        return next.equals(checkPoint) && timestamps == commitTimestamps ? this : new ClusterCounters(next, timestamps);
    }

    /** Whether it is the end of a transaction without subtransactions or anything else that counts here. */
    private boolean saysOnlyXid(WalRecord record) {
        return record.resourceManagerId() == Rmgr.TRANSACTION.id()
                && (record.opcode() == COMMIT || record.opcode() == ABORT)
                && commitTimestamps == CommitTimestamps.OFF;
    }

    /** Whether a transaction id is not before the next one. */
    static boolean isNew(int xid, long nextXid) {
        return xid - (int) nextXid >= 0 && TransactionId.isNormal(xid);
    }

    private CommitTimestamps follow(WalRecord record, CounterDraft draft) throws MalformedRecordException {
        Rmgr manager = Rmgr.of(record.resourceManagerId());
        if (manager == null) {
            return commitTimestamps;
        }
        switch (manager) {
            case XLOG -> {
                return xlog(XlogRecord.decode(record), draft);
            }
            case TRANSACTION -> transaction(TransactionRecord.decode(record), draft);
            case CLOG -> {
                if (ClogRecord.decode(record) instanceof ClogRecord.Truncate truncate) {
                    draft.raiseOldestXid(truncate.oldestXid(), truncate.oldestXidDb());
                }
            }
            case MULTIXACT -> multiXact(MultiXactRecord.decode(record), draft);
            case STANDBY -> {
                if (StandbyRecord.decode(record) instanceof StandbyRecord.RunningTransactions running) {
                    draft.reachXid(running.nextXid());
                }
            }
            case COMMIT_TS -> {
                if (CommitTsRecord.decode(record) instanceof CommitTsRecord.Truncate truncate) {
                    draft.raiseOldestCommitTs(truncate.oldestXid());
                }
            }
            default -> {}
        }
        return commitTimestamps;
    }

    private CommitTimestamps xlog(XlogRecord record, CounterDraft draft) {
        switch (record) {
            case XlogRecord.Checkpoint(XlogRecord.CheckpointKind kind, CheckPoint made) -> {
                if (kind == XlogRecord.CheckpointKind.SHUTDOWN) {
                    draft.take(made);
                } else {
                    draft.raise(made);
                }
            }
            case XlogRecord.NextOid nextOid -> draft.nextOid = nextOid.oid();
            case XlogRecord.FullPageWritesChange change -> draft.fullPageWrites = change.value();
            case XlogRecord.CheckpointRedo redo -> draft.walLevel = redo.walLevel();
            case XlogRecord.EndOfRecovery end -> {
                draft.timeline = end.timeline();
                draft.previousTimeline = end.previousTimeline();
            }
            case XlogRecord.ParameterChange change -> {
                CommitTimestamps now = change.trackCommitTimestamp() != 0 ? CommitTimestamps.ON : CommitTimestamps.OFF;
                if (now != commitTimestamps) {
                    draft.switchCommitTs(now);
                }
                draft.walLevel = draft.walLevel == null ? null : change.walLevel();
                return now;
            }
            default -> {}
        }
        return commitTimestamps;
    }

    private void transaction(TransactionRecord record, CounterDraft draft) {
        switch (record) {
            case Completion completion -> {
                draft.passXid(completion.xid());
                draft.passXids(completion.subXids());
                if (completion.kind().isCommit() && commitTimestamps == CommitTimestamps.ON) {
                    draft.raiseNewestCommitTs(completion.xid());
                    for (int xid : completion.subXids()) {
                        draft.raiseNewestCommitTs(xid);
                    }
                }
            }
            case Prepare prepare -> {
                draft.passXid(prepare.xid());
                draft.passXids(prepare.subXids());
            }
            case TransactionRecord.Assignment assignment -> {
                draft.passXid(assignment.topLevelXid());
                draft.passXids(assignment.subXids());
            }
            case TransactionRecord.Invalidations ignored -> {}
        }
    }

    private static void multiXact(MultiXactRecord record, CounterDraft draft) {
        switch (record) {
            case MultiXactRecord.Create create -> {
                draft.passXids(create.xids());
                draft.passMulti(create.multi(), create.offset() + create.xids().length);
            }
            case MultiXactRecord.Truncate truncate ->
                draft.setOldestMulti(truncate.toMulti(), truncate.oldestMultiDb());
            case MultiXactRecord.ZeroOffsetsPage ignored -> {}
            case MultiXactRecord.ZeroMembersPage ignored -> {}
        }
    }
}
