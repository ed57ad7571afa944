package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.cluster.ClusterCounters;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.slru.CommitTimestamps;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import org.jspecify.annotations.Nullable;

/**
 * Follows the counters of a cluster and says when what is stored of them must change. The next transaction is stored rounded
 * up to a multiple of {@value #STEP}, so that it need not be stored anew for each transaction: a cluster that boots from it
 * leaves some IDs out, which does no harm. Neon rounds likewise.
 */
final class CounterRounding {
    private static final int STEP = 1024;

    private final PostgresVersion version;
    private ClusterCounters counters;
    private CheckPoint stored;

    /** @param from the counters as they are stored */
    CounterRounding(PostgresVersion version, CheckPoint from, CommitTimestamps commitTimestamps) {
        this.version = version;
        this.counters = new ClusterCounters(from, commitTimestamps);
        this.stored = from;
    }

    /** The counters to be stored after this record, or null if those stored will do. */
    @Nullable
    CheckPoint follow(WalRecord record) throws MalformedRecordException {
        ClusterCounters next = counters.after(record);
        if (next.checkPoint().equals(counters.checkPoint())) {
            counters = next;
            return null;
        }
        counters = next;
        CheckPoint rounded = rounded(next.checkPoint());
        if (rounded.equals(stored)) {
            return null;
        }
        stored = rounded;
        return rounded;
    }

    private static CheckPoint rounded(CheckPoint exact) {
        long nextXid = exact.nextXid() + STEP - 1 & -STEP;
        // 0 to 2 are no transactions.
        nextXid = (int) nextXid == 0 ? nextXid + STEP : nextXid;
        int newestCommitTsXid = exact.newestCommitTsXid() == 0 ? 0 : (int) nextXid - 1;
        return new CheckPoint(
                exact.redo(),
                exact.timeline(),
                exact.previousTimeline(),
                exact.fullPageWrites(),
                exact.walLevel(),
                nextXid,
                exact.nextOid(),
                exact.nextMulti(),
                exact.nextMultiOffset(),
                exact.oldestXid(),
                exact.oldestXidDb(),
                exact.oldestMulti(),
                exact.oldestMultiDb(),
                exact.time(),
                exact.oldestCommitTsXid(),
                newestCommitTsXid,
                exact.oldestActiveXid());
    }

    /** The number a prepared transaction has in the store: with its epoch since PostgreSQL 17. */
    long identify(int xid) {
        long low = Integer.toUnsignedLong(xid);
        if (!version.isAtLeast(PostgresVersion.V17)) {
            return low;
        }
        long next = counters.checkPoint().nextXid();
        long epoch = next >>> 32;
        return low >= (next & 0xFFFF_FFFFL) && epoch > 0 ? ((epoch - 1) << 32) | low : (epoch << 32) | low;
    }
}
