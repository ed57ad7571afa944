package dev.palimpsest.storage;

/**
 * The number of an attachment of a tenant to a server, unsigned 32 bits, or {@link #NONE}. Every new attachment gets a greater
 * one; files and objects carry the one they were written under in their names, so that two servers that both believe they
 * own a tenant never write the same name. {@link #NONE} is less than all others.
 *
 * @param number 0 to 2^32 - 1; -1 for none
 */
public record Generation(long number) implements Comparable<Generation> {
    /** No generation: names written without one. */
    public static final Generation NONE = new Generation(-1);

    /** The greatest one there is. */
    public static final Generation LAST = new Generation(0xFFFF_FFFFL);

    private static final int DIGITS = 8;

    /** @throws IllegalArgumentException if the number is out of range */
    public Generation {
        if (number < -1 || number > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException("not a generation: " + number);
        }
    }

    /**
     * Reads eight lowercase hexadecimal digits.
     *
     * @throws IllegalArgumentException if {@code text} is anything else; the message quotes it
     */
    public static Generation parse(String text) {
        long number = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = "0123456789abcdef".indexOf(text.charAt(i));
            if (digit < 0) {
                throw malformed(text);
            }
            number = number << 4 | digit;
        }
        if (text.length() != DIGITS) {
            throw malformed(text);
        }
        return new Generation(number);
    }

    private static IllegalArgumentException malformed(String text) {
        return new IllegalArgumentException(
                "not a generation: \"" + text + "\" (expected 8 lowercase hexadecimal digits)");
    }

    /** Whether there is no generation. */
    public boolean isNone() {
        return number < 0;
    }

    /** Whether there is a greater one. */
    public boolean hasNext() {
        return number < LAST.number;
    }

    /**
     * The next greater one; of {@link #NONE} the least.
     *
     * @throws IllegalArgumentException if there is none
     */
    public Generation next() {
        return new Generation(number + 1);
    }

    /** What the names of objects end in: a hyphen and eight lowercase hexadecimal digits; empty for {@link #NONE}. */
    public String suffix() {
        return isNone() ? "" : "-" + this;
    }

    @Override
    public int compareTo(Generation other) {
        return Long.compare(number, other.number);
    }

    /** Eight lowercase hexadecimal digits, or {@code none}. */
    @Override
    public String toString() {
        if (isNone()) {
            return "none";
        }
        StringBuilder digits = new StringBuilder(DIGITS);
        for (int shift = 28; shift >= 0; shift -= 4) {
            digits.append("0123456789abcdef".charAt((int) (number >>> shift) & 0xF));
        }
        return digits.toString();
    }
}
