package dev.palimpsest.cli;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest wal dump}: the records of WAL. */
@Command(
        name = "dump",
        mixinStandardHelpOptions = true,
        description =
                "Print a line for each record: where it begins, its type, transaction and bytes, what it says, the "
                        + "blocks it changes. Exit code 1 if the WAL breaks off before its end, or a record makes no sense.")
final class WalDumpCommand implements Callable<Integer> {
    private static final int BUFFER = 1 << 16;

    @Mixin
    private WalInput input = new WalInput();

    @Mixin
    private WalFilter filter = new WalFilter();

    @Option(names = "--limit", paramLabel = "N", description = "stop after so many records")
    private long limit = Long.MAX_VALUE;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        String problem = filter.problem();
        if (problem != null || limit < 0) {
            throw new ParameterException(
                    spec.commandLine(), problem != null ? problem : "--limit cannot be negative: " + limit);
        }
        // The command line's own writer flushes every line.
        PrintWriter out = new PrintWriter(new BufferedWriter(spec.commandLine().getOut(), BUFFER));
        long printed = 0;
        long malformed = 0;
        try (WalFileReader reader = input.open(input.files())) {
            while (printed < limit && reader.next()) {
                if (filter.admits(reader.record())) {
                    malformed += print(reader.record(), out) ? 0 : 1;
                    printed++;
                }
            }
            out.flush();
            int end = printed < limit ? WalInput.exitCode(reader.end(), spec) : 0;
            return malformed > 0 ? 1 : end;
        }
    }

    /** Prints a line; false if the record is malformed, which the line says. */
    private static boolean print(WalRecord record, PrintWriter out) {
        String text;
        boolean sound = true;
        try {
            text = RecordDescriber.describe(record);
        } catch (MalformedRecordException e) {
            text = String.valueOf(e.getMessage());
            sound = false;
        }
        String blocks = RecordDescriber.describeBlocks(record);
        String separator = text.isEmpty() || blocks.isEmpty() ? "" : "; ";
        String line = String.format(
                Locale.ROOT,
                "%-17s %-28s xid %-10s %6d bytes  %s%s%s",
                new Lsn(record.startLsn()),
                RecordTypes.nameOf(record),
                Integer.toUnsignedString(record.xid()),
                record.totalLength(),
                text,
                separator,
                blocks);
        out.println(line.stripTrailing());
        return sound;
    }
}
