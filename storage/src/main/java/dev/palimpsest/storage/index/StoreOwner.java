package dev.palimpsest.storage.index;

import dev.palimpsest.storage.CorruptionException;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Who writes to a store that cannot decide it by conditions. Its bytes are one JSON object in UTF-8 with a {@link
 * DocumentChecksum} and these fields; others are ignored:
 *
 * <pre>
 * owner     string, 32 hexadecimal digits, drawn at random when the server started
 * name      string, for people: where it runs
 * beat      number, one more each time it says that it is still there
 * released  true or false: whether it has ended properly
 * </pre>
 *
 * @param id tells servers apart, and starts of one
 * @param name for people
 * @param beat 0 or more
 * @param released whether it writes no more
 */
public record StoreOwner(String id, String name, long beat, boolean released) {
    /** More than such an object has. */
    public static final int MAX_BYTES = 4096;

    private static final JsonFactory FACTORY = new JsonFactory();

    /** The same a moment later. */
    public StoreOwner next() {
        return new StoreOwner(id, name, beat + 1, released);
    }

    /** The same once it has ended. */
    public StoreOwner ended() {
        return new StoreOwner(id, name, beat + 1, true);
    }

    /** Writes it. */
    public byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeStringProperty("owner", id);
            json.writeStringProperty("name", name);
            json.writeNumberProperty("beat", beat);
            json.writeBooleanProperty("released", released);
            json.writeEndObject();
        }
        return DocumentChecksum.add(bytes.toByteArray());
    }

    /**
     * Reads it.
     *
     * @param resource the object it comes from, for the error
     * @throws CorruptionException if it does not say who; names the byte
     */
    public static StoreOwner decode(byte[] bytes, String resource) throws CorruptionException {
        JsonSource json = new JsonSource(bytes, resource);
        var fields = new Object() {
            @Nullable
            String id;

            String name = "";
            long beat;
            boolean released;
        };
        json.document("the owner of the store", field -> {
            switch (field) {
                case "owner" -> fields.id = json.string(field);
                case "name" -> fields.name = json.string(field);
                case "beat" -> fields.beat = json.number(field, 0, Long.MAX_VALUE);
                case "released" -> fields.released = json.bool(field);
                default -> json.skip();
            }
        });
        String id = fields.id;
        if (id == null) {
            throw json.corrupt("owner is missing");
        }
        return new StoreOwner(id, fields.name, fields.beat, fields.released);
    }
}
