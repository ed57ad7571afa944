package dev.palimpsest.storage.remote;

/**
 * The name of an object: parts separated by {@code /}, as in {@code tenants/<tenant>/timelines/<timeline>/<layer>-<generation>}.
 *
 * <p>A key has 1 to 1024 characters and a part 1 to 255. A part is made of printable ASCII without space and {@code \},
 * and does not begin with a dot; so there is no {@code .} or {@code ..}, no absolute path, no empty part, and every key
 * means the same thing to every store. Keys are ordered by their characters.
 *
 * @param value the whole key
 */
public record ObjectKey(String value) implements Comparable<ObjectKey> {
    /** The longest key, in characters. */
    public static final int MAX_LENGTH = 1024;

    /** The longest part, in characters. */
    public static final int MAX_PART_LENGTH = 255;

    /**
     * @throws IllegalArgumentException unless {@code value} is a key; the message quotes it
     */
    public ObjectKey {
        checkStart(value);
        if (value.isEmpty() || value.endsWith("/")) {
            throw new IllegalArgumentException("not an object key: \"" + value + "\" (its last part is empty)");
        }
    }

    /**
     * Checks that {@code start} is how a key may start: empty, a key, or a key cut anywhere.
     *
     * @throws IllegalArgumentException if no key starts so; the message quotes it
     */
    static void checkStart(String start) {
        String problem = problem(start);
        if (!problem.isEmpty()) {
            throw new IllegalArgumentException("not an object key: \"" + start + "\" (" + problem + ")");
        }
    }

    /** Whether {@code value} is a key. */
    public static boolean isKey(String value) {
        return problem(value).isEmpty() && !value.isEmpty() && !value.endsWith("/");
    }

    private static String problem(String start) {
        if (start.length() > MAX_LENGTH) {
            return "longer than " + MAX_LENGTH + " characters";
        }
        int part = 0;
        for (int i = 0; i < start.length(); i++) {
            char c = start.charAt(i);
            if (c <= ' ' || c > '~' || c == '\\') {
                return "character number " + (int) c + " at " + i;
            }
            if (i == part && (c == '/' || c == '.')) {
                return "a part is empty or begins with a dot at " + i;
            }
            if (c == '/') {
                part = i + 1;
            } else if (i - part >= MAX_PART_LENGTH) {
                return "a part is longer than " + MAX_PART_LENGTH + " characters";
            }
        }
        return "";
    }

    @Override
    public int compareTo(ObjectKey other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
