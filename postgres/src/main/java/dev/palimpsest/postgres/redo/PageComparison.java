package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.rmgr.Rmgr;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Compares a page of a data directory with one that came out of the WAL: under PostgreSQL's own masks, since a server also
 * changes pages without a record: hint bits, dead items, unused space. The masks are those of the access method, which is told
 * from the page. LSN and checksum are not compared, and of the free space map, which no record describes, nothing is.
 * Not thread-safe.
 */
public final class PageComparison {
    private static final int PAGE_ID_GIST = 0xFF81;
    private static final int PAGE_ID_HASH = 0xFF80;
    private static final int PAGE_ID_SPGIST = 0xFF82;
    private static final int PAGE_ID_BLOOM = 0xFF83;
    private static final int BRIN_FIRST = 0xF091;
    private static final int BRIN_LAST = 0xF093;
    private static final int SEQUENCE_MAGIC = 0x1717;
    private static final int SMALL_SPECIAL = 8;
    private static final int LARGE_SPECIAL = 16;
    private static final int SHOWN = 16;

    private final Page left = new Page();
    private final Page right = new Page();

    private final Server server;

    /** Whose pages are compared with those that came out of the WAL. */
    public enum Server {
        /** One that has only replayed the same WAL: visibility maps and sequences must be the same too. */
        STANDBY,
        /**
         * One that wrote the WAL. Sequences are logged ahead of their use, and the visibility maps of a database that was
         * created by WAL are not in it; so a sequence's values are not compared, and a bit may be clear that the server has
         * set, which is never wrong. Nor is compared which pages of an SP-GiST have room, which its meta page notes without
         * a record.
         */
        PRIMARY
    }

    /** A comparison with scratch space of its own. */
    public PageComparison(Server server) {
        this.server = server;
    }

    /**
     * Compares two pages of 8192 bytes.
     *
     * @param expected the server's; not changed
     * @param actual ours; not changed
     * @return null if they are the same, else how they differ
     */
    public @Nullable String compare(byte[] expected, byte[] actual, ForkNumber fork, int blockNumber) {
        if (fork == ForkNumber.FSM) {
            return null;
        }
        left.copyFrom(Page.wrap(expected));
        right.copyFrom(Page.wrap(actual));
        if (left.isNew() && right.isNew()) {
            return null;
        }
        if (fork == ForkNumber.VISIBILITY_MAP) {
            if (server == Server.PRIMARY) {
                clearWhatIsClear(left.bytes(), right.bytes());
            }
            return difference(PageLayout.HEADER_SIZE, "visibility map");
        }
        if (left.isNew() != right.isNew()) {
            return left.isNew() ? "the server's page is new, ours is not" : "our page is new, the server's is not";
        }
        if (!left.hasValidHeader() || !right.hasValidHeader()) {
            return difference(0, "page without a valid header");
        }
        Rmgr manager = manager(left);
        RmgrRedo masks = RedoRegistry.of(manager.id());
        if (masks == null) {
            return difference(PageLayout.FLAGS, manager + " page, unmasked");
        }
        try {
            masks.mask(left, blockNumber);
            masks.mask(right, blockNumber);
            if (server == Server.PRIMARY) {
                if (manager == Rmgr.SEQUENCE) {
                    return difference(0, left.upper(), "sequence page");
                }
                if (manager == Rmgr.SPGIST) {
                    SpGistPage.forgetPagesWithRoom(left);
                    SpGistPage.forgetPagesWithRoom(right);
                }
            }
        } catch (PageException e) {
            return "a " + manager + " page that cannot be compared: " + e.getMessage();
        }
        return difference(0, manager + " page");
    }

    private static void clearWhatIsClear(byte[] map, byte[] other) {
        for (int i = PageLayout.HEADER_SIZE; i < map.length; i++) {
            map[i] &= other[i];
        }
    }

    /** Whose page it is. */
    private static Rmgr manager(Page page) {
        byte[] bytes = page.bytes();
        int special = PageLayout.PAGE_SIZE - page.special();
        int id = LittleEndian.u16(bytes, PageLayout.PAGE_SIZE - 2);
        if (special == 0) {
            return Rmgr.HEAP;
        }
        if (special == LARGE_SPECIAL) {
            return switch (id) {
                case PAGE_ID_HASH -> Rmgr.HASH;
                case PAGE_ID_GIST -> Rmgr.GIST;
                default -> Rmgr.BTREE;
            };
        }
        if (special == SMALL_SPECIAL) {
            if (LittleEndian.i32(bytes, page.special()) == SEQUENCE_MAGIC) {
                return Rmgr.SEQUENCE;
            }
            if (id >= BRIN_FIRST && id <= BRIN_LAST) {
                return Rmgr.BRIN;
            }
            return switch (id) {
                case PAGE_ID_SPGIST -> Rmgr.SPGIST;
                case PAGE_ID_BLOOM -> Rmgr.GENERIC;
                default -> Rmgr.GIN;
            };
        }
        return Rmgr.GENERIC;
    }

    private @Nullable String difference(int from, String what) {
        return difference(from, PageLayout.PAGE_SIZE, what);
    }

    private @Nullable String difference(int from, int to, String what) {
        byte[] expected = left.bytes();
        byte[] actual = right.bytes();
        int at = Arrays.mismatch(expected, from, to, actual, from, to);
        if (at < 0) {
            return null;
        }
        int first = from + at;
        int last = to - 1;
        while (expected[last] == actual[last]) {
            last--;
        }
        int end = Math.min(last + 1, first + SHOWN);
        HexFormat hex = HexFormat.ofDelimiter(" ");
        return what + ": bytes " + first + " to " + last + " differ; the server has "
                + hex.formatHex(expected, first, end) + ", we have " + hex.formatHex(actual, first, end);
    }
}
