package dev.palimpsest.storage.index;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TimelineId;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The bytes of a {@link TenantManifest}: Neon's {@code tenant-manifest.json}, version 2; version 1 is read. One JSON object in
 * UTF-8 without white space, its fields in this order.
 *
 * <pre>
 * version              number: 2
 * stripe_size          number, only if it is known
 * offloaded_timelines  array of {timeline_id: timeline, ancestor_timeline_id: timeline or null,
 *                      ancestor_retain_lsn: LSN or null, archived_at: moment}, by timeline
 * palimpsest           object, what Palimpsest adds; Neon ignores it:
 *                        owner: string, 32 hexadecimal digits
 *                        timelines: object, timeline to {generation: number}, by timeline; the generation is left out for an
 *                        index part without one; all of it is left out as long as the generation is only claimed
 *                        settings: object, of the tenant's own; only if there are any
 *                        deleted_at: moment, only of a tenant that is deleted
 * </pre>
 *
 * <p>Around these fields is a {@link DocumentChecksum}. Timelines, LSNs and moments are written as in an {@link IndexPartCodec index part}. Fields not named here are ignored; a
 * greater version is refused. Stateless.
 */
public final class TenantManifestCodec {
    /** The version that is written. */
    public static final int VERSION = 2;

    /** More than one has: one of a hundred thousand timelines has some 7 MB. */
    public static final int MAX_BYTES = 64 << 20;

    private static final int OLDEST_VERSION = 1;
    private static final JsonFactory FACTORY = new JsonFactory();

    private TenantManifestCodec() {}

    /** Writes a manifest. */
    public static byte[] encode(TenantManifest manifest) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
        try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeNumberProperty("version", VERSION);
            if (manifest.stripeSize() != null) {
                json.writeNumberProperty("stripe_size", manifest.stripeSize());
            }
            json.writeName("offloaded_timelines").writeStartArray();
            for (TenantManifest.OffloadedTimeline timeline : manifest.offloaded()) {
                write(json, timeline);
            }
            json.writeEndArray();
            write(json, manifest.life());
            json.writeEndObject();
        }
        return DocumentChecksum.add(bytes.toByteArray());
    }

    private static void write(JsonGenerator json, TenantManifest.OffloadedTimeline timeline) {
        json.writeStartObject();
        json.writeStringProperty("timeline_id", timeline.timeline().toString());
        writeOrNull(json, "ancestor_timeline_id", timeline.ancestor());
        writeOrNull(json, "ancestor_retain_lsn", timeline.ancestorRetainLsn());
        json.writeStringProperty("archived_at", IndexTime.format(timeline.archivedAt()));
        json.writeEndObject();
    }

    private static void writeOrNull(JsonGenerator json, String name, @Nullable Object value) {
        if (value == null) {
            json.writeNullProperty(name);
        } else {
            json.writeStringProperty(name, value.toString());
        }
    }

    private static void write(JsonGenerator json, TenantManifest.@Nullable Life life) {
        if (life == null) {
            return;
        }
        json.writeName(IndexPartCodec.EXTENSION).writeStartObject();
        json.writeStringProperty("owner", life.owner());
        SortedMap<TimelineId, Generation> indexParts = life.indexParts();
        if (indexParts != null) {
            json.writeName("timelines").writeStartObject();
            for (Map.Entry<TimelineId, Generation> entry : indexParts.entrySet()) {
                json.writeName(entry.getKey().toString()).writeStartObject();
                if (!entry.getValue().isNone()) {
                    json.writeNumberProperty("generation", entry.getValue().number());
                }
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        String settings = life.settings();
        if (settings != null) {
            json.writeName("settings").writeRawValue(settings);
        }
        Instant deletedAt = life.deletedAt();
        if (deletedAt != null) {
            json.writeStringProperty("deleted_at", IndexTime.format(deletedAt));
        }
        json.writeEndObject();
    }

    /**
     * Reads a manifest.
     *
     * @param resource the object it comes from, for the error
     * @throws CorruptionException if it is not a whole manifest; names the byte
     */
    public static TenantManifest decode(byte[] bytes, String resource) throws CorruptionException {
        return new Reader(new JsonSource(bytes, resource)).read();
    }

    /** Gathers the fields of one manifest, which may come in any order. */
    private static final class Reader {
        private final JsonSource json;
        private boolean sawVersion;
        private @Nullable Long stripeSize;
        private @Nullable List<TenantManifest.OffloadedTimeline> offloaded;
        private TenantManifest.@Nullable Life life;

        Reader(JsonSource json) {
            this.json = json;
        }

        TenantManifest read() throws CorruptionException {
            json.document("the manifest", this::readField);
            if (!sawVersion) {
                throw missing("version");
            }
            return new TenantManifest(stripeSize, require(offloaded, "offloaded_timelines"), life);
        }

        private void readField(String name) throws CorruptionException {
            switch (name) {
                case "version" -> {
                    json.number(name, OLDEST_VERSION, VERSION);
                    sawVersion = true;
                }
                case "stripe_size" -> stripeSize = json.isNull() ? null : json.number(name, 1, 0xFFFF_FFFFL);
                case "offloaded_timelines" -> {
                    List<TenantManifest.OffloadedTimeline> timelines = new ArrayList<>();
                    json.array(name, () -> timelines.add(offloaded()));
                    offloaded = timelines;
                }
                case IndexPartCodec.EXTENSION -> life = json.isNull() ? null : life(name);
                default -> json.skip();
            }
        }

        private TenantManifest.OffloadedTimeline offloaded() throws CorruptionException {
            var fields = new Object() {
                @Nullable
                TimelineId timeline;

                @Nullable
                TimelineId ancestor;

                @Nullable
                Lsn retained;

                @Nullable
                Instant archivedAt;
            };
            json.object("an offloaded timeline", name -> {
                switch (name) {
                    case "timeline_id" -> fields.timeline = json.parsed(name, TimelineId::parse);
                    case "ancestor_timeline_id" ->
                        fields.ancestor = json.isNull() ? null : json.parsed(name, TimelineId::parse);
                    case "ancestor_retain_lsn" ->
                        fields.retained = json.isNull() ? null : json.parsed(name, Lsn::parse);
                    case "archived_at" -> fields.archivedAt = json.parsed(name, IndexTime::parse);
                    default -> json.skip();
                }
            });
            return new TenantManifest.OffloadedTimeline(
                    require(fields.timeline, "timeline_id"),
                    fields.ancestor,
                    fields.retained,
                    require(fields.archivedAt, "archived_at"));
        }

        private TenantManifest.Life life(String what) throws CorruptionException {
            var fields = new Object() {
                @Nullable
                String owner;

                @Nullable
                TreeMap<TimelineId, Generation> indexParts;

                @Nullable
                String settings;

                @Nullable
                Instant deletedAt;
            };
            json.object(what, name -> {
                switch (name) {
                    case "owner" -> fields.owner = json.string(name);
                    case "timelines" -> {
                        TreeMap<TimelineId, Generation> indexParts = new TreeMap<>();
                        json.object(name, timeline -> indexParts.put(timeline(timeline), indexGeneration(timeline)));
                        fields.indexParts = indexParts;
                    }
                    case "settings" -> fields.settings = json.rawObject(name);
                    case "deleted_at" -> fields.deletedAt = json.parsed(name, IndexTime::parse);
                    default -> json.skip();
                }
            });
            return new TenantManifest.Life(
                    require(fields.owner, "owner"), fields.indexParts, fields.settings, fields.deletedAt);
        }

        private TimelineId timeline(String text) throws CorruptionException {
            try {
                return TimelineId.parse(text);
            } catch (IllegalArgumentException e) {
                throw json.corrupt(text + " is not the id of a timeline: " + e.getMessage());
            }
        }

        private Generation indexGeneration(String timeline) throws CorruptionException {
            Generation[] found = {Generation.NONE};
            json.object("timeline " + timeline, name -> {
                if (name.equals("generation")) {
                    found[0] = new Generation(json.number(name, 0, 0xFFFF_FFFFL));
                } else {
                    json.skip();
                }
            });
            return found[0];
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
}
