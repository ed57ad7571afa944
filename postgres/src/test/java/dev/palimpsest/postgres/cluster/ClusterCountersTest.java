package dev.palimpsest.postgres.cluster;

import static dev.palimpsest.postgres.Bytes.i32s;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.slru.CommitTimestamps;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import org.junit.jupiter.api.Test;

class ClusterCountersTest {
    private static final CheckPoint START = new CheckPoint(
            new Lsn(0x1000028), 1, 1, 1, null, 2L << 32 | 700, 16384, 10, 30, 600, 1, 5, 1, 0, 650, 690, 0);
    private static final ClusterCounters ON = new ClusterCounters(START, CommitTimestamps.ON);
    private static final ClusterCounters OFF = new ClusterCounters(START, CommitTimestamps.OFF);

    private static WalRecord record(Rmgr manager, int info, int xid, byte[] main) throws MalformedRecordException {
        return new RecordBuilder(PostgresVersion.V16, manager.id(), info)
                .xid(xid)
                .main(main)
                .decoded(0x100, 0x180);
    }

    private static byte[] encoded(CheckPoint checkPoint) {
        byte[] bytes = new byte[CheckPoint.SIZE];
        checkPoint.encode(bytes, 0);
        return bytes;
    }

    private static CheckPoint later(int by) {
        return new CheckPoint(
                new Lsn(0x5000028),
                1,
                1,
                1,
                null,
                START.nextXid() + by,
                16384 + by,
                10 + by,
                30 + by,
                600 + by,
                7,
                5 + by,
                8,
                77,
                650 + by,
                690 + by,
                600);
    }

    @Test
    void whatChangesNothingGivesTheSameObject() throws Exception {
        assertThat(ON.after(record(Rmgr.HEAP, 0, 699, new byte[3]))).isSameAs(ON);
        assertThat(ON.after(record(Rmgr.HEAP, 0, 0, new byte[3]))).isSameAs(ON);
        assertThat(ON.after(record(Rmgr.XLOG, 0x20, 0, new byte[0]))).isSameAs(ON);
        assertThat(OFF.after(record(Rmgr.TRANSACTION, 0x00, 699, new byte[8]))).isSameAs(OFF);
        assertThat(ON.after(record(Rmgr.TRANSACTION, 0x00, 689, new byte[8]))).isSameAs(ON);
        assertThat(ON.after(record(Rmgr.TRANSACTION, 0x20, 699, new byte[8]))).isSameAs(ON);
    }

    @Test
    void everyTransactionThatARecordMentionsIsPassed() throws Exception {
        assertThat(next(record(Rmgr.HEAP, 0, 700, new byte[3]))).isEqualTo(2L << 32 | 701);
        assertThat(next(record(Rmgr.TRANSACTION, 0xA0, 0, i32s(0, 0, 2, 2, 705, 703))))
                .isEqualTo(2L << 32 | 706);
        assertThat(next(record(Rmgr.TRANSACTION, 0x50, 0, i32s(700, 1, 702)))).isEqualTo(2L << 32 | 703);
        assertThat(next(record(Rmgr.TRANSACTION, 0xC0, 0, i32s(0, 0, 16, 704)))).isEqualTo(2L << 32 | 705);
        assertThat(next(record(Rmgr.MULTIXACT, 0x20, 700, i32s(10, 30, 2, 720, 0, 699, 0))))
                .isEqualTo(2L << 32 | 721);
        assertThat(next(record(Rmgr.STANDBY, 0x10, 0, i32s(0, 0, 0, 750, 700, 749))))
                .isEqualTo(2L << 32 | 750);
    }

    private static long next(WalRecord record) throws MalformedRecordException {
        return OFF.after(record).checkPoint().nextXid();
    }

    @Test
    void transactionIdsWrapIntoTheNextEpoch() throws Exception {
        CheckPoint end = CheckPoint.decode(PostgresVersion.V16, withNextXid(2L << 32 | 0xFFFFFFFEL), 0);
        ClusterCounters counters = new ClusterCounters(end, CommitTimestamps.OFF);
        assertThat(counters.after(record(Rmgr.HEAP, 0, -1, new byte[3]))
                        .checkPoint()
                        .nextXid())
                .isEqualTo(3L << 32 | 3);
        assertThat(counters.after(record(Rmgr.HEAP, 0, 9, new byte[3]))
                        .checkPoint()
                        .nextXid())
                .isEqualTo(3L << 32 | 10);
        assertThat(counters.after(record(Rmgr.HEAP, 0, 0x80000100, new byte[3])))
                .as("far back on the circle")
                .isSameAs(counters);
    }

    private static byte[] withNextXid(long nextXid) {
        byte[] bytes = encoded(START);
        LittleEndian.putI64(bytes, 24, nextXid);
        return bytes;
    }

    @Test
    void checkpointsAreExactAtShutdownAndLimitsOtherwise() throws Exception {
        assertThat(ON.after(record(Rmgr.XLOG, 0x00, 0, encoded(later(-3)))).checkPoint())
                .isEqualTo(later(-3));
        CheckPoint raised =
                ON.after(record(Rmgr.XLOG, 0x10, 0, encoded(later(40)))).checkPoint();
        assertThat(raised.nextOid())
                .as("an online checkpoint's next OID is out of date")
                .isEqualTo(16384);
        assertThat(raised.nextXid()).isEqualTo(START.nextXid() + 40);
        assertThat(raised.nextMulti()).isEqualTo(50);
        assertThat(raised.nextMultiOffset()).isEqualTo(70);
        assertThat(raised.oldestXid()).isEqualTo(640);
        assertThat(raised.oldestXidDb()).isEqualTo(7);
        assertThat(raised.oldestMulti()).isEqualTo(45);
        assertThat(raised.oldestMultiDb()).isEqualTo(8);
        assertThat(raised.oldestCommitTsXid()).isEqualTo(690);
        assertThat(raised.newestCommitTsXid()).isEqualTo(730);
        CheckPoint kept =
                ON.after(record(Rmgr.XLOG, 0x10, 0, encoded(later(-3)))).checkPoint();
        assertThat(kept.nextXid()).isEqualTo(START.nextXid());
        assertThat(kept.nextMulti()).isEqualTo(10);
        assertThat(kept.oldestXid()).isEqualTo(600);
        assertThat(kept.oldestXidDb()).isEqualTo(1);
        assertThat(kept.oldestMultiDb()).isEqualTo(1);
        assertThat(kept.newestCommitTsXid()).isEqualTo(690);
        assertThat(kept.redo()).isEqualTo(new Lsn(0x5000028));
    }

    @Test
    void objectIdsAndMultixacts() throws Exception {
        assertThat(ON.after(record(Rmgr.XLOG, 0x30, 0, i32s(24576)))
                        .checkPoint()
                        .nextOid())
                .isEqualTo(24576);
        CheckPoint created = ON.after(record(Rmgr.MULTIXACT, 0x20, 0, i32s(12, 33, 2, 600, 0, 601, 0)))
                .checkPoint();
        assertThat(created.nextMulti()).isEqualTo(13);
        assertThat(created.nextMultiOffset()).isEqualTo(35);
        assertThat(ON.after(record(Rmgr.MULTIXACT, 0x20, 0, i32s(8, 25, 1, 600, 0))))
                .as("an earlier one that was written later")
                .isSameAs(ON);
        CheckPoint truncated =
                ON.after(record(Rmgr.MULTIXACT, 0x30, 0, i32s(9, 5, 8, 1, 20))).checkPoint();
        assertThat(truncated.oldestMulti()).isEqualTo(8);
        assertThat(truncated.oldestMultiDb()).isEqualTo(9);
        CheckPoint clog = ON.after(record(Rmgr.CLOG, 0x10, 0, i32s(0, 660, 4))).checkPoint();
        assertThat(clog.oldestXid()).isEqualTo(660);
        assertThat(clog.oldestXidDb()).isEqualTo(4);
        assertThat(ON.after(record(Rmgr.COMMIT_TS, 0x10, 0, i32s(0, 670)))
                        .checkPoint()
                        .oldestCommitTsXid())
                .isEqualTo(670);
    }

    @Test
    void commitTimestampsAreSwitchedAndFollowed() throws Exception {
        CheckPoint committed =
                ON.after(record(Rmgr.TRANSACTION, 0x00, 695, new byte[8])).checkPoint();
        assertThat(committed.newestCommitTsXid()).isEqualTo(695);
        byte[] off = new byte[28];
        ClusterCounters switchedOff = ON.after(record(Rmgr.XLOG, 0x60, 0, off));
        assertThat(switchedOff.commitTimestamps()).isEqualTo(CommitTimestamps.OFF);
        assertThat(switchedOff.checkPoint().oldestCommitTsXid()).isZero();
        assertThat(switchedOff.checkPoint().newestCommitTsXid()).isZero();
        off[25] = 1;
        ClusterCounters switchedOn = switchedOff.after(record(Rmgr.XLOG, 0x60, 0, off));
        assertThat(switchedOn.commitTimestamps()).isEqualTo(CommitTimestamps.ON);
        assertThat(switchedOn.checkPoint().oldestCommitTsXid()).isEqualTo(700);
        assertThat(switchedOn.after(record(Rmgr.COMMIT_TS, 0x10, 0, i32s(0, 670))))
                .isSameAs(switchedOn);
    }
}
