package dev.palimpsest.cli;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
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
                "Print a line for each record: where it begins, its type, transaction and bytes, what it says, the"
                        + " blocks it changes. Exit code 1 if the WAL breaks off before its end, a record makes no sense,"
                        + " or nobody reads what is printed any more.")
final class WalDumpCommand implements Callable<Integer> {
    private static final int BUFFER = 1 << 16;
    private static final int CHECKED_EVERY = 1 << 10;
    private static final int LINE = 160;
    private static final int TYPE_COLUMN = 18;
    private static final int XID_COLUMN = 47;
    private static final int LENGTH_COLUMN = 62;
    private static final int LENGTH_WIDTH = 6;

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
        // The command line's own writer flushes every line, and tells it where nobody reads any more.
        PrintWriter under = spec.commandLine().getOut();
        PrintWriter out = new PrintWriter(new BufferedWriter(under, BUFFER));
        long printed = 0;
        long malformed = 0;
        try (WalFileReader reader = input.open(input.files())) {
            while (printed < limit && reader.next()) {
                if (filter.admits(reader.record())) {
                    malformed += print(reader.record(), out) ? 0 : 1;
                    printed++;
                    if (printed % CHECKED_EVERY == 0 && under.checkError()) {
                        return 1;
                    }
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
        StringBuilder line = new StringBuilder(LINE);
        pad(line.append(new Lsn(record.startLsn())), TYPE_COLUMN);
        pad(line.append(RecordTypes.nameOf(record)), XID_COLUMN);
        pad(line.append("xid ").append(Integer.toUnsignedString(record.xid())), LENGTH_COLUMN);
        String length = Integer.toString(record.totalLength());
        line.repeat(' ', Math.max(0, LENGTH_WIDTH - length.length()));
        line.append(length).append(" bytes  ").append(text).append(separator).append(blocks);
        out.println(line.toString().stripTrailing());
        return sound;
    }

    /** Adds spaces up to this column: one at least. */
    private static void pad(StringBuilder line, int column) {
        line.repeat(' ', Math.max(1, column - line.length()));
    }
}
