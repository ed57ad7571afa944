package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.Lsn;
import java.util.Locale;

/**
 * A segment of the WAL, which is a file: its name is the timeline and the two halves of its number, 8 uppercase
 * hexadecimal digits each, where the low half counts the segments in 4 GiB.
 *
 * @param timeline the PostgreSQL timeline
 * @param number which segment: the LSN of its first byte divided by its size
 * @param size bytes in a segment: a power of two, 1 MiB to 1 GiB
 */
public record WalSegment(int timeline, long number, int size) {
    /** The least size of a segment. */
    public static final int MIN_SIZE = 1 << 20;

    /** The greatest size of a segment. */
    public static final int MAX_SIZE = 1 << 30;

    private static final int NAME_LENGTH = 24;

    /** @throws IllegalArgumentException if the size is not a possible one */
    public WalSegment {
        if (!isValidSize(size)) {
            throw new IllegalArgumentException("no WAL segment has " + size + " bytes");
        }
    }

    /** Whether a segment can have this size. */
    public static boolean isValidSize(int size) {
        return size >= MIN_SIZE && size <= MAX_SIZE && Integer.bitCount(size) == 1;
    }

    /** The segment with the byte at {@code lsn}. */
    public static WalSegment containing(Lsn lsn, int timeline, int size) {
        return new WalSegment(timeline, Long.divideUnsigned(lsn.value(), size), size);
    }

    /** Whether {@code name} is that of a segment: 24 uppercase hexadecimal digits. */
    public static boolean isName(String name) {
        return name.length() == NAME_LENGTH
                && name.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
    }

    /**
     * The segment with this name.
     *
     * @throws IllegalArgumentException if it is not the name of a segment of that size
     */
    public static WalSegment parse(String name, int size) {
        if (!isName(name) || !isValidSize(size)) {
            throw new IllegalArgumentException("not a WAL segment of " + size + " bytes: \"" + name + "\"");
        }
        long perFile = perFour(size);
        long low = Long.parseLong(name, 16, 24, 16);
        if (low >= perFile) {
            throw new IllegalArgumentException("not a WAL segment of " + size + " bytes: \"" + name + "\" ends beyond "
                    + Long.toHexString(perFile - 1).toUpperCase(Locale.ROOT));
        }
        return new WalSegment(
                Integer.parseUnsignedInt(name, 0, 8, 16), Long.parseLong(name, 8, 16, 16) * perFile + low, size);
    }

    private static long perFour(int size) {
        return (1L << 32) / size;
    }

    /** Where it begins. */
    public Lsn start() {
        return new Lsn(number * size);
    }

    /** Where it ends (exclusive). */
    public Lsn end() {
        return new Lsn((number + 1) * size);
    }

    /** The name of its file. */
    public String fileName() {
        long perFile = perFour(size);
        return String.format(Locale.ROOT, "%08X%08X%08X", timeline, number / perFile, number % perFile);
    }
}
