package dev.palimpsest.postgres.slru;

import dev.palimpsest.postgres.LittleEndian;

/**
 * A page of multixact offsets: u32 for each of 2048 multixacts, where its first member is; 0 says that none is known. A
 * multixact ends where the next one begins. All methods take the 8192 bytes of the page that has the multixact.
 */
public final class MultiXactOffsetsPage {
    private MultiXactOffsetsPage() {}

    /** Where its first member is, unsigned; 0 if that is not known. */
    public static int offset(byte[] page, int multi) {
        return LittleEndian.i32(page, at(multi));
    }

    /** Notes where its first member is. */
    public static void setOffset(byte[] page, int multi, int offset) {
        LittleEndian.putI32(page, at(multi), offset);
    }

    /** The multixact after this one: 1 after the last, as 0 is none. */
    public static int next(int multi) {
        return multi == -1 ? 1 : multi + 1;
    }

    /** The multixact before this one. */
    static int previous(int multi) {
        return multi == 1 ? -1 : multi - 1;
    }

    private static int at(int multi) {
        return 4 * SlruKind.MULTIXACT_OFFSETS.indexOf(multi);
    }
}
