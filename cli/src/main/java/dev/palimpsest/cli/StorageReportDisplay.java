package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.StoredBranch;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.check.Finding;
import dev.palimpsest.storage.check.Orphans;
import dev.palimpsest.storage.check.StorageReport;
import dev.palimpsest.storage.check.TenantReport;
import dev.palimpsest.storage.check.TimelineReport;
import dev.palimpsest.storage.index.TimelineMetadata;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/** Shows what a check of an object store has found. */
final class StorageReportDisplay {
    private final StorageReport report;
    private final boolean deep;
    /** The names of timelines that are branches. */
    private final Map<TimelineId, String> names = new LinkedHashMap<>();

    StorageReportDisplay(StorageReport report, boolean deep) {
        this.report = report;
        this.deep = deep;
        for (TenantReport tenant : report.tenants()) {
            for (TimelineReport timeline : tenant.timelines()) {
                StoredBranch.name(timeline).ifPresent(name -> names.put(timeline.id(), name));
            }
        }
    }

    void print(PrintWriter out) {
        long withoutChecksums = 0;
        for (TenantReport tenant : report.tenants()) {
            out.printf(
                    "tenant %s: generation %s in force, %s claimed, %d manifests%n",
                    tenant.id(), tenant.published(), tenant.claimed(), tenant.manifests());
            Table table = deep
                    ? new Table(
                            "BRANCH", "TIMELINE", "ANCESTOR", "DURABLE LSN", "LAYERS", "SIZE", "VERIFIED", "ORPHANS")
                    : new Table("BRANCH", "TIMELINE", "ANCESTOR", "DURABLE LSN", "LAYERS", "SIZE", "ORPHANS");
            for (TimelineReport timeline : tenant.timelines()) {
                add(table, timeline);
                withoutChecksums += timeline.withoutChecksums();
            }
            table.print(out);
            for (TimelineReport timeline : tenant.timelines()) {
                for (Orphans orphans : timeline.orphans()) {
                    out.printf(
                            "warning: %d objects (%s) of timeline %s are %s, such as %s%n",
                            orphans.objects(),
                            Display.bytes(orphans.bytes()),
                            timeline.id(),
                            orphans.reason().text(),
                            orphans.example());
                }
            }
        }
        report.foreign().forEach(name -> out.println("warning: " + name + ": not a name of ours"));
        if (report.foreignObjects() > report.foreign().size()) {
            out.printf(
                    "warning: and %d more with names that are not ours%n",
                    report.foreignObjects() - report.foreign().size());
        }
        report.warnings().forEach(finding -> out.println("warning: " + line(finding)));
        report.problems().forEach(finding -> out.println("PROBLEM: " + line(finding)));
        if (withoutChecksums > 0) {
            out.printf(
                    "%d layers have no checksums, as Neon writes them: a value changed in place is not found there%n",
                    withoutChecksums);
        }
        out.printf(
                "%d tenants, %d timelines, %d problems%n",
                report.tenants().size(),
                report.tenants().stream()
                        .mapToLong(tenant -> tenant.timelines().size())
                        .sum(),
                report.problems().size());
    }

    private void add(Table table, TimelineReport timeline) {
        TimelineMetadata metadata = timeline.metadata();
        TimelineMetadata.Ancestor ancestor = metadata == null ? null : metadata.ancestor();
        String branch = timeline.generation() == null
                ? "(not in force)"
                : names.getOrDefault(timeline.id(), "-") + (timeline.deleting() ? " (deleting)" : "");
        String from = ancestor == null
                ? "-"
                : names.getOrDefault(ancestor.timeline(), ancestor.timeline().toString()) + " at " + ancestor.lsn();
        long orphans = timeline.orphans().stream().mapToLong(Orphans::objects).sum();
        String lsn = metadata == null ? "?" : metadata.diskConsistentLsn().toString();
        String id = timeline.id().toString();
        String layers = Display.count(timeline.layers());
        String size = Display.bytes(timeline.layerBytes());
        if (deep) {
            table.add(branch, id, from, lsn, layers, size, Display.count(timeline.verified()), Display.count(orphans));
        } else {
            table.add(branch, id, from, lsn, layers, size, Display.count(orphans));
        }
    }

    private String line(Finding finding) {
        TimelineId timeline = finding.timeline();
        String name = timeline == null ? null : names.get(timeline);
        return finding.object()
                + (finding.offset() == Finding.NO_OFFSET ? "" : ":" + finding.offset())
                + ": " + finding.reason() + "; " + finding.consequence()
                + (name == null ? "" : " (timeline " + timeline + " is branch " + name + ")");
    }

    void printJson(PrintWriter out) {
        try (JsonGenerator json = JsonMapper.shared().createGenerator(out)) {
            json.writeStartObject();
            json.writeBooleanProperty("deep", deep);
            json.writeArrayPropertyStart("tenants");
            for (TenantReport tenant : report.tenants()) {
                write(json, tenant);
            }
            json.writeEndArray();
            write(json, "problems", report.problems());
            write(json, "warnings", report.warnings());
            json.writeArrayPropertyStart("foreign");
            report.foreign().forEach(json::writeString);
            json.writeEndArray();
            json.writeNumberProperty("foreignObjects", report.foreignObjects());
            json.writeEndObject();
            json.writeRaw('\n');
        }
    }

    private void write(JsonGenerator json, TenantReport tenant) {
        json.writeStartObject();
        json.writeStringProperty("tenant", tenant.id().toString());
        writeGeneration(json, "claimed", tenant.claimed());
        writeGeneration(json, "inForce", tenant.published());
        json.writeNumberProperty("manifests", tenant.manifests());
        json.writeArrayPropertyStart("timelines");
        for (TimelineReport timeline : tenant.timelines()) {
            write(json, timeline);
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void write(JsonGenerator json, TimelineReport timeline) {
        TimelineMetadata metadata = timeline.metadata();
        json.writeStartObject();
        json.writeStringProperty("timeline", timeline.id().toString());
        writeOptional(json, "branch", names.get(timeline.id()));
        writeGeneration(json, "generation", timeline.generation());
        if (metadata != null) {
            TimelineMetadata.Ancestor ancestor = metadata.ancestor();
            if (ancestor != null) {
                json.writeStringProperty("ancestor", ancestor.timeline().toString());
                json.writeStringProperty("ancestorLsn", ancestor.lsn().toString());
            }
            json.writeStringProperty(
                    "diskConsistentLsn", metadata.diskConsistentLsn().toString());
            json.writeStringProperty("gcCutoffLsn", metadata.latestGcCutoffLsn().toString());
        }
        json.writeBooleanProperty("deleting", timeline.deleting());
        json.writeNumberProperty("layers", timeline.layers());
        json.writeNumberProperty("layerBytes", timeline.layerBytes());
        json.writeNumberProperty("verified", timeline.verified());
        json.writeNumberProperty("withoutChecksums", timeline.withoutChecksums());
        json.writeNumberProperty("supersededIndexParts", timeline.supersededIndexParts());
        json.writeArrayPropertyStart("orphans");
        for (Orphans orphans : timeline.orphans()) {
            json.writeStartObject();
            json.writeStringProperty("reason", orphans.reason().name());
            json.writeNumberProperty("objects", orphans.objects());
            json.writeNumberProperty("bytes", orphans.bytes());
            json.writeStringProperty("example", orphans.example());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, String name, List<Finding> findings) {
        json.writeArrayPropertyStart(name);
        for (Finding finding : findings) {
            json.writeStartObject();
            json.writeStringProperty("object", finding.object());
            if (finding.offset() != Finding.NO_OFFSET) {
                json.writeNumberProperty("offset", finding.offset());
            }
            json.writeStringProperty("reason", finding.reason());
            json.writeStringProperty("consequence", finding.consequence());
            writeOptional(json, "tenant", finding.tenant());
            writeOptional(json, "timeline", finding.timeline());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void writeGeneration(JsonGenerator json, String name, @Nullable Generation generation) {
        if (generation != null && !generation.isNone()) {
            json.writeNumberProperty(name, generation.number());
        }
    }

    private static void writeOptional(JsonGenerator json, String name, @Nullable Object value) {
        if (value != null) {
            json.writeStringProperty(name, value.toString());
        }
    }
}
