package dev.palimpsest.postgres.page;

/**
 * A line pointer ({@code ItemIdData}), held in an {@code int}: bits 0-14 the offset of the item in the page, 15-16 the
 * state, 17-31 the item's length.
 */
public final class LinePointer {
    /** State: free for use. */
    public static final int UNUSED = 0;

    /** State: points to an item. */
    public static final int NORMAL = 1;

    /** State: the offset is the number of another line pointer (heap-only tuples). */
    public static final int REDIRECT = 2;

    /** State: the item is dead; in an index its bytes may still be there. */
    public static final int DEAD = 3;

    private LinePointer() {}

    /** A line pointer of these parts; bits that don't fit are cut. */
    public static int of(int offset, int state, int length) {
        return (offset & 0x7FFF) | (state & 3) << 15 | length << 17;
    }

    /** A redirection to line pointer {@code target}. */
    public static int redirect(int target) {
        return of(target, REDIRECT, 0);
    }

    /** A dead line pointer without an item. */
    public static int dead() {
        return of(0, DEAD, 0);
    }

    /** The offset of the item in the page, or the target of a redirection. */
    public static int offset(int pointer) {
        return pointer & 0x7FFF;
    }

    /** {@link #UNUSED}, {@link #NORMAL}, {@link #REDIRECT} or {@link #DEAD}. */
    public static int state(int pointer) {
        return pointer >>> 15 & 3;
    }

    /** The length of the item; 0 if there is none. */
    public static int length(int pointer) {
        return pointer >>> 17;
    }

    /** Whether the pointer is in use, in whatever way. */
    public static boolean isUsed(int pointer) {
        return state(pointer) != UNUSED;
    }

    /** Whether bytes of the page belong to it. */
    public static boolean hasStorage(int pointer) {
        return length(pointer) != 0;
    }

    /** The same pointer with another offset. */
    public static int withOffset(int pointer, int offset) {
        return (pointer & ~0x7FFF) | (offset & 0x7FFF);
    }

    /** The same pointer in another state; offset and length stay, as when an index marks an item dead. */
    public static int withState(int pointer, int state) {
        return (pointer & ~(3 << 15)) | (state & 3) << 15;
    }

    /** The same pointer with another length. */
    public static int withLength(int pointer, int length) {
        return (pointer & 0x1FFFF) | length << 17;
    }

    /** The state's name, for messages. */
    static String stateName(int pointer) {
        return switch (state(pointer)) {
            case UNUSED -> "unused";
            case NORMAL -> "normal";
            case REDIRECT -> "a redirection";
            default -> "dead";
        };
    }
}
