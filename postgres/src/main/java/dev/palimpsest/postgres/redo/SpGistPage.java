package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import java.util.Arrays;

/**
 * What makes a page one of an SP-GiST. The special area, 8 bytes:
 *
 * <pre>
 * offset size
 *      0    2  flags: 1 meta, 2 deleted, 4 leaf, 8 nulls
 *      2    2  how many tuples are redirections
 *      4    2  how many are placeholders
 *      6    2  FF82
 * </pre>
 *
 * <p>Block 0 is the meta page: after its header a magic number of 4 bytes, then for each of eight kinds of pages one that has
 * room, 4 bytes, and how much, 4 bytes. Block 1 is the root, 2 the root of the tree with the nulls. Other pages have either
 * leaf tuples or inner ones; {@link SpGistTuple}.
 */
final class SpGistPage {
    static final int LEAF = 0x0004;
    static final int NULLS = 0x0008;

    private static final int META = 0x0001;

    private static final int PAGES_WITH_ROOM = PageLayout.HEADER_SIZE + 4;

    private static final int SPECIAL_SIZE = 8;
    private static final int FLAGS = PageLayout.PAGE_SIZE - SPECIAL_SIZE;
    private static final int REDIRECTIONS = FLAGS + 2;
    private static final int PLACEHOLDERS = FLAGS + 4;
    private static final int PAGE_ID = FLAGS + 6;
    private static final int PAGE_ID_VALUE = 0xFF82;

    private SpGistPage() {}

    /** Makes it an empty page of an SP-GiST. */
    static void initialize(Page page, int flags) throws PageException {
        page.initialize(SPECIAL_SIZE);
        page.putU16(FLAGS, flags);
        page.putU16(PAGE_ID, PAGE_ID_VALUE);
    }

    /** Blanks which pages have room, if it is a meta page. */
    static void forgetPagesWithRoom(Page page) throws PageException {
        if ((page.u16(FLAGS) & META) != 0) {
            Arrays.fill(page.bytes(), PAGES_WITH_ROOM, PAGES_WITH_ROOM + 8 * 8, (byte) 0);
        }
    }

    /** @throws PageException unless it is a page of an SP-GiST, other than the meta page */
    static void check(Page page) throws PageException {
        page.specialOf(SPECIAL_SIZE);
        if (page.u16(PAGE_ID) != PAGE_ID_VALUE) {
            throw new PageException(
                    "it is no page of an SP-GiST: its page id is 0x" + Integer.toHexString(page.u16(PAGE_ID)));
        }
        if ((page.u16(FLAGS) & META) != 0) {
            throw new PageException("it is the meta page of an SP-GiST, where another one is needed");
        }
    }

    /** @throws PageException unless it is a page of an SP-GiST with leaf tuples, or with inner ones */
    static void checkLevel(Page page, boolean leaf) throws PageException {
        check(page);
        if ((page.u16(FLAGS) & LEAF) != 0 != leaf) {
            throw new PageException("it is no " + (leaf ? "leaf" : "inner page") + " of an SP-GiST: flags = 0x"
                    + Integer.toHexString(page.u16(FLAGS)));
        }
    }

    /** @throws PageException if fewer would be left than none */
    static void addRedirections(Page page, int more) throws PageException {
        add(page, REDIRECTIONS, more, "redirections");
    }

    /** @throws PageException if fewer would be left than none */
    static void addPlaceholders(Page page, int more) throws PageException {
        add(page, PLACEHOLDERS, more, "placeholders");
    }

    private static void add(Page page, int counter, int more, String what) throws PageException {
        int count = page.u16(counter) + more;
        if (count < 0 || count > 0xFFFF) {
            throw new PageException(
                    "the page counts " + page.u16(counter) + " " + what + ", to which " + more + " are to be added");
        }
        page.putU16(counter, count);
    }
}
