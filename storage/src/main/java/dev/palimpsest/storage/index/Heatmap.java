package dev.palimpsest.storage.index;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TimelineId;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Which layers of a tenant are on the disk of the server that has it, for one that may take it over: Neon's {@code
 * heatmap-v1.json}. One JSON object in UTF-8, its fields in this order, with a {@link DocumentChecksum} around them; others are
 * ignored.
 *
 * <pre>
 * generation        number, of the life that wrote it
 * timelines         array of {timeline_id, layers: array of
 *                     {name, metadata: {file_size: bytes, generation: number, shard: only if there is one},
 *                      access_time: seconds since 1970, cold: false}}
 * upload_period_ms  number: how often it is written; null if that is not known
 * </pre>
 *
 * @param generation of the life that wrote it
 * @param timelines the layers of each, by timeline, the one that was read last first
 */
public record Heatmap(Generation generation, SortedMap<TimelineId, List<HotLayer>> timelines) {
    /** More than one has: ten thousand layers have some 3 MB. */
    public static final int MAX_BYTES = 256 << 20;

    private static final JsonFactory FACTORY = new JsonFactory();
    private static final long GREATEST_GENERATION = 0xFFFF_FFFFL;

    /** Keeps a copy. */
    public Heatmap {
        timelines = Collections.unmodifiableSortedMap(new TreeMap<>(timelines));
    }

    /**
     * A layer.
     *
     * @param name without any suffix
     * @param accessSeconds when it was read last, in seconds since 1970
     */
    public record HotLayer(String name, LayerMetadata metadata, long accessSeconds) {}

    /** Writes it. */
    public byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 12);
        try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeNumberProperty("generation", generation.number());
            json.writeName("timelines").writeStartArray();
            timelines.forEach((timeline, layers) -> write(json, timeline, layers));
            json.writeEndArray();
            json.writeNullProperty("upload_period_ms");
            json.writeEndObject();
        }
        return DocumentChecksum.add(bytes.toByteArray());
    }

    private static void write(JsonGenerator json, TimelineId timeline, List<HotLayer> layers) {
        json.writeStartObject();
        json.writeStringProperty("timeline_id", timeline.toString());
        json.writeName("layers").writeStartArray();
        for (HotLayer layer : layers) {
            LayerMetadata metadata = layer.metadata();
            json.writeStartObject();
            json.writeStringProperty("name", layer.name());
            json.writeName("metadata").writeStartObject();
            json.writeNumberProperty("file_size", metadata.fileSize());
            if (!metadata.generation().isNone()) {
                json.writeNumberProperty("generation", metadata.generation().number());
            }
            if (!metadata.shard().isUnsharded()) {
                json.writeStringProperty("shard", metadata.shard().toString());
            }
            json.writeEndObject();
            json.writeNumberProperty("access_time", layer.accessSeconds());
            json.writeBooleanProperty("cold", false);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    /**
     * Reads it; what is cold is left out.
     *
     * @param resource the object it comes from, for the error
     * @throws CorruptionException if it is not a whole one; names the byte
     */
    public static Heatmap decode(byte[] bytes, String resource) throws CorruptionException {
        JsonSource json = new JsonSource(bytes, resource);
        SortedMap<TimelineId, List<HotLayer>> timelines = new TreeMap<>();
        Generation[] generation = {Generation.NONE};
        json.document("the heatmap", field -> {
            switch (field) {
                case "generation" -> generation[0] = json.isNull() ? Generation.NONE : generation(json, field);
                case "timelines" -> json.array(field, () -> readTimeline(json, timelines));
                default -> json.skip();
            }
        });
        return new Heatmap(generation[0], timelines);
    }

    private static Generation generation(JsonSource json, String field) throws CorruptionException {
        return new Generation(json.number(field, 0, GREATEST_GENERATION));
    }

    private static void readTimeline(JsonSource json, Map<TimelineId, List<HotLayer>> timelines)
            throws CorruptionException {
        var fields = new Object() {
            @Nullable
            TimelineId id;

            final List<HotLayer> layers = new ArrayList<>();
        };
        json.object("a timeline", field -> {
            switch (field) {
                case "timeline_id" -> fields.id = json.parsed(field, TimelineId::parse);
                case "layers" -> json.array(field, () -> readLayer(json, fields.layers));
                default -> json.skip();
            }
        });
        TimelineId id = fields.id;
        if (id == null) {
            throw json.corrupt("timeline_id is missing");
        }
        timelines.put(id, List.copyOf(fields.layers));
    }

    private static void readLayer(JsonSource json, List<HotLayer> layers) throws CorruptionException {
        var fields = new Object() {
            String name = "";
            long size = -1;
            Generation generation = Generation.NONE;
            ShardIndex shard = ShardIndex.UNSHARDED;
            long accessed;
            boolean cold;
        };
        json.object("a layer", field -> {
            switch (field) {
                case "name" -> fields.name = json.string(field);
                case "access_time" -> fields.accessed = json.number(field, 0, Long.MAX_VALUE);
                case "cold" -> fields.cold = json.bool(field);
                case "metadata" ->
                    json.object(field, inner -> {
                        switch (inner) {
                            case "file_size" -> fields.size = json.number(inner, 0, Long.MAX_VALUE);
                            case "generation" ->
                                fields.generation = json.isNull() ? Generation.NONE : generation(json, inner);
                            case "shard" ->
                                fields.shard =
                                        json.isNull() ? ShardIndex.UNSHARDED : json.parsed(inner, ShardIndex::parse);
                            default -> json.skip();
                        }
                    });
                default -> json.skip();
            }
        });
        if (fields.size < 0 || fields.name.isEmpty()) {
            throw json.corrupt("name or file_size of a layer is missing");
        }
        if (!fields.cold) {
            LayerMetadata metadata = new LayerMetadata(fields.size, fields.generation, fields.shard);
            layers.add(new HotLayer(fields.name, metadata, fields.accessed));
        }
    }
}
