package dev.palimpsest.postgres.slru;

import static dev.palimpsest.postgres.Bytes.i32s;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SlruChangesTest {
    private static final int COMMIT = 0x80;
    private static final int ABORT = 0xA0;

    private static List<SlruChange> changes(Rmgr manager, int info, int xid, CommitTimestamps timestamps, byte[] main)
            throws MalformedRecordException {
        return SlruChanges.of(
                new RecordBuilder(PostgresVersion.V16, manager.id(), info)
                        .xid(xid)
                        .origin(3)
                        .main(main)
                        .decoded(0x100, 0x180),
                timestamps);
    }

    private static byte[] completion(int... subXids) {
        int[] fields = new int[4 + subXids.length];
        fields[0] = 1_000_000;
        fields[2] = 2;
        fields[3] = subXids.length;
        System.arraycopy(subXids, 0, fields, 4, subXids.length);
        return i32s(fields);
    }

    private static void apply(Map<SlruPage, byte[]> pages, List<SlruChange> changes) {
        for (SlruChange change : changes) {
            SlruUpdate update = (SlruUpdate) change;
            update.apply(pages.computeIfAbsent(update.page(), page -> new byte[8192]));
        }
    }

    private static byte[] page(Map<SlruPage, byte[]> pages, SlruKind kind, int number) {
        return Objects.requireNonNull(pages.get(new SlruPage(kind, number)));
    }

    @Test
    void endsOfTransactionsComeToTheRightPagesAndBits() throws Exception {
        long seed = 4;
        Random random = new Random(seed);
        Map<SlruPage, byte[]> pages = new HashMap<>();
        Map<Integer, TransactionStatus> oracle = new TreeMap<>();
        int[] starts = {3, 32760, 65530, -70_000};
        for (int start : starts) {
            int xid = start;
            for (int round = 0; round < 300; round++) {
                int[] subXids = new int[random.nextInt(40)];
                int top = xid++;
                for (int i = 0; i < subXids.length; i++) {
                    xid += 1 + random.nextInt(3);
                    subXids[i] = xid++;
                }
                boolean commit = random.nextBoolean();
                apply(
                        pages,
                        changes(
                                Rmgr.TRANSACTION,
                                commit ? COMMIT : ABORT,
                                top,
                                CommitTimestamps.ON,
                                completion(subXids)));
                TransactionStatus status = commit ? TransactionStatus.COMMITTED : TransactionStatus.ABORTED;
                oracle.put(top, status);
                Arrays.stream(subXids).forEach(sub -> oracle.put(sub, status));
            }
            for (int at = start; at != xid; at++) {
                TransactionStatus expected = oracle.getOrDefault(at, TransactionStatus.IN_PROGRESS);
                byte[] clog = pages.getOrDefault(SlruPage.of(SlruKind.CLOG, at), new byte[8192]);
                byte[] times = pages.getOrDefault(SlruPage.of(SlruKind.COMMIT_TS, at), new byte[8192]);
                boolean committed = expected == TransactionStatus.COMMITTED;
                assertThat(ClogPage.status(clog, at))
                        .as("%d, seed %d", at, seed)
                        .isEqualTo(expected);
                assertThat(CommitTsPage.time(times, at)).isEqualTo(new TimestampTz(committed ? 1_000_000 : 0));
                assertThat(CommitTsPage.origin(times, at)).isEqualTo(committed ? 3 : 0);
            }
        }
    }

    @Test
    void timestampsAreOnlyKeptIfTheyAreOn() throws Exception {
        assertThat(changes(Rmgr.TRANSACTION, COMMIT, 700, CommitTimestamps.OFF, completion()))
                .hasSize(1);
        assertThat(changes(Rmgr.TRANSACTION, ABORT, 700, CommitTimestamps.ON, completion()))
                .hasSize(1);
        byte[] off = new byte[28];
        assertThat(changes(Rmgr.XLOG, 0x60, 0, CommitTimestamps.ON, off))
                .containsExactly(new SlruTruncation.All(SlruKind.COMMIT_TS));
        assertThat(changes(Rmgr.XLOG, 0x60, 0, CommitTimestamps.OFF, off)).isEmpty();
        off[25] = 1;
        assertThat(changes(Rmgr.XLOG, 0x60, 0, CommitTimestamps.ON, off)).isEmpty();
        assertThat(changes(Rmgr.HEAP, 0x00, 700, CommitTimestamps.ON, new byte[3]))
                .isEmpty();
    }

    @Test
    void whatIsCommittedDoesNotBecomeSubCommitted() {
        byte[] page = new byte[8192];
        ClogPage.setStatus(page, 702, TransactionStatus.SUB_COMMITTED);
        assertThat(ClogPage.status(page, 702)).isEqualTo(TransactionStatus.SUB_COMMITTED);
        ClogPage.setStatus(page, 702, TransactionStatus.COMMITTED);
        ClogPage.setStatus(page, 702, TransactionStatus.SUB_COMMITTED);
        assertThat(ClogPage.status(page, 702)).isEqualTo(TransactionStatus.COMMITTED);
        assertThat(page[175]).isEqualTo((byte) (1 << 4));
    }

    @Test
    void multixactsWriteTheirMembersAndWhereTheNextOneBegins() throws Exception {
        Map<SlruPage, byte[]> pages = new HashMap<>();
        apply(pages, create(2047, 1634, 700, 1, 701, 5, 702, 0));
        assertThat(pages)
                .containsOnlyKeys(
                        new SlruPage(SlruKind.MULTIXACT_OFFSETS, 0),
                        new SlruPage(SlruKind.MULTIXACT_OFFSETS, 1),
                        new SlruPage(SlruKind.MULTIXACT_MEMBERS, 0),
                        new SlruPage(SlruKind.MULTIXACT_MEMBERS, 1));
        byte[] first = page(pages, SlruKind.MULTIXACT_MEMBERS, 0);
        byte[] second = page(pages, SlruKind.MULTIXACT_MEMBERS, 1);
        assertThat(MultiXactMembersPage.xid(first, 1634)).isEqualTo(700);
        assertThat(MultiXactMembersPage.status(first, 1635)).isEqualTo(5);
        assertThat(LittleEndian.i32(first, 408 * 20 + 4 + 12)).isEqualTo(701);
        assertThat(LittleEndian.i32(second, 4)).isEqualTo(702);
        assertThat(MultiXactOffsetsPage.offset(page(pages, SlruKind.MULTIXACT_OFFSETS, 0), 2047))
                .isEqualTo(1634);
        assertThat(MultiXactOffsetsPage.offset(page(pages, SlruKind.MULTIXACT_OFFSETS, 1), 2048))
                .isEqualTo(1637);
    }

    @Test
    void multixactsAndMembersWrapAround() throws Exception {
        Map<SlruPage, byte[]> pages = new HashMap<>();
        apply(pages, create(-1, -2, 700, 1, 701, 2));
        assertThat(pages)
                .containsOnlyKeys(
                        new SlruPage(SlruKind.MULTIXACT_OFFSETS, (1 << 21) - 1),
                        new SlruPage(SlruKind.MULTIXACT_OFFSETS, 0),
                        new SlruPage(SlruKind.MULTIXACT_MEMBERS, SlruKind.MULTIXACT_MEMBERS.pageCount() - 1));
        assertThat(MultiXactOffsetsPage.offset(page(pages, SlruKind.MULTIXACT_OFFSETS, 0), 1))
                .as("offset 0 stands for none")
                .isEqualTo(1);
        apply(pages, create(1, -1, 700, 1, 701, 2));
        assertThat(page(pages, SlruKind.MULTIXACT_MEMBERS, 0)[4]).isEqualTo((byte) (701 & 0xFF));
    }

    private static List<SlruChange> create(int multi, int offset, int... members) throws MalformedRecordException {
        int[] fields = new int[3 + members.length];
        fields[0] = multi;
        fields[1] = offset;
        fields[2] = members.length / 2;
        System.arraycopy(members, 0, fields, 3, members.length);
        return changes(Rmgr.MULTIXACT, 0x20, 700, CommitTimestamps.OFF, i32s(fields));
    }

    @Test
    void truncationDeletesWholeFilesBeforeThePage() throws Exception {
        SlruTruncation clog =
                (SlruTruncation) changes(Rmgr.CLOG, 0x10, 0, CommitTimestamps.OFF, i32s(70, 70 * 32768, 5))
                        .get(0);
        assertThat(List.of(0, 1, 2, 3).stream().map(clog::deletes)).containsExactly(true, true, false, false);
        assertThat(clog.deletes(SlruKind.CLOG.lastSegment())).as("wrapped").isTrue();
        SlruTruncation.Before boundary = new SlruTruncation.Before(new SlruPage(SlruKind.CLOG, 64));
        assertThat(List.of(0, 1, 2).stream().map(boundary::deletes)).containsExactly(true, true, false);

        List<SlruChange> multi =
                changes(Rmgr.MULTIXACT, 0x30, 0, CommitTimestamps.OFF, i32s(5, 1, 2048 * 32 + 1, -1, 1636 * 33));
        SlruTruncation members = (SlruTruncation) multi.get(0);
        assertThat(members.deletes(SlruKind.MULTIXACT_MEMBERS.lastSegment())).isTrue();
        assertThat(members.deletes(0)).isTrue();
        assertThat(members.deletes(1)).isFalse();
        SlruTruncation offsets = (SlruTruncation) multi.get(1);
        assertThat(offsets).isEqualTo(new SlruTruncation.Before(new SlruPage(SlruKind.MULTIXACT_OFFSETS, 32)));
        assertThat(offsets.deletes(0)).isTrue();
        assertThat(offsets.deletes(1)).isFalse();
    }

    @Test
    void pagesHaveTheirPlaceInFiles() {
        assertThat(SlruPage.of(SlruKind.CLOG, 1_048_576)).hasToString("pg_xact page 32");
        assertThat(new SlruPage(SlruKind.CLOG, 33).path()).isEqualTo("pg_xact/0001");
        assertThat(new SlruPage(SlruKind.CLOG, 33).offsetInSegment()).isEqualTo(8192);
        SlruPage last = SlruPage.of(SlruKind.MULTIXACT_MEMBERS, -1);
        assertThat(last.path()).isEqualTo("pg_multixact/members/14078");
        assertThat(SlruKind.MULTIXACT_MEMBERS.parseSegmentName("14078")).isEqualTo(last.segment());
        assertThat(SlruKind.MULTIXACT_MEMBERS.parseSegmentName("14079")).isEqualTo(-1);
        for (String name : List.of("", "001", "00ab", "0x01", "00001", "PG_VERSION")) {
            assertThat(SlruKind.CLOG.parseSegmentName(name)).as(name).isEqualTo(-1);
        }
        assertThat(SlruKind.CLOG.pageCount()).isEqualTo(131072);
        assertThat(SlruKind.COMMIT_TS.pageCount()).isEqualTo(5244161);
        assertThatThrownBy(() -> new SlruPage(SlruKind.CLOG, 131072)).isInstanceOf(IllegalArgumentException.class);
    }
}
