package dev.palimpsest.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/** {@code palimpsest wal stat}: what WAL consists of. */
@Command(
        name = "stat",
        mixinStandardHelpOptions = true,
        description = "Count the records of each type, their bytes and their full-page images, as pg_waldump "
                + "--stats=record does. Exit code 1 if the WAL breaks off before its end.")
final class WalStatCommand implements Callable<Integer> {
    @Mixin
    private WalInput input = new WalInput();

    @Option(
            names = "--json",
            description = "print one JSON object instead of a table: records, bytes (of records, with their images), "
                    + "recordBytes (without), fpiBytes (images alone), types (the same for each)")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        WalFiles files = input.files();
        WalStatistics statistics = new WalStatistics();
        WalFileReader.End end;
        try (WalFileReader reader = input.open(files)) {
            while (reader.next()) {
                statistics.add(reader.record());
            }
            end = reader.end();
        }
        List<WalStatistics.Line> lines = statistics.lines(files.version());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            printJson(lines, files, end, out);
        } else {
            printTable(lines, out);
            out.printf(
                    "%nRead from %s, timeline %s, up to %s: %s%n",
                    files.version(), timeline(files), end.at(), end.text());
        }
        out.flush();
        return WalInput.exitCode(end, spec);
    }

    private static String timeline(WalFiles files) {
        return Integer.toUnsignedString(files.timeline());
    }

    private static void printTable(List<WalStatistics.Line> lines, PrintWriter out) {
        WalStatistics.Line total = WalStatistics.total(lines);
        out.printf(
                "%-36s %12s %8s %15s %8s %15s %8s %15s %8s%n",
                "Type", "N", "(%)", "Record size", "(%)", "FPI size", "(%)", "Combined size", "(%)");
        for (WalStatistics.Line line : lines) {
            out.println(row(line.manager() + "/" + line.type(), line, total));
        }
        out.println(row("Total", total, total));
    }

    private static String row(String name, WalStatistics.Line line, WalStatistics.Line total) {
        return String.format(
                Locale.ROOT,
                "%-36s %12d (%6.2f) %15d (%6.2f) %15d (%6.2f) %15d (%6.2f)",
                name,
                line.records(),
                percent(line.records(), total.records()),
                line.recordBytes(),
                percent(line.recordBytes(), total.recordBytes()),
                line.imageBytes(),
                percent(line.imageBytes(), total.imageBytes()),
                line.bytes(),
                percent(line.bytes(), total.bytes()));
    }

    private static double percent(long part, long whole) {
        return whole == 0 ? 0 : 100.0 * part / whole;
    }

    private static void printJson(
            List<WalStatistics.Line> lines, WalFiles files, WalFileReader.End end, PrintWriter out) {
        try (JsonGenerator generator = JsonMapper.shared().createGenerator(out)) {
            generator.writeStartObject();
            writeSizes(generator, WalStatistics.total(lines));
            generator.writeArrayPropertyStart("types");
            for (WalStatistics.Line line : lines) {
                generator.writeStartObject();
                generator.writeStringProperty("rmgr", line.manager());
                generator.writeStringProperty("type", line.type());
                writeSizes(generator, line);
                generator.writeEndObject();
            }
            generator.writeEndArray();
            generator.writeNumberProperty("version", files.version().major());
            generator.writeNumberProperty("timeline", Integer.toUnsignedLong(files.timeline()));
            generator.writeNumberProperty("segmentSize", files.segmentSize());
            generator.writeStringProperty("end", end.at().toString());
            generator.writeStringProperty("endReason", end.text());
            generator.writeBooleanProperty("damaged", end.damaged());
            generator.writeEndObject();
            generator.writeRaw('\n');
        }
    }

    private static void writeSizes(JsonGenerator generator, WalStatistics.Line line) {
        generator.writeNumberProperty("records", line.records());
        generator.writeNumberProperty("bytes", line.bytes());
        generator.writeNumberProperty("recordBytes", line.recordBytes());
        generator.writeNumberProperty("fpiBytes", line.imageBytes());
    }
}
