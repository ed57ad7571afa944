package dev.palimpsest.storage.index;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TimelineId;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Gathers the fields of one index part, which may come in any order. Used once, by one thread. */
final class IndexPartReader {
    private final JsonSource json;
    private final TreeMap<String, LayerMetadata> layers = new TreeMap<>();
    private boolean sawVersion;
    private boolean sawLayers;
    private @Nullable Lsn diskConsistentLsn;
    private @Nullable TimelineMetadata metadata;
    private IndexPart.Lineage lineage = IndexPart.Lineage.NONE;
    private @Nullable Instant deletedAt;
    private @Nullable Instant archivedAt;
    private @Nullable String importPgdata;
    private IndexPart.@Nullable GcBlocking gcBlocking;
    private IndexPart.@Nullable AuxFilePolicy lastAuxFilePolicy;
    private IndexPart.@Nullable RelSizeMigration relSizeMigration;
    private @Nullable Lsn l2Lsn;
    private @Nullable Lsn gcCompactedLsn;
    private @Nullable Instant markedInvisibleAt;
    private @Nullable Lsn relSizeMigratedAt;
    private @Nullable String extension;

    IndexPartReader(JsonSource json) {
        this.json = json;
    }

    IndexPart read() throws CorruptionException {
        json.document("the index part", this::readField);
        if (!sawVersion) {
            throw missing("version");
        }
        if (!sawLayers) {
            throw missing("layer_metadata");
        }
        Lsn lsn = require(diskConsistentLsn, "disk_consistent_lsn");
        TimelineMetadata extent = require(metadata, "metadata_bytes");
        if (!lsn.equals(extent.diskConsistentLsn())) {
            throw json.corrupt("disk_consistent_lsn is " + lsn + " in the index part and " + extent.diskConsistentLsn()
                    + " in its metadata_bytes");
        }
        IndexPart.State state = new IndexPart.State(
                deletedAt,
                archivedAt,
                importPgdata,
                gcBlocking,
                lastAuxFilePolicy,
                relSizeMigration,
                l2Lsn,
                gcCompactedLsn,
                markedInvisibleAt,
                relSizeMigratedAt,
                extension);
        IndexPart index = new IndexPart(layers, extent, lineage, state);
        List<IndexPart.Invariant> violations = index.violations();
        if (!violations.isEmpty()) {
            throw json.corrupt("contradicts itself: " + violations + " with " + layers.size() + " layers, " + extent);
        }
        return index;
    }

    private void readField(String name) throws CorruptionException {
        switch (name) {
            case "version" -> {
                json.number(name, IndexPartCodec.OLDEST_VERSION, IndexPartCodec.VERSION);
                sawVersion = true;
            }
            case "layer_metadata" -> {
                json.object(name, this::readLayer);
                sawLayers = true;
            }
            case "disk_consistent_lsn" -> diskConsistentLsn = lsn(name);
            case "metadata_bytes", "metadata" -> {
                if (metadata != null) {
                    throw json.corrupt("metadata_bytes is there twice, once as metadata");
                }
                metadata = json.isArray() ? legacyMetadata(name) : metadata(name);
            }
            default -> {
                if (json.isNull()) {
                    return;
                }
                readOptionalField(name);
            }
        }
    }

    private void readOptionalField(String name) throws CorruptionException {
        switch (name) {
            case "deleted_at" -> deletedAt = moment(name);
            case "archived_at" -> archivedAt = moment(name);
            case "import_pgdata" -> importPgdata = json.rawObject(name);
            case "lineage" -> lineage = lineage(name);
            case "gc_blocking" -> gcBlocking = gcBlocking(name);
            case "last_aux_file_policy" -> lastAuxFilePolicy = json.constant(name, IndexPart.AuxFilePolicy.values());
            case "rel_size_migration" -> relSizeMigration = json.constant(name, IndexPart.RelSizeMigration.values());
            case "l2_lsn" -> l2Lsn = lsn(name);
            case "gc_compaction" -> gcCompactedLsn = gcCompactedLsn(name);
            case "marked_invisible_at" -> markedInvisibleAt = moment(name);
            case "rel_size_migrated_at" -> relSizeMigratedAt = lsn(name);
            case IndexPartCodec.EXTENSION -> extension = json.rawObject(name);
            default -> json.skip();
        }
    }

    private void readLayer(String layer) throws CorruptionException {
        var fields = new Object() {
            long fileSize = -1;
            Generation generation = Generation.NONE;
            ShardIndex shard = ShardIndex.UNSHARDED;
        };
        json.object(layer, name -> {
            if (name.equals("file_size")) {
                fields.fileSize = json.number(name, 0, Long.MAX_VALUE);
            } else if (name.equals("generation") && !json.isNull()) {
                fields.generation = new Generation(json.number(name, 0, 0xFFFF_FFFFL));
            } else if (name.equals("shard") && !json.isNull()) {
                fields.shard = json.parsed(name, ShardIndex::parse);
            } else {
                json.skip();
            }
        });
        if (fields.fileSize < 0) {
            throw missing("file_size of layer " + layer);
        }
        layers.put(layer, new LayerMetadata(fields.fileSize, fields.generation, fields.shard));
    }

    private TimelineMetadata metadata(String what) throws CorruptionException {
        var fields = new Object() {
            @Nullable
            Lsn diskConsistentLsn;

            @Nullable
            Lsn prevRecordLsn;

            @Nullable
            TimelineId ancestor;

            @Nullable
            Lsn ancestorLsn;

            @Nullable
            Lsn latestGcCutoffLsn;

            @Nullable
            Lsn initdbLsn;

            int pgVersion = -1;
        };
        json.object(what, name -> {
            switch (name) {
                case "disk_consistent_lsn" -> fields.diskConsistentLsn = lsn(name);
                case "prev_record_lsn" -> fields.prevRecordLsn = json.isNull() ? null : lsn(name);
                case "ancestor_timeline" ->
                    fields.ancestor = json.isNull() ? null : json.parsed(name, TimelineId::parse);
                case "ancestor_lsn" -> fields.ancestorLsn = lsn(name);
                case "latest_gc_cutoff_lsn" -> fields.latestGcCutoffLsn = lsn(name);
                case "initdb_lsn" -> fields.initdbLsn = lsn(name);
                case "pg_version" ->
                    fields.pgVersion =
                            (int) json.number(name, TimelineMetadata.MIN_PG_VERSION, TimelineMetadata.MAX_PG_VERSION);
                default -> json.skip();
            }
        });
        if (fields.pgVersion < 0) {
            throw missing("pg_version");
        }
        Lsn ancestorLsn = require(fields.ancestorLsn, "ancestor_lsn");
        try {
            return new TimelineMetadata(
                    require(fields.diskConsistentLsn, "disk_consistent_lsn of " + what),
                    fields.prevRecordLsn,
                    LegacyMetadata.ancestor(fields.ancestor, ancestorLsn),
                    require(fields.latestGcCutoffLsn, "latest_gc_cutoff_lsn"),
                    require(fields.initdbLsn, "initdb_lsn"),
                    fields.pgVersion);
        } catch (IllegalArgumentException e) {
            throw json.corrupt(what + ": " + e.getMessage());
        }
    }

    private TimelineMetadata legacyMetadata(String what) throws CorruptionException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(LegacyMetadata.SIZE);
        json.array(what, () -> {
            if (bytes.size() == LegacyMetadata.SIZE) {
                throw json.corrupt(what + " has more than " + LegacyMetadata.SIZE + " bytes");
            }
            bytes.write((int) json.number(what, 0, 0xFF));
        });
        if (bytes.size() < LegacyMetadata.SIZE) {
            throw json.corrupt(what + " has " + bytes.size() + " bytes: expected " + LegacyMetadata.SIZE);
        }
        try {
            return LegacyMetadata.decode(bytes.toByteArray());
        } catch (IllegalArgumentException e) {
            throw json.corrupt(what + ": " + e.getMessage());
        }
    }

    private IndexPart.Lineage lineage(String what) throws CorruptionException {
        List<TimelineId> history = new ArrayList<>();
        var fields = new Object() {
            boolean truncated;
            IndexPart.@Nullable OriginalAncestor original;
        };
        json.object(what, name -> {
            switch (name) {
                case "reparenting_history_truncated" -> fields.truncated = json.bool(name);
                case "reparenting_history" -> json.array(name, () -> history.add(json.parsed(name, TimelineId::parse)));
                case "original_ancestor" -> fields.original = json.isNull() ? null : originalAncestor(name);
                default -> json.skip();
            }
        });
        return new IndexPart.Lineage(fields.truncated, history, fields.original);
    }

    private IndexPart.OriginalAncestor originalAncestor(String what) throws CorruptionException {
        List<String> parts = new ArrayList<>(3);
        json.array(what, () -> {
            if (parts.size() == 3) {
                throw json.corrupt(what + " has more than three elements");
            }
            parts.add(json.string(what));
        });
        if (parts.size() < 3) {
            throw json.corrupt(what + " has " + parts.size() + " elements: expected a timeline, an LSN and a moment");
        }
        try {
            return new IndexPart.OriginalAncestor(
                    TimelineId.parse(parts.get(0)), Lsn.parse(parts.get(1)), IndexTime.parse(parts.get(2)));
        } catch (IllegalArgumentException e) {
            throw json.corrupt(what + ": " + e.getMessage());
        }
    }

    private IndexPart.GcBlocking gcBlocking(String what) throws CorruptionException {
        Set<IndexPart.GcBlockingReason> reasons = EnumSet.noneOf(IndexPart.GcBlockingReason.class);
        var fields = new Object() {
            @Nullable
            Instant startedAt;

            boolean sawReasons;
        };
        json.object(what, name -> {
            switch (name) {
                case "started_at" -> fields.startedAt = moment(name);
                case "reasons" -> {
                    json.array(name, () -> reasons.add(json.constant(name, IndexPart.GcBlockingReason.values())));
                    fields.sawReasons = true;
                }
                default -> json.skip();
            }
        });
        if (!fields.sawReasons) {
            throw missing("reasons of " + what);
        }
        return new IndexPart.GcBlocking(require(fields.startedAt, "started_at of " + what), reasons);
    }

    private Lsn gcCompactedLsn(String what) throws CorruptionException {
        var fields = new Object() {
            @Nullable
            Lsn lastCompletedLsn;
        };
        json.object(what, name -> {
            if (name.equals("last_completed_lsn")) {
                fields.lastCompletedLsn = lsn(name);
            } else {
                json.skip();
            }
        });
        return require(fields.lastCompletedLsn, "last_completed_lsn");
    }

    private Lsn lsn(String what) throws CorruptionException {
        return json.parsed(what, Lsn::parse);
    }

    private Instant moment(String what) throws CorruptionException {
        return json.parsed(what, IndexTime::parse);
    }

    private <T> T require(@Nullable T value, String what) throws CorruptionException {
        if (value == null) {
            throw missing(what);
        }
        return value;
    }

    private CorruptionException missing(String what) {
        return json.corrupt(what + " is missing");
    }
}
