package dev.palimpsest.cli;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest wal verify}: redo against PostgreSQL's own pages. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description =
                "Redo WAL that was written with wal_consistency_checking, from nothing, and compare every page with "
                        + "the image that PostgreSQL put there. All pages that the WAL touches are kept in memory. Exit code 1 if "
                        + "a page differs, redo fails, or the WAL breaks off before its end.")
final class WalVerifyCommand implements Callable<Integer> {
    private static final String ROW = "%-36s %12s %12s %12s %12s %12s %12s";

    @Mixin
    private WalInput input = new WalInput();

    @Option(
            names = "--hint-logging",
            paramLabel = "ON|OFF",
            description = "whether the cluster had data checksums or wal_log_hints; if not given, what initdb of the "
                    + "version chooses: on from 18")
    private @Nullable HintLogging hintLogging;

    @Option(
            names = "--details",
            paramLabel = "N",
            description = "print so many of the differences, at most 100; default ${DEFAULT-VALUE}")
    private int details = 10;

    @Spec
    private CommandSpec spec;

    private static final class Sum {
        private long records;
        private long applied;
        private long compared;
        private long adopted;
        private long mismatches;
        private long failures;

        private void add(ConsistencyReplay.Counts counts) {
            records += counts.records();
            applied += counts.applied();
            compared += counts.compared();
            adopted += counts.adopted();
            mismatches += counts.mismatches();
            failures += counts.failures();
        }

        private String row(String name) {
            return String.format(Locale.ROOT, ROW, name, records, applied, compared, adopted, mismatches, failures);
        }
    }

    @Override
    public Integer call() throws IOException {
        WalFiles files = input.files();
        PrintWriter out = spec.commandLine().getOut();
        try (WalFileReader reader = input.open(files);
                ConsistencyReplay replay = new ConsistencyReplay(hintLogging(files.version()))) {
            while (reader.next()) {
                replay.apply(reader.record());
            }
            Sum total = print(replay, out);
            out.printf("%nRead up to %s: %s%n", reader.end().at(), reader.end().text());
            out.flush();
            if (total.compared == 0) {
                spec.commandLine()
                        .getErr()
                        .println("palimpsest: nothing could be compared: was the WAL written with "
                                + "wal_consistency_checking?");
            }
            int end = WalInput.exitCode(reader.end(), spec);
            return total.mismatches + total.failures > 0 ? 1 : end;
        }
    }

    private HintLogging hintLogging(PostgresVersion version) {
        if (hintLogging != null) {
            return hintLogging;
        }
        return version.isAtLeast(PostgresVersion.V18) ? HintLogging.ON : HintLogging.OFF;
    }

    private Sum print(ConsistencyReplay replay, PrintWriter out) {
        Sum total = new Sum();
        out.println(String.format(
                Locale.ROOT, ROW, "Type", "Records", "Applied", "Compared", "Adopted", "Mismatches", "Failures"));
        for (Map.Entry<String, ConsistencyReplay.Counts> type : replay.counts().entrySet()) {
            Sum one = new Sum();
            one.add(type.getValue());
            total.add(type.getValue());
            out.println(one.row(type.getKey()));
        }
        out.println(total.row("Total"));
        if (!replay.faults().isEmpty()) {
            out.println();
            replay.faults().stream().limit(details).forEach(out::println);
        }
        return total;
    }
}
