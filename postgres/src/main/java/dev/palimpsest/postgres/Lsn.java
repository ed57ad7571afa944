package dev.palimpsest.postgres;

/**
 * A log sequence number: a byte position in the write-ahead log, an unsigned 64-bit integer.
 *
 * <p>Its text form is PostgreSQL's: two uppercase hexadecimal halves without padding, {@code 0/16960E8}. LSN 0 is
 * PostgreSQL's {@code InvalidXLogRecPtr}: no record starts or ends there. Immutable; compares unsigned.
 *
 * @param value the position in bytes, to be read as unsigned
 */
public record Lsn(long value) implements Comparable<Lsn> {
    /** No position: {@code 0/0}. */
    public static final Lsn INVALID = new Lsn(0);

    /** The greatest position, {@code FFFFFFFF/FFFFFFFF}; used as the end of what has none yet. */
    public static final Lsn MAX = new Lsn(-1L);

    /** PostgreSQL aligns the start of every WAL record to this many bytes. */
    public static final int RECORD_ALIGNMENT = 8;

    /**
     * Reads PostgreSQL's text form: one to eight hexadecimal digits, a slash, one to eight hexadecimal digits.
     *
     * @throws IllegalArgumentException if {@code text} is anything else; the message quotes it
     */
    public static Lsn parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || slash != text.lastIndexOf('/')) {
            throw malformed(text);
        }
        return new Lsn(parseHalf(text, 0, slash) << 32 | parseHalf(text, slash + 1, text.length()));
    }

    /**
     * Reads the form used in layer file names: exactly 16 hexadecimal digits.
     *
     * @throws IllegalArgumentException if {@code text} is anything else; the message quotes it
     */
    public static Lsn parseHex(String text) {
        if (text.length() != 16) {
            throw malformed(text);
        }
        return new Lsn(parseHalf(text, 0, 8) << 32 | parseHalf(text, 8, 16));
    }

    private static long parseHalf(String text, int from, int to) {
        if (to - from < 1 || to - from > 8) {
            throw malformed(text);
        }
        long half = 0;
        for (int i = from; i < to; i++) {
            int digit = Character.digit(text.charAt(i), 16);
            if (digit < 0 || text.charAt(i) > 'f') {
                throw malformed(text);
            }
            half = half << 4 | digit;
        }
        return half;
    }

    private static IllegalArgumentException malformed(String text) {
        return new IllegalArgumentException("not an LSN: \"" + text + "\" (expected the form 0/16960E8)");
    }

    /** Whether this is a position at all, that is, not {@code 0/0}. */
    public boolean isValid() {
        return value != 0;
    }

    /** Whether a WAL record could start here: a multiple of {@value #RECORD_ALIGNMENT}. */
    public boolean isAligned() {
        return (value & (RECORD_ALIGNMENT - 1)) == 0;
    }

    /**
     * The position {@code bytes} further on.
     *
     * @throws ArithmeticException if that lies beyond {@link #MAX}
     */
    public Lsn plus(long bytes) {
        long sum = value + bytes;
        if (Long.compareUnsigned(sum, value) < 0) {
            throw new ArithmeticException("LSN overflow: " + this + " + " + Long.toUnsignedString(bytes));
        }
        return new Lsn(sum);
    }

    /**
     * The position {@code bytes} further back.
     *
     * @throws ArithmeticException if that lies below {@code 0/0}
     */
    public Lsn minus(long bytes) {
        if (Long.compareUnsigned(bytes, value) > 0) {
            throw new ArithmeticException("LSN underflow: " + this + " - " + Long.toUnsignedString(bytes));
        }
        return new Lsn(value - bytes);
    }

    /** The bytes between {@code earlier} and this one, unsigned; negative as a signed long only beyond 2^63. */
    public long bytesSince(Lsn earlier) {
        return value - earlier.value;
    }

    /** Whether this is before {@code other}. */
    public boolean isBefore(Lsn other) {
        return Long.compareUnsigned(value, other.value) < 0;
    }

    /** Whether this is after {@code other}. */
    public boolean isAfter(Lsn other) {
        return Long.compareUnsigned(value, other.value) > 0;
    }

    /** The earlier of the two. */
    public static Lsn min(Lsn a, Lsn b) {
        return b.isBefore(a) ? b : a;
    }

    /** The later of the two. */
    public static Lsn max(Lsn a, Lsn b) {
        return a.isBefore(b) ? b : a;
    }

    @Override
    public int compareTo(Lsn other) {
        return Long.compareUnsigned(value, other.value);
    }

    /** The form used in layer file names: 16 uppercase hexadecimal digits. */
    public String toHex() {
        StringBuilder hex = new StringBuilder(16);
        for (int shift = 60; shift >= 0; shift -= 4) {
            hex.append("0123456789ABCDEF".charAt((int) (value >>> shift) & 0xF));
        }
        return hex.toString();
    }

    @Override
    public String toString() {
        String padded = toHex();
        return unpadded(padded.substring(0, 8)) + "/" + unpadded(padded.substring(8));
    }

    private static String unpadded(String digits) {
        int first = 0;
        while (first < digits.length() - 1 && digits.charAt(first) == '0') {
            first++;
        }
        return digits.substring(first);
    }
}
