package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import java.util.Arrays;

/**
 * The tuples of an SP-GiST, at least 16 bytes. Bits 0-1 of the first 4 bytes are a tuple's state: 0 live, 1 a
 * redirection, 2 dead, 3 a placeholder, which keeps the numbers of the items behind it as they are.
 *
 * <p>A leaf tuple; in all states but live it is 16 bytes and ends after the xid:
 *
 * <pre>
 * offset size
 *      0    4  bits 0-1 the state, 2-31 the tuple's size
 *      4    2  bits 0-13 item of the next tuple in the chain, 0 if it is the last; 15 it has nulls
 *      6    6  item pointer: of the heap tuple; where a redirection leads; else block FFFFFFFF, 0
 *     12    4  the xid that made a redirection; in a live tuple, what follows is its value
 * </pre>
 *
 * <p>An inner tuple:
 *
 * <pre>
 * offset size
 *      0    4  bits 0-1 the state, 2 all nodes have the same label, 3-15 how many nodes, 16-31 the prefix's size
 *      4    2  the tuple's size
 *      6    2  nothing
 *      8       the prefix; the nodes: each 6 item pointer, 2 its size in bits 0-12, its label
 * </pre>
 */
final class SpGistTuple {
    static final int REDIRECT = 1;
    static final int DEAD = 2;
    static final int PLACEHOLDER = 3;

    private static final int LIVE = 0;
    private static final int STATE_BITS = 3;

    private static final int MINIMUM_SIZE = 16;
    private static final int NEXT = 4;
    private static final int NEXT_BITS = 0x3FFF;
    private static final int POINTER = 6;
    private static final int XID = 12;
    private static final int INNER_SIZE = 4;
    private static final int INNER_HEADER_SIZE = 8;
    private static final int NODE_HEADER_SIZE = 8;
    private static final int NODE_INFO = 6;
    private static final int NODE_SIZE_BITS = 0x1FFF;
    private static final int NO_BLOCK = -1;

    private SpGistTuple() {}

    /**
     * Bytes of the leaf tuple at {@code offset}, all of which are there.
     *
     * @throws MalformedRecordException if that is impossible
     */
    static int leafSize(Payload data, int offset) throws MalformedRecordException {
        return checkedSize(data, offset, data.i32(offset) >>> 2);
    }

    /**
     * Bytes of the inner tuple at {@code offset}, all of which are there.
     *
     * @throws MalformedRecordException if that is impossible
     */
    static int innerSize(Payload data, int offset) throws MalformedRecordException {
        return checkedSize(data, offset, data.u16(offset + INNER_SIZE));
    }

    private static int checkedSize(Payload data, int offset, int size) throws MalformedRecordException {
        if (size < MINIMUM_SIZE) {
            throw data.malformed("a tuple of " + size + " bytes at offset " + offset);
        }
        data.check(offset, size);
        return size;
    }

    private static int at(Page page, int number) throws PageException {
        int at = page.normalItem(number, MINIMUM_SIZE);
        if (at < page.upper()) {
            throw new PageException("item " + number + " at " + at + " lies in the free space");
        }
        return at;
    }

    private static int inState(Page page, int number, int state) throws PageException {
        int at = at(page, number);
        int actual = page.i32(at) & STATE_BITS;
        if (actual != state) {
            throw new PageException(
                    "item " + number + " is " + stateName(actual) + ", where " + stateName(state) + " is needed");
        }
        return at;
    }

    private static String stateName(int state) {
        return switch (state) {
            case LIVE -> "a live tuple";
            case REDIRECT -> "a redirection";
            case DEAD -> "a dead tuple";
            default -> "a placeholder";
        };
    }

    /**
     * Adds a tuple under a number that is the next one, or a placeholder's, which it replaces.
     *
     * @param offset where the tuple begins in {@code data}: {@code size} bytes, which were checked
     * @throws PageException if something else has the number, or there is no room
     */
    static void addOrReplace(PageEditor editor, Page page, Payload data, int offset, int size, int number)
            throws PageException {
        if (number <= page.maxOffset()) {
            inState(page, number, PLACEHOLDER);
            SpGistPage.addPlaceholders(page, -1);
            editor.deleteItem(page, number);
        }
        add(editor, page, data, offset, size, number);
    }

    /** As {@link #addOrReplace}, of whatever has the number. */
    static void replace(PageEditor editor, Page page, Payload data, int offset, int size, int number)
            throws PageException {
        editor.deleteItem(page, number);
        add(editor, page, data, offset, size, number);
    }

    private static void add(PageEditor editor, Page page, Payload data, int offset, int size, int number)
            throws PageException {
        int from = data.arrayOffset() + offset;
        editor.addItem(page, data.array(), from, size, number, PageEditor.Placement.SHUFFLE);
    }

    /**
     * Puts other tuples in the place of some: the first of the list gets one state, all others another. The page's
     * counters follow.
     *
     * @param numbers in any order; sorted afterwards
     * @param block where a redirection leads
     * @param item there
     * @param xid of a redirection
     * @throws PageException if one does not exist, or comes twice
     */
    static void bury(
            PageEditor editor, Page page, int[] numbers, int firstState, int otherState, int block, int item, int xid)
            throws PageException {
        if (numbers.length == 0) {
            return;
        }
        int first = numbers[0];
        Arrays.sort(numbers);
        for (int i = 1; i < numbers.length; i++) {
            if (numbers[i] == numbers[i - 1]) {
                throw new PageException("item " + numbers[i] + " is to be deleted twice");
            }
        }
        editor.deleteItems(page, numbers, numbers.length);
        for (int number : numbers) {
            addDead(editor, page, number, number == first ? firstState : otherState, block, item, xid);
        }
    }

    /** Puts one that is not live in the place of a tuple, as {@link #bury} does. */
    static void bury(PageEditor editor, Page page, int number, int state, int block, int item, int xid)
            throws PageException {
        editor.deleteItem(page, number);
        addDead(editor, page, number, state, block, item, xid);
    }

    private static void addDead(PageEditor editor, Page page, int number, int state, int block, int item, int xid)
            throws PageException {
        int at = editor.reserve(page, MINIMUM_SIZE, number, PageEditor.Placement.SHUFFLE);
        boolean redirect = state == REDIRECT;
        page.putI32(at, state | MINIMUM_SIZE << 2);
        page.putU16(at + NEXT, 0);
        page.putTid(at + POINTER, redirect ? block : NO_BLOCK, redirect ? item : 0);
        page.putI32(at + XID, redirect ? xid : 0);
        if (redirect) {
            SpGistPage.addRedirections(page, 1);
        } else if (state == PLACEHOLDER) {
            SpGistPage.addPlaceholders(page, 1);
        }
    }

    /** Makes a redirection a placeholder; it keeps its xid. The page's counters are not changed. */
    static void giveUpRedirection(Page page, int number) throws PageException {
        int at = inState(page, number, REDIRECT);
        page.putI32(at, page.i32(at) | PLACEHOLDER);
        page.putTid(at + POINTER, NO_BLOCK, 0);
    }

    /** @throws PageException unless all these are placeholders */
    static void checkPlaceholders(Page page, int[] numbers) throws PageException {
        for (int number : numbers) {
            inState(page, number, PLACEHOLDER);
        }
    }

    /** Changes which item comes after a leaf tuple in its chain. */
    static void putNext(Page page, int number, int next) throws PageException {
        int at = at(page, number);
        page.putU16(at + NEXT, (page.u16(at + NEXT) & ~NEXT_BITS) | (next & NEXT_BITS));
    }

    /** Lets two items change their numbers. */
    static void swap(Page page, int one, int other) throws PageException {
        int pointer = page.linePointer(one);
        page.setLinePointer(one, page.linePointer(other));
        page.setLinePointer(other, pointer);
    }

    /**
     * Changes where a node of an inner tuple leads.
     *
     * @param node its number, from 0
     * @throws PageException if there is no live inner tuple with such a node
     */
    static void link(Page page, int number, int node, int block, int item) throws PageException {
        int tuple = inState(page, number, LIVE);
        int head = page.i32(tuple);
        int end = tuple + LinePointer.length(page.linePointer(number));
        int nodes = head >>> 3 & 0x1FFF;
        if (node >= nodes) {
            throw new PageException("inner tuple " + number + " has " + nodes + " nodes, none is number " + node);
        }
        int at = tuple + INNER_HEADER_SIZE + (head >>> 16);
        for (int i = 0; at + NODE_HEADER_SIZE <= end; i++) {
            if (i == node) {
                page.putTid(at, block, item);
                return;
            }
            int size = page.u16(at + NODE_INFO) & NODE_SIZE_BITS;
            if (size < NODE_HEADER_SIZE) {
                throw new PageException("node " + i + " of inner tuple " + number + " has " + size + " bytes");
            }
            at += size;
        }
        throw new PageException("node " + node + " of inner tuple " + number + " lies behind its end");
    }
}
