package dev.palimpsest.storage.index;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * Walks through JSON once and takes from it what is expected; anything else is a {@link CorruptionException} that names the
 * byte. Each method reads the value that was reached and leaves the walk at its end. Used by one thread.
 */
final class JsonSource {
    /** Reads the value of a field, all of it. */
    interface Field {
        void read(String name) throws CorruptionException;
    }

    /** Reads an element, all of it. */
    interface Element {
        void read() throws CorruptionException;
    }

    /** Makes a value of a text, or throws {@link IllegalArgumentException}. */
    interface Parse<T> {
        T parse(String text);
    }

    // An index part has a name for each layer, and no two are the same: a table of names seen before would only cost.
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .build();

    private final byte[] bytes;
    private final String resource;
    private final JsonParser parser;

    /** Reaches the value that all of {@code bytes} is. */
    JsonSource(byte[] bytes, String resource) throws CorruptionException {
        this.bytes = bytes;
        this.resource = resource;
        for (int i = 0; i < Math.min(4, bytes.length); i++) {
            if (bytes[i] <= 0) { // what makes the parser take it for UTF-16 or UTF-32
                throw new CorruptionException(resource, i, "not JSON in UTF-8");
            }
        }
        checkEncoding(bytes, resource);
        try {
            this.parser = FACTORY.createParser(ObjectReadContext.empty(), bytes);
        } catch (JacksonException e) {
            throw new CorruptionException(resource, 0, "not JSON: " + e.getOriginalMessage(), e);
        }
        advance();
    }

    /** The parser would replace what is not UTF-8. */
    private static void checkEncoding(byte[] bytes, String resource) throws CorruptionException {
        ByteBuffer source = ByteBuffer.wrap(bytes);
        CharBuffer chars = CharBuffer.allocate(8192);
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        CoderResult result = CoderResult.OVERFLOW;
        while (result.isOverflow()) {
            result = decoder.decode(source, chars.clear(), true);
        }
        if (result.isError()) {
            throw new CorruptionException(resource, source.position(), "not JSON in UTF-8");
        }
    }

    private @Nullable JsonToken advance() throws CorruptionException {
        try {
            return parser.nextToken();
        } catch (JacksonException e) {
            throw malformed(e);
        }
    }

    private CorruptionException malformed(JacksonException cause) {
        long at = cause.getLocation() == null ? -1 : cause.getLocation().getCharOffset();
        return new CorruptionException(
                resource, at < 0 ? offset() : byteOffset(at), "not JSON: " + cause.getOriginalMessage(), cause);
    }

    /** Where the value that was reached starts, in bytes. */
    long offset() {
        return byteOffset(parser.currentTokenLocation().getCharOffset());
    }

    /** How many bytes the first chars take: the parser counts those of UTF-16. */
    private long byteOffset(long chars) {
        int at = 0;
        for (long left = chars; left > 0 && at < bytes.length; at++) {
            boolean isFirst = (bytes[at] & 0xC0) != 0x80;
            boolean isOfFour = (bytes[at] & 0xF8) == 0xF0;
            left -= isOfFour ? 2 : isFirst ? 1 : 0;
        }
        while (at < bytes.length && (bytes[at] & 0xC0) == 0x80) {
            at++;
        }
        return at;
    }

    CorruptionException corrupt(String problem) {
        return new CorruptionException(resource, offset(), problem);
    }

    private void expect(JsonToken token, String what, String kind) throws CorruptionException {
        if (parser.currentToken() != token) {
            throw corrupt("expected " + kind + " for " + what + ", found " + parser.currentToken());
        }
    }

    boolean isNull() {
        return parser.currentToken() == JsonToken.VALUE_NULL;
    }

    boolean isArray() {
        return parser.currentToken() == JsonToken.START_ARRAY;
    }

    void skip() throws CorruptionException {
        try {
            parser.skipChildren();
        } catch (JacksonException e) {
            throw malformed(e);
        }
    }

    void object(String what, Field field) throws CorruptionException {
        expect(JsonToken.START_OBJECT, what, "an object");
        while (advance() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            advance();
            field.read(name);
        }
    }

    /**
     * Reads all of the bytes as one object, and makes sure that they have the checksum that they promise, if any.
     *
     * @param field reads the fields, but for those of {@link DocumentChecksum}
     */
    void document(String what, Field field) throws CorruptionException {
        boolean[] promised = new boolean[1];
        object(what, name -> {
            if (name.equals(DocumentChecksum.ANNOUNCEMENT) || name.equals(DocumentChecksum.FIELD)) {
                promised[0] = true;
                skip();
            } else {
                field.read(name);
            }
        });
        end();
        if (promised[0]) {
            DocumentChecksum.check(bytes, resource);
        }
    }

    void array(String what, Element element) throws CorruptionException {
        expect(JsonToken.START_ARRAY, what, "an array");
        while (advance() != JsonToken.END_ARRAY) {
            element.read();
        }
    }

    String string(String what) throws CorruptionException {
        expect(JsonToken.VALUE_STRING, what, "a string");
        try {
            return parser.getString();
        } catch (JacksonException e) {
            throw malformed(e);
        }
    }

    <T> T parsed(String what, Parse<T> parse) throws CorruptionException {
        String text = string(what);
        try {
            return parse.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CorruptionException(resource, offset(), what + ": " + e.getMessage(), e);
        }
    }

    /** The constant of which the text is what {@code toString} gives. */
    <E extends Enum<E>> E constant(String what, E[] constants) throws CorruptionException {
        String text = string(what);
        for (E constant : constants) {
            if (constant.toString().equals(text)) {
                return constant;
            }
        }
        throw corrupt("no value of " + what + " is \"" + text + "\"");
    }

    /**
     * An integer.
     *
     * @param least inclusive, 0 or more
     * @param greatest inclusive
     */
    long number(String what, long least, long greatest) throws CorruptionException {
        expect(JsonToken.VALUE_NUMBER_INT, what, "an integer");
        long number;
        try {
            number = parser.getLongValue();
        } catch (JacksonException e) {
            throw new CorruptionException(resource, offset(), what + ": " + e.getOriginalMessage(), e);
        }
        if (number < least || number > greatest) {
            throw corrupt(what + " is " + number + ": expected " + least + " to " + greatest);
        }
        return number;
    }

    boolean bool(String what) throws CorruptionException {
        JsonToken token = parser.currentToken();
        if (token != JsonToken.VALUE_TRUE && token != JsonToken.VALUE_FALSE) {
            throw corrupt("expected true or false for " + what + ", found " + token);
        }
        return token == JsonToken.VALUE_TRUE;
    }

    /** The text of an object, as it stands there. */
    String rawObject(String what) throws CorruptionException {
        expect(JsonToken.START_OBJECT, what, "an object");
        int start = (int) offset();
        skip();
        int end = (int) byteOffset(parser.currentLocation().getCharOffset());
        return new String(bytes, start, end - start, StandardCharsets.UTF_8);
    }

    /** Makes sure that nothing but white space follows. */
    private void end() throws CorruptionException {
        if (advance() != null) {
            throw corrupt("expected the end, found " + parser.currentToken());
        }
    }
}
