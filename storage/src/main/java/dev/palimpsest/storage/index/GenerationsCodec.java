package dev.palimpsest.storage.index;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import java.nio.charset.StandardCharsets;

/**
 * The bytes of {@code generations.json}, which says where the row of generations begins that were claimed in the object store:
 * {@code {"first":number}} in UTF-8, with a {@link DocumentChecksum}. Other fields are ignored. Stateless.
 */
public final class GenerationsCodec {
    /** More than such an object has. */
    public static final int MAX_BYTES = 4096;

    private GenerationsCodec() {}

    /** Writes it. */
    public static byte[] encode(Generation first) {
        return DocumentChecksum.add(("{\"first\":" + first.number() + "}").getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Reads it.
     *
     * @param resource the object it comes from, for the error
     * @throws CorruptionException if it does not say it; names the byte
     */
    public static Generation decode(byte[] bytes, String resource) throws CorruptionException {
        JsonSource json = new JsonSource(bytes, resource);
        long[] first = {-1};
        json.document("the generations of a tenant", name -> {
            if (name.equals("first")) {
                first[0] = json.number(name, 0, Generation.LAST.number());
            } else {
                json.skip();
            }
        });
        if (first[0] < 0) {
            throw json.corrupt("first is missing");
        }
        return new Generation(first[0]);
    }
}
