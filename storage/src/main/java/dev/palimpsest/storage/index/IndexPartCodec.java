package dev.palimpsest.storage.index;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.TimelineId;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The bytes of an {@link IndexPart}: Neon's {@code index_part.json}, version 15; versions from 1 on are read. One JSON
 * object in UTF-8 without white space, its fields in this order, layers by name; so that equal index parts have equal bytes.
 *
 * <pre>
 * version                number: 15
 * deleted_at             moment, since version 2
 * archived_at            moment, since version 8
 * import_pgdata          object, since version 10
 * layer_metadata         object: name of a layer to {file_size: number, generation: number, shard: "NNCC"}, the last two
 *                        only if there is one
 * disk_consistent_lsn    LSN
 * metadata_bytes         object, see below; read also by the name of metadata
 * lineage                object, since version 5: reparenting_history_truncated: true, reparenting_history: [timeline],
 *                        original_ancestor: [timeline, LSN, moment], each only if there is one
 * gc_blocking            object, since version 9: started_at: moment, reasons: ["Manual", "DetachAncestor"]
 * last_aux_file_policy   "v1", "v2" or "cross-validation", since version 6
 * rel_size_migration     "legacy", "migrating" or "migrated", since version 11
 * l2_lsn                 LSN, since version 12
 * gc_compaction          object, since version 13: last_completed_lsn: LSN
 * marked_invisible_at    moment, since version 14
 * rel_size_migrated_at   LSN, since version 15
 * palimpsest             object, what Palimpsest adds; Neon ignores it
 *
 * metadata_bytes         disk_consistent_lsn: the same LSN, prev_record_lsn: LSN or null, ancestor_timeline: timeline or
 *                        null, ancestor_lsn: LSN, latest_gc_cutoff_lsn: LSN, initdb_lsn: LSN, pg_version: number.
 *                        Before version 7 an array of 512 numbers, see {@link LegacyMetadata}
 *
 * LSN        "0/16960E8"
 * moment     "2026-11-21T01:02:03.000004", UTC, the fraction optional
 * timeline   32 lowercase hexadecimal digits
 * </pre>
 *
 * <p>Around these fields is a {@link DocumentChecksum}. Fields other than version, layer_metadata, disk_consistent_lsn, metadata_bytes and lineage are left out if there is
 * nothing to say; null means the same. Fields not named here are ignored. The version says which fields there may be, not
 * how to read them; a greater one than 15 is refused, since what it adds would be lost with the next index part. Stateless.
 */
public final class IndexPartCodec {
    /** The version that is written. */
    public static final int VERSION = 15;

    /** More than one has: one of a million layers has some 200 MB. */
    public static final int MAX_BYTES = 512 << 20;

    static final int OLDEST_VERSION = 1;
    static final String EXTENSION = "palimpsest";

    private static final JsonFactory FACTORY = new JsonFactory();

    private IndexPartCodec() {}

    /**
     * Reads an index part and checks that it does not contradict itself.
     *
     * @param resource the object it comes from, for the error
     * @throws CorruptionException if it is not a whole and sound index part; names the byte
     */
    public static IndexPart decode(byte[] bytes, String resource) throws CorruptionException {
        return new IndexPartReader(new JsonSource(bytes, resource)).read();
    }

    /** Writes an index part. Whether it is sound is for {@link IndexPart#validate()} to say. */
    public static byte[] encode(IndexPart index) {
        ByteArrayOutputStream bytes =
                new ByteArrayOutputStream(1024 + 200 * index.layers().size());
        try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
            IndexPart.State state = index.state();
            json.writeStartObject();
            json.writeNumberProperty("version", VERSION);
            write(json, "deleted_at", state.deletedAt());
            write(json, "archived_at", state.archivedAt());
            writeRaw(json, "import_pgdata", state.importPgdata());
            writeLayers(json, index);
            write(json, "disk_consistent_lsn", index.diskConsistentLsn());
            write(json, index.metadata());
            write(json, index.lineage());
            write(json, state.gcBlocking());
            write(json, "last_aux_file_policy", state.lastAuxFilePolicy());
            write(json, "rel_size_migration", state.relSizeMigration());
            write(json, "l2_lsn", state.l2Lsn());
            writeGcCompaction(json, state.gcCompactedLsn());
            write(json, "marked_invisible_at", state.markedInvisibleAt());
            write(json, "rel_size_migrated_at", state.relSizeMigratedAt());
            writeRaw(json, EXTENSION, state.extension());
            json.writeEndObject();
        }
        return DocumentChecksum.add(bytes.toByteArray());
    }

    private static void writeLayers(JsonGenerator json, IndexPart index) {
        json.writeName("layer_metadata").writeStartObject();
        for (Map.Entry<String, LayerMetadata> layer : index.layers().entrySet()) {
            LayerMetadata metadata = layer.getValue();
            json.writeName(layer.getKey()).writeStartObject();
            json.writeNumberProperty("file_size", metadata.fileSize());
            if (!metadata.generation().isNone()) {
                json.writeNumberProperty("generation", metadata.generation().number());
            }
            write(json, "shard", metadata.shard().isUnsharded() ? null : metadata.shard());
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, TimelineMetadata metadata) {
        TimelineMetadata.Ancestor ancestor = metadata.ancestor();
        json.writeName("metadata_bytes").writeStartObject();
        write(json, "disk_consistent_lsn", metadata.diskConsistentLsn());
        writeOrNull(json, "prev_record_lsn", metadata.prevRecordLsn());
        writeOrNull(json, "ancestor_timeline", ancestor == null ? null : ancestor.timeline());
        write(json, "ancestor_lsn", ancestor == null ? Lsn.INVALID : ancestor.lsn());
        write(json, "latest_gc_cutoff_lsn", metadata.latestGcCutoffLsn());
        write(json, "initdb_lsn", metadata.initdbLsn());
        json.writeNumberProperty("pg_version", metadata.pgVersion());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, IndexPart.Lineage lineage) {
        json.writeName("lineage").writeStartObject();
        if (lineage.reparentingHistoryTruncated()) {
            json.writeName("reparenting_history_truncated").writeBoolean(true);
        }
        if (!lineage.reparentingHistory().isEmpty()) {
            json.writeName("reparenting_history").writeStartArray();
            for (TimelineId timeline : lineage.reparentingHistory()) {
                json.writeString(timeline.toString());
            }
            json.writeEndArray();
        }
        IndexPart.OriginalAncestor original = lineage.originalAncestor();
        if (original != null) {
            json.writeName("original_ancestor").writeStartArray();
            json.writeString(original.timeline().toString());
            json.writeString(original.lsn().toString());
            json.writeString(IndexTime.format(original.detachedAt()));
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, IndexPart.@Nullable GcBlocking blocking) {
        if (blocking != null) {
            json.writeName("gc_blocking").writeStartObject();
            write(json, "started_at", blocking.startedAt());
            json.writeName("reasons").writeStartArray();
            for (IndexPart.GcBlockingReason reason : blocking.reasons()) {
                json.writeString(reason.toString());
            }
            json.writeEndArray();
            json.writeEndObject();
        }
    }

    private static void writeGcCompaction(JsonGenerator json, @Nullable Lsn lastCompleted) {
        if (lastCompleted != null) {
            json.writeName("gc_compaction").writeStartObject();
            write(json, "last_completed_lsn", lastCompleted);
            json.writeEndObject();
        }
    }

    private static void write(JsonGenerator json, String name, @Nullable Instant moment) {
        if (moment != null) {
            json.writeStringProperty(name, IndexTime.format(moment));
        }
    }

    private static void write(JsonGenerator json, String name, @Nullable Object value) {
        if (value != null) {
            json.writeStringProperty(name, value.toString());
        }
    }

    private static void writeOrNull(JsonGenerator json, String name, @Nullable Object value) {
        if (value == null) {
            json.writeNullProperty(name);
        } else {
            json.writeStringProperty(name, value.toString());
        }
    }

    private static void writeRaw(JsonGenerator json, String name, @Nullable String object) {
        if (object != null) {
            json.writeName(name).writeRawValue(object);
        }
    }
}
