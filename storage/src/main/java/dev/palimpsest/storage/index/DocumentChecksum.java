package dev.palimpsest.storage.index;

import dev.palimpsest.storage.CorruptionException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * The checksum of a whole JSON object that is stored as an object of its own: index part, manifest, generations. It is in two
 * fields, the first and the last one, which Neon ignores like everything it does not know, and older Palimpsests too.
 *
 * <pre>
 * {"palimpsest_checksum":"crc32c",FIELDS,"palimpsest_crc32c":"1a2b3c4d"}
 *
 * FIELDS               what the object is about, at least one field, without white space
 * palimpsest_checksum  says that there must be a checksum, so that it cannot get lost by damage to its name
 * palimpsest_crc32c    CRC-32C of all bytes before the comma in front of it, 8 lowercase hexadecimal digits
 * </pre>
 *
 * <p>An object with one of the two fields must have both, just so and the second as its end. One with neither was written by
 * Neon or an older Palimpsest, and is only as well protected as JSON is by its form. Every object with a flipped bit is found; so
 * are all with damage of up to 32 bits in a row. Stateless.
 */
final class DocumentChecksum {
    /** The field that says that there is one. */
    static final String ANNOUNCEMENT = "palimpsest_checksum";

    /** The field with the checksum. */
    static final String FIELD = "palimpsest_crc32c";

    private static final String ALGORITHM = "crc32c";
    private static final byte[] START = bytes("{\"" + ANNOUNCEMENT + "\":\"" + ALGORITHM + "\",");
    private static final byte[] BEFORE_DIGITS = bytes(",\"" + FIELD + "\":\"");
    private static final byte[] END = bytes("\"}");
    private static final int DIGITS = 8;
    private static final int TAIL = BEFORE_DIGITS.length + DIGITS + END.length;

    private DocumentChecksum() {}

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Adds the checksum to a JSON object that has a field and neither of these. */
    static byte[] add(byte[] object) {
        int covered = START.length + object.length - 2; // without the braces of the object
        byte[] protectedObject = new byte[covered + TAIL];
        System.arraycopy(START, 0, protectedObject, 0, START.length);
        System.arraycopy(object, 1, protectedObject, START.length, object.length - 2);
        byte[] tail = tail(protectedObject, covered);
        System.arraycopy(tail, 0, protectedObject, covered, tail.length);
        return protectedObject;
    }

    private static byte[] tail(byte[] object, int covered) {
        CRC32C crc = new CRC32C();
        crc.update(object, 0, covered);
        return bytes(new String(BEFORE_DIGITS, StandardCharsets.US_ASCII)
                + HexFormat.of().toHexDigits((int) crc.getValue())
                + new String(END, StandardCharsets.US_ASCII));
    }

    /**
     * Checks an object that has one of the fields.
     *
     * @param resource what it comes from, for the error
     * @throws CorruptionException if it is not what was written; names where the checksum is
     */
    static void check(byte[] object, String resource) throws CorruptionException {
        int covered = object.length - TAIL;
        if (covered < START.length) {
            throw new CorruptionException(
                    resource,
                    object.length,
                    "the object is too short for the checksum that one of its fields promises");
        }
        byte[] expected = tail(object, covered);
        for (int i = 0; i < TAIL; i++) {
            if (object[covered + i] != expected[i]) {
                throw new CorruptionException(
                        resource,
                        covered,
                        "the object does not end with its checksum, which for the bytes before it is "
                                + new String(expected, StandardCharsets.US_ASCII) + "; it ends with "
                                + printable(object, covered) + ", so something in it was changed");
            }
        }
        for (int i = 0; i < START.length; i++) {
            if (object[i] != START[i]) {
                throw new CorruptionException(
                        resource,
                        i,
                        "the object does not begin with the field " + ANNOUNCEMENT + ", though it ends with " + FIELD);
            }
        }
    }

    private static String printable(byte[] object, int from) {
        StringBuilder text = new StringBuilder(TAIL);
        for (int i = from; i < object.length; i++) {
            text.append(object[i] >= ' ' && object[i] <= '~' ? (char) object[i] : '?');
        }
        return text.toString();
    }
}
