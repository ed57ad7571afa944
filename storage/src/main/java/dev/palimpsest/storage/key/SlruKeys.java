package dev.palimpsest.storage.key;

/**
 * The keys of SLRUs.
 *
 * <pre>
 * key             f1  f2    f3  f4       f5  f6
 * directory       01  KIND  0   0        0   0
 * block           01  KIND  1   segment  0   block number in the segment
 * segment's size  01  KIND  1   segment  0   FFFFFFFF
 * </pre>
 */
public final class SlruKeys {
    static final int KIND = 1;

    private static final int SEGMENTS = 1;
    private static final int SIZE_MARK = 0xFFFF_FFFF;

    private SlruKeys() {}

    /** Which segments there are. */
    public static Key directory(SlruKind kind) {
        return Key.of(KIND, kind.number(), 0, 0, 0, 0);
    }

    /**
     * A block.
     *
     * @param segment the number of the segment, unsigned
     * @param block its number within the segment, unsigned, less than 2^32 - 1
     */
    public static Key block(SlruKind kind, int segment, int block) {
        if (block == SIZE_MARK) {
            throw new IllegalArgumentException("no block of an SLRU has the number 4294967295");
        }
        return Key.of(KIND, kind.number(), SEGMENTS, segment, 0, block);
    }

    /** The size of a segment in blocks; comes after all its blocks. */
    public static Key segmentSize(SlruKind kind, int segment) {
        return Key.of(KIND, kind.number(), SEGMENTS, segment, 0, SIZE_MARK);
    }

    /** The blocks of a segment and its size. */
    public static KeyRange segment(SlruKind kind, int segment) {
        return new KeyRange(block(kind, segment, 0), segmentSize(kind, segment).next());
    }

    /** Whether it is a directory of segments. */
    public static boolean isDirectory(Key key) {
        return key.field1() == KIND && key.field3() == 0 && key.field4() == 0 && key.field5() == 0 && key.field6() == 0;
    }

    /** Whether it is a block. */
    public static boolean isBlock(Key key) {
        return key.field1() == KIND && key.field3() == SEGMENTS && key.field6() != SIZE_MARK;
    }

    /** Whether it is the size of a segment of an SLRU that the store keeps. */
    public static boolean isSegmentSize(Key key) {
        return key.field1() == KIND
                && Integer.compareUnsigned(key.field2(), SlruKind.values().length) < 0
                && key.field3() == SEGMENTS
                && key.field5() == 0
                && key.field6() == SIZE_MARK;
    }
}
