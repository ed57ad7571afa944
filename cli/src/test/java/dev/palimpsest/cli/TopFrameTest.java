package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.BrokenJob;
import dev.palimpsest.pageserver.branch.HistoryRunView;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.Lsn;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TopFrameTest {
    private static final Instant START = Instant.parse("2026-11-21T10:00:00Z");

    private static final HistoryRunView RUN =
            new HistoryRunView(true, START, Duration.ofSeconds(70), 2, 3 << 20, 1 << 20, 1200, 2 << 20, null);

    private static BranchView branch(String name, long last, long lag, @Nullable String problem) {
        FollowState follow = lag < 0
                ? null
                : new FollowState(
                        problem == null ? FollowState.Phase.STREAMING : FollowState.Phase.WAITING,
                        problem,
                        new Lsn(last),
                        new Lsn(last + lag),
                        START,
                        START);
        return new BranchView(
                name,
                "0".repeat(32),
                String.format("%32s", name).replace(' ', '0'),
                17,
                BranchView.Phase.READY,
                null,
                null,
                START,
                Lsn.INVALID,
                new Lsn(last),
                new Lsn(last),
                new Lsn(last - 1024),
                Lsn.INVALID,
                7,
                1 << 20,
                1 << 20,
                BranchView.Downloads.NONE,
                null,
                follow,
                lag,
                lag < 0 ? -1 : 1.5,
                problem == null ? List.of() : List.of(new BrokenJob("compaction", 6, "damaged")),
                problem == null ? null : RUN);
    }

    private static MetricsText metrics(int pages, int fast, double wal) {
        return new MetricsText("""
            # HELP something else
            pageserver_smgr_query_seconds_global_bucket{smgr_query_type="get_page_at_lsn",le="1.0E-4"} %2$d
            pageserver_smgr_query_seconds_global_bucket{smgr_query_type="get_page_at_lsn",le="0.01"} %1$d
            pageserver_smgr_query_seconds_global_bucket{smgr_query_type="get_page_at_lsn",le="+Inf"} %1$d
            pageserver_smgr_query_seconds_global_count{smgr_query_type="get_page_at_lsn"} %1$d
            pageserver_smgr_query_seconds_global_count{smgr_query_type="get_rel_size"} 5
            palimpsest_wal_applied_bytes_total %3$s
            palimpsest_resource_used{resource="dirty_bytes"} 1.048576E7
            palimpsest_resource_limit{resource="dirty_bytes"} +Inf
            pageserver_storage_operations_seconds_global_sum{operation="compact history"} %4$d
            palimpsest_history_compaction_running 1.0
            palimpsest_history_compaction_running_seconds 70.25
            palimpsest_history_compaction_runs_total{outcome="DONE"} 3.0
            palimpsest_history_compaction_runs_total{outcome="FAILED"} 1.0
            palimpsest_history_compaction_read_bytes_total 3145728.0
            palimpsest_history_compaction_written_bytes_total 1048576.0
            palimpsest_history_compaction_removed_layers_total 1200.0
            palimpsest_remote_storage_errors_total{kind="unavailable",request_type="put \\"x\\" }"} 3
            """.formatted(pages, fast, wal, pages / 2000));
    }

    private static TopFrame frame(List<BranchView> before, List<BranchView> now) {
        return new TopFrame(
                "http://h:1",
                new TopFrame.Sample(START, before, metrics(1000, 900, 0)),
                new TopFrame.Sample(START.plusSeconds(2), now, metrics(3000, 1920, 4 << 20)));
    }

    @Test
    void ratesAreOfTheTimeBetween() {
        List<String> lines = frame(
                        List.of(branch("prod", 0x10000, 0, null)), List.of(branch("prod", 0x20000, 2048, null)))
                .lines(100, 300);

        // 2000 pages in 2 s: 1020 of them, more than a half, took at most 100 µs, and all of them 10 ms.
        assertThat(lines.get(1)).contains("1,000 pages/s", "0 others/s", "p50 ≤ 100 µs", "p99 ≤ 10 ms");
        assertThat(lines.get(2)).contains("2.0 MB/s WAL", "in memory 10 MB of any amount");
        assertThat(lines.getLast())
                .matches("prod +streaming +2\\.0 kB +1\\.5 s +32 kB +0/20000 +1\\.0 kB +7 +1\\.0 MB +1\\.0 MB");
    }

    @Test
    void compactionOfHistoryHasARow() {
        List<String> lines = frame(List.of(), List.of()).lines(100, 300);

        // A second of work in two.
        assertThat(lines.get(5))
                .isEqualTo(
                        "history    compaction 50 %, 1 running, for 1 min 10 s, since the start: 4 runs, 3.0 MB read,"
                                + " 1.0 MB written, 1,200 layers removed, 1 failed");
    }

    @Test
    void theBusiestComesFirstAndWhatIsWrongIsSaid() {
        List<String> lines = frame(
                        List.of(branch("a", 0x10000, -1, null), branch("z", 0x10000, 0, null)),
                        List.of(branch("a", 0x10000, -1, null), branch("z", 0x30000, 10, "gone")))
                .lines(100, 300);

        assertThat(lines).contains("! z: gone", "! z: compaction keeps failing, 6 times in a row: damaged");
        assertThat(lines)
                .contains("  z: history is being compacted, for 1 min 10 s: 2 pieces, 3.0 MB read, 1.0 MB written,"
                        + " 1,200 layers with 2.0 MB removed")
                .noneMatch(line -> line.startsWith("  a:"));
        assertThat(lines.get(lines.size() - 2)).startsWith("z ");
        assertThat(lines.getLast()).startsWith("a ").contains(" - ");
    }

    @Test
    void itFitsTheTerminal() {
        List<BranchView> many = IntStream.range(0, 500)
                .mapToObj(i -> branch("branch" + i, 0x10000, 0, null))
                .toList();
        List<String> lines = frame(many, many).lines(20, 40);

        assertThat(lines).hasSize(20).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(40));
        assertThat(lines.getLast()).startsWith("… 490 more lines");
        assertThat(frame(many, many).lines(1, 0)).containsExactly("");
    }

    @Test
    void nothingHappenedIsNoDivisionByZero() {
        MetricsText none = new MetricsText("");
        TopFrame.Sample sample = new TopFrame.Sample(START, List.of(), none);
        assertThat(new TopFrame("http://h:1", sample, sample).lines(50, 200).get(1))
                .contains("0 pages/s", "p50 -", "p99 -");
        assertThat(none.quantile(none, 0.5, "x")).isNaN();
    }
}
