package dev.palimpsest.cli;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.file.LayerFileReader;
import dev.palimpsest.storage.layer.file.LayerFormat;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.file.LayerReport;
import dev.palimpsest.storage.layer.file.LayerSummary;
import dev.palimpsest.storage.layer.residency.LayerFormats;
import dev.palimpsest.storage.layer.verify.LayerVerifier;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/** {@code palimpsest layer dump}: what is in a layer file. */
@Command(
        name = "dump",
        mixinStandardHelpOptions = true,
        description = "Print what is in a layer file: its summary, sizes, and every key with its LSNs.")
final class LayerDumpCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "a layer file")
    private Path path = Path.of(".");

    @Option(names = "--json", description = "print one JSON object instead of text")
    private boolean json;

    @Option(names = "--summary", description = "leave the keys out")
    private boolean summaryOnly;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws StorageException {
        LayerIo io = LayerFiles.io();
        LayerReport report = new LayerVerifier(io).verify(path, null, LayerFiles.context());
        PrintWriter out = spec.commandLine().getOut();
        LayerSummary summary = report.summary();
        if (summary == null || !report.isSound()) {
            report.damage().forEach(damage -> spec.commandLine().getErr().println(damage.getMessage()));
            return 1;
        }
        Map<String, Object> facts = facts(report, summary);
        if (json) {
            dumpJson(io, facts, summary, out);
        } else {
            facts.forEach((name, value) -> out.printf("%-12s %s%n", name, value));
            if (!summaryOnly) {
                dumpKeys(io, summary, out);
            }
        }
        out.flush();
        return 0;
    }

    private Map<String, Object> facts(LayerReport report, LayerSummary summary) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("file", path.toString());
        facts.put("kind", kind(summary));
        facts.put("tenant", summary.tenant().toString());
        facts.put("timeline", summary.timeline().toString());
        facts.put("keyStart", summary.name().keyRange().start().toString());
        facts.put("keyEnd", summary.name().keyRange().end().toString());
        facts.put("lsnStart", summary.name().lsnStart().toString());
        facts.put("lsnEnd", summary.name().lsnEnd().toString());
        facts.put("fileBytes", report.size());
        facts.put("values", report.values());
        facts.put("images", report.images());
        facts.put("valueBytes", report.valueBytes());
        facts.put("storedBytes", report.storedBytes());
        facts.put("indexBlocks", report.indexBlocks());
        facts.put("checksums", report.protection() == LayerReport.Protection.CHECKSUMS);
        return facts;
    }

    private static String kind(LayerSummary summary) {
        return switch (summary.name()) {
            case ImageLayerName _ -> "image";
            case DeltaLayerName delta -> delta.isL0() ? "delta, L0" : "delta, L1";
        };
    }

    private LayerFileReader open(LayerIo io, LayerSummary summary) {
        LayerFormat format = LayerFormats.of(summary.name().kind());
        return new LayerFileReader(io, format, path, summary.tenant(), summary.name());
    }

    private void dumpKeys(LayerIo io, LayerSummary summary, PrintWriter out) throws StorageException {
        Key last = null;
        try (LayerFileReader layer = open(io, summary);
                LayerIterator values = layer.iterator(LayerFiles.context())) {
            while (values.next()) {
                if (!values.key().equals(last)) {
                    last = values.key();
                    out.println(last);
                }
                out.printf(
                        "    %-20s %-6s %6d bytes%s%n",
                        values.lsn(),
                        form(values),
                        values.value().remaining(),
                        values.willInit() && !values.isImage() ? ", will_init" : "");
            }
        }
    }

    private static String form(LayerIterator values) {
        return values.isImage() ? "image" : "record";
    }

    private void dumpJson(LayerIo io, Map<String, Object> facts, LayerSummary summary, PrintWriter out)
            throws StorageException {
        try (LayerFileReader layer = open(io, summary);
                JsonGenerator generator = JsonMapper.shared().createGenerator(out);
                LayerIterator values = layer.iterator(LayerFiles.context())) {
            generator.writeStartObject();
            facts.forEach(generator::writePOJOProperty);
            if (!summaryOnly) {
                generator.writeArrayPropertyStart("entries");
                while (values.next()) {
                    generator.writeStartObject();
                    generator.writeStringProperty("key", values.key().toString());
                    generator.writeStringProperty("lsn", values.lsn().toString());
                    generator.writeStringProperty("form", form(values));
                    generator.writeBooleanProperty("willInit", values.willInit());
                    generator.writeNumberProperty("bytes", values.value().remaining());
                    generator.writeEndObject();
                }
                generator.writeEndArray();
            }
            generator.writeEndObject();
            generator.writeRaw('\n');
        }
    }
}
