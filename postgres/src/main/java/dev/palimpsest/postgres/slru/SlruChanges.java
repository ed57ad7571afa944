package dev.palimpsest.postgres.slru;

import dev.palimpsest.postgres.rmgr.ClogRecord;
import dev.palimpsest.postgres.rmgr.CommitTsRecord;
import dev.palimpsest.postgres.rmgr.Completion;
import dev.palimpsest.postgres.rmgr.MultiXactRecord;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.rmgr.TransactionRecord;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a record changes outside of relations.
 *
 * <p>A new multixact always notes where the next one will begin, as the newest minor releases do (14.21, 15.16, 16.12, 17.8
 * and 18.2 were the first). In WAL of older ones the record that begins a page may come after that note, and clear it: the
 * record that makes that next multixact, which follows, brings the same value again.
 */
public final class SlruChanges {
    private static final int PARAMETER_CHANGE = 0x60;
    private static final int ASSIGNMENT = 0x50;
    private static final int INVALIDATION = 0x60;
    private static final int PREPARE = 0x10;

    private SlruChanges() {}

    /**
     * The changes of a record, in an order in which they can be made; empty for most records, at the cost of a comparison.
     *
     * @param commitTimestamps whether they are kept at this point of the WAL, before this record
     * @throws MalformedRecordException if the record is not what its type must be
     */
    public static List<SlruChange> of(WalRecord record, CommitTimestamps commitTimestamps)
            throws MalformedRecordException {
        int manager = record.resourceManagerId();
        if (manager == Rmgr.TRANSACTION.id()) {
            int type = record.info() & TransactionRecord.TYPE;
            if (type == PREPARE || type == ASSIGNMENT || type == INVALIDATION) {
                return List.of();
            }
            return TransactionRecord.decode(record) instanceof Completion completion
                    ? of(completion, commitTimestamps)
                    : List.of();
        }
        if (manager == Rmgr.CLOG.id()) {
            return List.of(
                    switch (ClogRecord.decode(record)) {
                        case ClogRecord.ZeroPage zero -> zero(SlruKind.CLOG, zero.page());
                        case ClogRecord.Truncate truncate -> before(SlruKind.CLOG, truncate.page());
                    });
        }
        if (manager == Rmgr.COMMIT_TS.id()) {
            return List.of(
                    switch (CommitTsRecord.decode(record)) {
                        case CommitTsRecord.ZeroPage zero -> zero(SlruKind.COMMIT_TS, zero.page());
                        case CommitTsRecord.Truncate truncate -> before(SlruKind.COMMIT_TS, truncate.page());
                    });
        }
        if (manager == Rmgr.MULTIXACT.id()) {
            return of(MultiXactRecord.decode(record));
        }
        if (manager == Rmgr.XLOG.id() && record.opcode() == PARAMETER_CHANGE) {
            return XlogRecord.decode(record) instanceof XlogRecord.ParameterChange change
                            && change.trackCommitTimestamp() == 0
                            && commitTimestamps == CommitTimestamps.ON
                    ? List.of(new SlruTruncation.All(SlruKind.COMMIT_TS))
                    : List.of();
        }
        return List.of();
    }

    private static SlruChange zero(SlruKind kind, int page) {
        return new SlruUpdate.Zero(new SlruPage(kind, page));
    }

    private static SlruChange before(SlruKind kind, int page) {
        return new SlruTruncation.Before(new SlruPage(kind, page));
    }

    /** How the end of a transaction changes the commit log, and the commit timestamps if they are kept. */
    public static List<SlruChange> of(Completion completion, CommitTimestamps commitTimestamps) {
        boolean commit = completion.kind().isCommit();
        TransactionStatus status = commit ? TransactionStatus.COMMITTED : TransactionStatus.ABORTED;
        int[] xids = new int[completion.subXids().length + 1];
        System.arraycopy(completion.subXids(), 0, xids, 0, xids.length - 1);
        xids[xids.length - 1] = completion.xid();
        if (completion.xid() == 0) {
            xids = completion.subXids();
        }
        List<SlruChange> changes = new ArrayList<>(2);
        for (int[] onPage : byPage(SlruKind.CLOG, xids)) {
            changes.add(new SlruUpdate.Status(SlruPage.of(SlruKind.CLOG, onPage[0]), onPage, status));
        }
        if (commit && commitTimestamps == CommitTimestamps.ON) {
            for (int[] onPage : byPage(SlruKind.COMMIT_TS, xids)) {
                changes.add(new SlruUpdate.CommitTime(
                        SlruPage.of(SlruKind.COMMIT_TS, onPage[0]),
                        onPage,
                        completion.commitTime(),
                        completion.origin()));
            }
        }
        return changes;
    }

    /** The ids in groups of those on the same page, the pages in the order of their first ids. */
    private static List<int[]> byPage(SlruKind kind, int[] xids) {
        if (xids.length == 1) {
            return List.of(xids);
        }
        List<int[]> groups = new ArrayList<>(2);
        int[] left = xids;
        while (left.length > 0) {
            int page = kind.pageOf(left[0]);
            groups.add(
                    Arrays.stream(left).filter(xid -> kind.pageOf(xid) == page).toArray());
            left = Arrays.stream(left).filter(xid -> kind.pageOf(xid) != page).toArray();
        }
        return groups;
    }

    private static List<SlruChange> of(MultiXactRecord record) {
        return switch (record) {
            case MultiXactRecord.ZeroOffsetsPage zero -> List.of(zero(SlruKind.MULTIXACT_OFFSETS, zero.page()));
            case MultiXactRecord.ZeroMembersPage zero -> List.of(zero(SlruKind.MULTIXACT_MEMBERS, zero.page()));
            case MultiXactRecord.Create create -> created(create);
            case MultiXactRecord.Truncate truncate -> {
                int lastGone = MultiXactOffsetsPage.previous(truncate.toMulti());
                yield List.of(
                        new SlruTruncation.Range(
                                SlruKind.MULTIXACT_MEMBERS,
                                SlruKind.segmentOf(SlruKind.MULTIXACT_MEMBERS.pageOf(truncate.fromMember())),
                                SlruKind.segmentOf(SlruKind.MULTIXACT_MEMBERS.pageOf(truncate.toMember()))),
                        before(SlruKind.MULTIXACT_OFFSETS, SlruKind.MULTIXACT_OFFSETS.pageOf(lastGone)));
            }
        };
    }

    private static List<SlruChange> created(MultiXactRecord.Create create) {
        List<SlruChange> changes = new ArrayList<>(3);
        SlruKind members = SlruKind.MULTIXACT_MEMBERS;
        int count = create.xids().length;
        int from = 0;
        while (from < count) {
            int first = create.offset() + from;
            int to = from + 1;
            while (to < count && members.pageOf(create.offset() + to) == members.pageOf(first)) {
                to++;
            }
            byte[] statuses = new byte[to - from];
            for (int i = from; i < to; i++) {
                statuses[i - from] = (byte) create.statuses()[i].number();
            }
            int[] xids = Arrays.copyOfRange(create.xids(), from, to);
            changes.add(new SlruUpdate.Members(SlruPage.of(members, first), first, xids, statuses));
            from = to;
        }
        SlruPage page = SlruPage.of(SlruKind.MULTIXACT_OFFSETS, create.multi());
        int next = MultiXactOffsetsPage.next(create.multi());
        int nextOffset = create.offset() + count == 0 ? 1 : create.offset() + count;
        SlruPage nextPage = SlruPage.of(SlruKind.MULTIXACT_OFFSETS, next);
        if (nextPage.equals(page)) {
            changes.add(new SlruUpdate.Offsets(page, create.multi(), new int[] {create.offset(), nextOffset}));
        } else {
            changes.add(new SlruUpdate.Offsets(page, create.multi(), new int[] {create.offset()}));
            changes.add(new SlruUpdate.Offsets(nextPage, next, new int[] {nextOffset}));
        }
        return changes;
    }
}
