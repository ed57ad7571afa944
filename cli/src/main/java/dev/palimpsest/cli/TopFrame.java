package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.BrokenJob;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What {@code palimpsest top} shows: a server now, and at what rates it works since it was looked at before. Pure.
 *
 * @param server where it is
 * @param before how it was
 * @param now how it is
 */
record TopFrame(String server, Sample before, Sample now) {
    private static final double MILLION = 1e6;
    private static final double THOUSAND = 1e3;
    private static final String PAGES = "pageserver_smgr_query_seconds_global";
    private static final String[] PAGE = {"smgr_query_type", "get_page_at_lsn"};

    /** A server at a moment. */
    record Sample(Instant at, List<BranchView> branches, MetricsText metrics) {}

    /** So many lines at most, none longer than {@code columns}. */
    List<String> lines(int rows, int columns) {
        List<String> lines = new ArrayList<>();
        lines.add(title());
        lines.add(reads());
        lines.add(ingest());
        lines.add(objects());
        lines.add(background());
        lines.add(history());
        lines.add(machine());
        lines.addAll(running());
        lines.addAll(troubles());
        lines.add("");
        lines.addAll(branches());
        if (lines.size() > rows) {
            int hidden = lines.size() - rows + 1;
            lines = new ArrayList<>(lines.subList(0, Math.max(0, rows - 1)));
            lines.add("… " + hidden + " more lines; a taller window shows them");
        }
        return lines.stream()
                .map(line -> line.length() > columns ? line.substring(0, Math.max(0, columns)) : line)
                .toList();
    }

    private String title() {
        double started = now.metrics.sum("process_start_time_seconds");
        String up = started == 0 ? "" : ", up " + Display.seconds(now.at.toEpochMilli() / THOUSAND - started);
        long ready = now.branches.stream()
                .filter(branch -> branch.phase() == BranchView.Phase.READY)
                .count();
        return "palimpsest at " + server + ", " + Display.time(now.at) + up + ": "
                + (now.branches.size() == 1 ? "1 branch" : now.branches.size() + " branches") + ", " + ready
                + " ready";
    }

    private String reads() {
        return line(
                "reads",
                count(rate(PAGES + "_count", PAGE)) + " pages/s",
                count(rate(PAGES + "_count") - rate(PAGES + "_count", PAGE)) + " others/s",
                "p50 " + time(quantile(0.5, PAGES, PAGE)),
                "p99 " + time(quantile(0.99, PAGES, PAGE)),
                "layers p99 " + number(quantile(0.99, "palimpsest_layers_per_read")),
                count(gauge("palimpsest_wait_lsn_started_total") - gauge("palimpsest_wait_lsn_finished_total"))
                        + " wait for WAL",
                count(gauge("pageserver_live_connections_started_total")
                                - gauge("pageserver_live_connections_finished_total"))
                        + " clients");
    }

    private String ingest() {
        return line(
                "ingest",
                bytes(rate("palimpsest_wal_applied_bytes_total")) + "/s WAL",
                "furthest behind " + bytes(gauge("palimpsest_ingest_max_lag_bytes")),
                "in memory " + used("dirty_bytes"),
                "flushes "
                        + number(rate("pageserver_storage_operations_seconds_global_count", "operation", "layer flush"))
                        + "/s");
    }

    private String objects() {
        return line(
                "objects",
                "up " + bytes(rate("pageserver_remote_timeline_client_bytes_finished_total")) + "/s",
                "waiting " + bytes(gauge("palimpsest_upload_backlog_bytes")),
                "down " + bytes(rate("pageserver_remote_ondemand_downloaded_bytes_total")) + "/s",
                count(gauge("palimpsest_layer_downloads", "state", "running")) + " downloads, "
                        + count(gauge("palimpsest_layer_downloads", "state", "waiting")) + " wait",
                number(failedCalls()) + " failed calls/s");
    }

    private double failedCalls() {
        return rate("palimpsest_remote_storage_errors_total", "kind", "unavailable")
                + rate("palimpsest_remote_storage_errors_total", "kind", "refused");
    }

    private String background() {
        return line(
                "background",
                operation("compact", "compaction"),
                operation("create images", "images"),
                operation("gc", "gc"),
                count(gauge("palimpsest_layers", "level", "l0")) + " L0, "
                        + count(gauge("palimpsest_layers", "level", "l1")) + " L1, "
                        + count(gauge("palimpsest_layers", "level", "image")) + " image layers");
    }

    /** Compaction of history. Its bytes and layers come piece by piece, and a piece may take minutes: rates would say little. */
    private String history() {
        String metric = "palimpsest_history_compaction_";
        double running = gauge(metric + "running");
        return line(
                "history",
                operation("compact history", "compaction"),
                running == 0
                        ? "none running"
                        : count(running) + " running, for " + Display.seconds(gauge(metric + "running_seconds")),
                "since the start: " + count(gauge(metric + "runs_total")) + " runs",
                bytes(gauge(metric + "read_bytes_total")) + " read",
                bytes(gauge(metric + "written_bytes_total")) + " written",
                count(gauge(metric + "removed_layers_total")) + " layers removed",
                count(gauge(metric + "runs_total", "outcome", "FAILED")) + " failed");
    }

    private String operation(String label, String name) {
        String metric = "pageserver_storage_operations_seconds_global";
        double busy = rate(metric + "_sum", "operation", label);
        return name + " " + String.format(Locale.ROOT, "%.0f %%", 100 * Math.max(0, busy));
    }

    private String machine() {
        return line(
                "machine",
                "disk " + bytes(gauge("palimpsest_disk_available_bytes")) + " left",
                "layers here " + bytes(gauge("pageserver_resident_physical_size_global")),
                "read " + bytes(rate("palimpsest_disk_read_bytes_total")) + "/s",
                "written " + bytes(rate("palimpsest_disk_written_bytes_total")) + "/s",
                "heap " + bytes(gauge("jvm_memory_used_bytes", "area", "heap")) + " of "
                        + bytes(gauge("jvm_memory_max_bytes", "area", "heap")),
                "cpu " + String.format(Locale.ROOT, "%.0f %%", 100 * rate("process_cpu_seconds_total")),
                count(gauge("libmetrics_tracing_event_count_total", "level", "error")) + " errors, "
                        + count(gauge("libmetrics_tracing_event_count_total", "level", "warn")) + " warnings logged");
    }

    private List<String> troubles() {
        List<String> troubles = new ArrayList<>();
        for (BranchView branch : now.branches) {
            if (branch.follow() != null && branch.follow().problem() != null) {
                troubles.add("! " + branch.name() + ": " + branch.follow().problem());
            }
            for (BrokenJob job : branch.brokenJobs()) {
                troubles.add("! " + branch.name() + ": " + StatusCommand.broken(job));
            }
        }
        return troubles;
    }

    private List<String> running() {
        List<String> running = new ArrayList<>();
        for (BranchView branch : now.branches) {
            if (branch.historyCompaction() != null && branch.historyCompaction().running()) {
                running.add("  " + branch.name() + ": " + StatusCommand.running(branch.historyCompaction()));
            }
        }
        return running;
    }

    private List<String> branches() {
        Map<String, BranchView> known =
                before.branches.stream().collect(Collectors.toMap(BranchView::timeline, Function.identity()));
        Table table = new Table(
                "BRANCH", "STATE", "BEHIND", "FOR", "WAL/S", "LAST LSN", "NOT DURABLE", "LAYERS", "SIZE", "HERE");
        now.branches.stream()
                .sorted(Comparator.comparingDouble((BranchView branch) -> -walRate(branch, known))
                        .thenComparing(
                                Comparator.comparingLong(BranchView::lagBytes).reversed())
                        .thenComparing(BranchView::name))
                .forEach(branch -> table.add(
                        branch.name(),
                        StatusCommand.state(branch),
                        branch.lagBytes() < 0 ? "-" : Display.bytes(branch.lagBytes()),
                        branch.lagSeconds() < 0 ? "-" : Display.seconds(branch.lagSeconds()),
                        bytes(walRate(branch, known)),
                        branch.lastRecordLsn().toString(),
                        Display.bytes(branch.lastRecordLsn().value()
                                - branch.remoteConsistentLsn().value()),
                        Integer.toString(branch.layers()),
                        Display.bytes(branch.layerBytes()),
                        Display.bytes(branch.residentBytes())));
        StringWriter text = new StringWriter();
        table.print(new PrintWriter(text));
        return text.toString().lines().toList();
    }

    private double walRate(BranchView branch, Map<String, BranchView> known) {
        BranchView was = known.get(branch.timeline());
        return was == null
                ? 0
                : (branch.lastRecordLsn().value() - was.lastRecordLsn().value()) / seconds();
    }

    private double seconds() {
        return Math.max(1, Duration.between(before.at, now.at).toMillis()) / THOUSAND;
    }

    private double rate(String metric, String... labels) {
        return Math.max(0, gauge(metric, labels) - before.metrics.sum(metric, labels)) / seconds();
    }

    private double gauge(String metric, String... labels) {
        return now.metrics.sum(metric, labels);
    }

    private double quantile(double quantile, String histogram, String... labels) {
        return now.metrics.quantile(before.metrics, quantile, histogram, labels);
    }

    private String used(String resource) {
        return bytes(gauge("palimpsest_resource_used", "resource", resource)) + " of "
                + bytes(gauge("palimpsest_resource_limit", "resource", resource));
    }

    private static String line(String what, String... parts) {
        return String.format(Locale.ROOT, "%-11s", what) + String.join(", ", parts);
    }

    private static String bytes(double bytes) {
        return bytes == Double.POSITIVE_INFINITY ? "any amount" : Display.bytes((long) Math.max(0, bytes));
    }

    private static String count(double number) {
        return Display.count(Math.round(number));
    }

    private static String number(double number) {
        return Double.isNaN(number)
                ? "-"
                : String.format(Locale.ROOT, number == Math.rint(number) ? "%.0f" : "%.1f", number);
    }

    /** The bucket that a duration is in. */
    private static String time(double seconds) {
        if (Double.isNaN(seconds)) {
            return "-";
        }
        if (seconds == Double.POSITIVE_INFINITY) {
            return "over 100 s";
        }
        if (seconds < 1 / THOUSAND) {
            return String.format(Locale.ROOT, "≤ %.0f µs", seconds * MILLION);
        }
        return seconds < 1
                ? String.format(Locale.ROOT, "≤ %.0f ms", seconds * THOUSAND)
                : String.format(Locale.ROOT, "≤ %.0f s", seconds);
    }
}
