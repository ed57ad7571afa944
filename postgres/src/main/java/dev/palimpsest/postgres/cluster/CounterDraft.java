package dev.palimpsest.postgres.cluster;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.WalLevel;
import dev.palimpsest.postgres.slru.CommitTimestamps;
import dev.palimpsest.postgres.slru.MultiXactOffsetsPage;
import org.jspecify.annotations.Nullable;

/** Counters while one record changes them, and the rules by which each of them moves. */
final class CounterDraft {
    int timeline;
    int previousTimeline;
    int fullPageWrites;

    @Nullable
    WalLevel walLevel;

    int nextOid;

    private Lsn redo;
    private long time;
    private int oldestActiveXid;
    private long nextXid;
    private int nextMulti;
    private int nextMultiOffset;
    private int oldestXid;
    private int oldestXidDb;
    private int oldestMulti;
    private int oldestMultiDb;
    private int oldestCommitTsXid;
    private int newestCommitTsXid;

    CounterDraft(CheckPoint from) {
        this.redo = from.redo();
        this.timeline = from.timeline();
        this.previousTimeline = from.previousTimeline();
        this.fullPageWrites = from.fullPageWrites();
        this.walLevel = from.walLevel();
        this.time = from.time();
        this.oldestActiveXid = from.oldestActiveXid();
        this.nextXid = from.nextXid();
        this.nextOid = from.nextOid();
        this.nextMulti = from.nextMulti();
        this.nextMultiOffset = from.nextMultiOffset();
        this.oldestXid = from.oldestXid();
        this.oldestXidDb = from.oldestXidDb();
        this.oldestMulti = from.oldestMulti();
        this.oldestMultiDb = from.oldestMultiDb();
        this.oldestCommitTsXid = from.oldestCommitTsXid();
        this.newestCommitTsXid = from.newestCommitTsXid();
    }

    CheckPoint checkPoint() {
        return new CheckPoint(
                redo,
                timeline,
                previousTimeline,
                fullPageWrites,
                walLevel,
                nextXid,
                nextOid,
                nextMulti,
                nextMultiOffset,
                oldestXid,
                oldestXidDb,
                oldestMulti,
                oldestMultiDb,
                time,
                oldestCommitTsXid,
                newestCommitTsXid,
                oldestActiveXid);
    }

    private void takePlace(CheckPoint made) {
        redo = made.redo();
        timeline = made.timeline();
        previousTimeline = made.previousTimeline();
        fullPageWrites = made.fullPageWrites();
        walLevel = made.walLevel();
        time = made.time();
        oldestActiveXid = made.oldestActiveXid();
    }

    /** A checkpoint at shutdown: everything in it is exact. */
    void take(CheckPoint made) {
        takePlace(made);
        nextXid = made.nextXid();
        nextOid = made.nextOid();
        nextMulti = made.nextMulti();
        nextMultiOffset = made.nextMultiOffset();
        oldestXid = made.oldestXid();
        oldestXidDb = made.oldestXidDb();
        oldestMulti = made.oldestMulti();
        oldestMultiDb = made.oldestMultiDb();
        oldestCommitTsXid = made.oldestCommitTsXid();
        newestCommitTsXid = made.newestCommitTsXid();
    }

    /** A checkpoint while the server ran: what it says is a lower limit, and its next OID is out of date. */
    void raise(CheckPoint made) {
        takePlace(made);
        if (Long.compareUnsigned(made.nextXid(), nextXid) > 0) {
            nextXid = made.nextXid();
        }
        raiseMulti(made.nextMulti(), made.nextMultiOffset());
        raiseOldestXid(made.oldestXid(), made.oldestXidDb());
        if (TransactionId.multiPrecedes(oldestMulti, made.oldestMulti())) {
            setOldestMulti(made.oldestMulti(), made.oldestMultiDb());
        }
        raiseOldestCommitTs(made.oldestCommitTsXid());
        raiseNewestCommitTs(made.newestCommitTsXid());
    }

    /** The next transaction id comes after this one; the special ones say nothing. */
    void passXid(int xid) {
        if (!ClusterCounters.isNew(xid, nextXid)) {
            return;
        }
        long next = TransactionId.widen(xid, nextXid) + 1;
        nextXid = TransactionId.isNormal((int) next) ? next : next + TransactionId.FIRST_NORMAL;
    }

    /** The next transaction id is not before this one. */
    void reachXid(int next) {
        passXid(next == TransactionId.FIRST_NORMAL ? -1 : next - 1);
    }

    void passXids(int[] xids) {
        for (int xid : xids) {
            passXid(xid);
        }
    }

    /** The next multixact comes after this one, and the next member is at {@code end} or after it. */
    void passMulti(int multi, int end) {
        raiseMulti(MultiXactOffsetsPage.next(multi), end);
    }

    private void raiseMulti(int multi, int offset) {
        if (TransactionId.multiPrecedes(nextMulti, multi)) {
            nextMulti = multi;
        }
        if (TransactionId.multiPrecedes(nextMultiOffset, offset)) {
            nextMultiOffset = offset;
        }
    }

    void setOldestMulti(int multi, int database) {
        oldestMulti = multi;
        oldestMultiDb = database;
    }

    void raiseOldestXid(int xid, int database) {
        if (TransactionId.precedes(oldestXid, xid)) {
            oldestXid = xid;
            oldestXidDb = database;
        }
    }

    /** Only moves what there is: 0 says that no timestamps are kept. */
    void raiseOldestCommitTs(int xid) {
        if (oldestCommitTsXid != 0 && TransactionId.precedes(oldestCommitTsXid, xid)) {
            oldestCommitTsXid = xid;
        }
    }

    void raiseNewestCommitTs(int xid) {
        if (TransactionId.precedes(newestCommitTsXid, xid)) {
            newestCommitTsXid = xid;
        }
    }

    /** Timestamps begin with the next transaction, or there are none any more. */
    void switchCommitTs(CommitTimestamps now) {
        int xid = now == CommitTimestamps.ON ? (int) nextXid : 0;
        oldestCommitTsXid = xid;
        newestCommitTsXid = xid;
    }
}
