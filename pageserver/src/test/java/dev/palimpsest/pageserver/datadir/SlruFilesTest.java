package dev.palimpsest.pageserver.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.datadir.ClusterAt.SlruSegment;
import dev.palimpsest.pageserver.datadir.SlruFiles.CommitTimestampRange;
import dev.palimpsest.pageserver.datadir.SlruFiles.SlruFile;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.storage.CorruptionException;
import java.util.List;
import org.junit.jupiter.api.Test;

class SlruFilesTest {
    private static final int CLOG_PAGE = 32768;

    private static CheckPoint xids(long oldest, long next) {
        return counters(oldest, next, 1, 1, 0, 0);
    }

    private static CheckPoint multis(long oldest, long next, long nextOffset) {
        return counters(3, 1000, oldest, next, nextOffset, 0);
    }

    private static CheckPoint counters(
            long oldestXid, long nextXid, long oldestMulti, long nextMulti, long nextOffset, long oldestTimestamp) {
        return new CheckPoint(
                Lsn.INVALID,
                1,
                1,
                1,
                null,
                nextXid,
                16384,
                (int) nextMulti,
                (int) nextOffset,
                (int) oldestXid,
                1,
                (int) oldestMulti,
                1,
                0,
                (int) oldestTimestamp,
                0,
                0);
    }

    private static List<String> summary(SlruFiles files) {
        return files.files().stream()
                .map(file -> file.path() + " " + file.existingPages() + "+" + (file.pages() - file.existingPages()))
                .toList();
    }

    @Test
    void takesACommitLogAsItIs() throws Exception {
        SlruFiles files = SlruFiles.commitLog(
                List.of(new SlruSegment(0, 32), new SlruSegment(1, 5)), xids(731, 36L * CLOG_PAGE + 1));
        assertThat(summary(files)).containsExactly("pg_xact/0000 32+0", "pg_xact/0001 5+0");
        SlruFile first = files.files().getFirst();
        assertThat(first.number()).isZero();
    }

    @Test
    void addsThePageOfTheNextTransaction() throws Exception {
        List<SlruSegment> one = List.of(new SlruSegment(0, 3));
        assertThat(summary(SlruFiles.commitLog(one, xids(731, 3L * CLOG_PAGE)))).containsExactly("pg_xact/0000 3+0");
        assertThat(summary(SlruFiles.commitLog(one, xids(731, 3L * CLOG_PAGE + 1))))
                .containsExactly("pg_xact/0000 3+1");
        List<SlruSegment> full = List.of(new SlruSegment(0, 32));
        assertThat(summary(SlruFiles.commitLog(full, xids(731, 32L * CLOG_PAGE + 1))))
                .containsExactly("pg_xact/0000 32+0", "pg_xact/0001 0+1");
    }

    @Test
    void refusesACommitLogWithHoles() {
        assertThatThrownBy(() -> SlruFiles.commitLog(List.of(new SlruSegment(0, 3)), xids(731, 5L * CLOG_PAGE)))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("pg_xact:24576: page 3 is missing");
        assertThatThrownBy(() -> SlruFiles.commitLog(
                        List.of(new SlruSegment(0, 31), new SlruSegment(1, 1)), xids(731, 32L * CLOG_PAGE + 9)))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("page 31 is missing");
        assertThatThrownBy(() ->
                        SlruFiles.commitLog(List.of(new SlruSegment(1, 1)), xids(31L * CLOG_PAGE, 32L * CLOG_PAGE + 9)))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("page 31 is missing");
        assertThatThrownBy(() -> SlruFiles.commitLog(List.of(), xids(3, 100))).isInstanceOf(CorruptionException.class);
    }

    @Test
    void followsACommitLogAroundTheEndOfNumbers() throws Exception {
        long epoch = 7L << 32;
        List<SlruSegment> segments = List.of(new SlruSegment(0, 1), new SlruSegment(4095, 32));
        assertThat(summary(SlruFiles.commitLog(segments, xids(131070L * CLOG_PAGE, epoch + 100))))
                .containsExactly("pg_xact/0000 1+0", "pg_xact/0FFF 32+0");
        List<SlruSegment> before = List.of(new SlruSegment(4095, 32));
        assertThat(summary(SlruFiles.commitLog(before, xids(131070L * CLOG_PAGE, epoch + 3))))
                .containsExactly("pg_xact/0000 0+1", "pg_xact/0FFF 32+0");
    }

    @Test
    void makesTheFirstPagesOfMultixacts() throws Exception {
        assertThat(summary(SlruFiles.multixactOffsets(List.of(), multis(1, 1, 0))))
                .containsExactly("pg_multixact/offsets/0000 0+1");
        assertThat(summary(SlruFiles.multixactMembers(List.of(), multis(1, 1, 1))))
                .containsExactly("pg_multixact/members/0000 0+1");
        assertThatThrownBy(() -> SlruFiles.multixactOffsets(List.of(), multis(1, 2, 3)))
                .isInstanceOf(CorruptionException.class);
        assertThatThrownBy(() -> SlruFiles.multixactMembers(List.of(), multis(1, 2, 3)))
                .isInstanceOf(CorruptionException.class);
    }

    @Test
    void addsThePagesOfTheLastMultixact() throws Exception {
        List<SlruSegment> two = List.of(new SlruSegment(0, 2));
        assertThat(summary(SlruFiles.multixactOffsets(two, multis(5, 4096, 10))))
                .containsExactly("pg_multixact/offsets/0000 2+0");
        assertThat(summary(SlruFiles.multixactOffsets(two, multis(5, 4097, 10))))
                .containsExactly("pg_multixact/offsets/0000 2+1");
        assertThat(summary(SlruFiles.multixactMembers(two, multis(5, 4097, 2 * 1636 + 1))))
                .containsExactly("pg_multixact/members/0000 2+1");
        assertThatThrownBy(() -> SlruFiles.multixactMembers(two, multis(5, 4097, 3 * 1636 + 1)))
                .isInstanceOf(CorruptionException.class);
        assertThatThrownBy(
                        () -> SlruFiles.multixactOffsets(List.of(new SlruSegment(1, 1)), multis(5, 32 * 2048 + 2, 10)))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("page 0 is missing");
    }

    @Test
    void addsThePagesThatTheNextTransactionIsAhead() throws Exception {
        List<SlruSegment> four = List.of(new SlruSegment(0, 4));
        assertThat(summary(SlruFiles.commitTimestamps(four, xids(3, 4 * 819L))))
                .containsExactly("pg_commit_ts/0000 4+0");
        assertThat(summary(SlruFiles.commitTimestamps(four, xids(3, 4 * 819L + 1))))
                .containsExactly("pg_commit_ts/0000 4+1");
        assertThat(summary(SlruFiles.commitTimestamps(four, xids(3, 4 * 819L + 1023))))
                .containsExactly("pg_commit_ts/0000 4+2");
        assertThatThrownBy(() -> SlruFiles.commitTimestamps(four, xids(3, 6 * 819L + 1)))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("page 4 is missing");
        List<SlruSegment> full = List.of(new SlruSegment(0, 31));
        assertThat(summary(SlruFiles.commitTimestamps(full, xids(3, 32 * 819L + 100))))
                .containsExactly("pg_commit_ts/0000 31+1", "pg_commit_ts/0001 0+1");
    }

    @Test
    void saysWhichCommitTimestampsThereAre() throws Exception {
        CheckPoint counters = counters(3, 2 * 819 + 5, 1, 1, 0, 900);
        SlruFiles none = SlruFiles.commitTimestamps(List.of(), counters);
        assertThat(none.files()).isEmpty();
        assertThat(none.range(counters)).isEqualTo(new CommitTimestampRange(0, 0));
        SlruFiles all = SlruFiles.commitTimestamps(List.of(new SlruSegment(0, 2)), counters);
        assertThat(summary(all)).containsExactly("pg_commit_ts/0000 2+1");
        assertThat(all.range(counters)).isEqualTo(new CommitTimestampRange(900, 2 * 819 + 4));
        CheckPoint unknown = counters(3, 2 * 819 + 5, 1, 1, 0, 0);
        assertThat(all.range(unknown)).isEqualTo(new CommitTimestampRange(3, 2 * 819 + 4));
        long next = 40L * 819 + 1;
        CheckPoint later = counters(3, next, 1, 1, 0, 100);
        SlruFiles truncated = SlruFiles.commitTimestamps(List.of(new SlruSegment(1, 9)), later);
        assertThat(truncated.range(later)).isEqualTo(new CommitTimestampRange(32 * 819, (int) next - 1));
    }
}
