package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.buffer;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.Rmgr;
import java.util.Arrays;

/** Pages of hash indexes, and changes to them, for tests. */
final class HashSamples {
    static final byte[] NOTHING = {};

    private static final int META = 24;

    private HashSamples() {}

    /** The record refers to blocks 10 to 16 by the ids 0 to 6, but for some. */
    static IndexChange change(int opcode, int blockId, boolean init, byte[] main, byte[] data, int... without) {
        return new IndexChange(Rmgr.HASH, 10, 7, opcode, blockId, init, main, data, without);
    }

    static void special(Page page, int flags) throws PageException {
        page.initialize(16);
        page.putI32(8176, 3);
        page.putI32(8180, 4);
        page.putU16(8188, flags);
        page.putU16(8190, 0xFF80);
    }

    /** A page of a bucket, block 3 before it and block 4 behind it. */
    static void bucket(Page page, int flags, byte[]... tuples) throws PageException {
        special(page, flags);
        PageEditor editor = new PageEditor();
        for (byte[] tuple : tuples) {
            editor.addItem(page, tuple, 0, tuple.length, page.maxOffset() + 1, PageEditor.Placement.SHUFFLE);
        }
    }

    /** A bitmap page with all pages in use. */
    static void bitmap(Page page, int size) throws PageException {
        special(page, 4);
        Arrays.fill(page.bytes(), 24, 24 + size, (byte) 0xFF);
        page.setLower(24 + size);
    }

    /** Of an index with 100 tuples, at split point 3, before which there are 7 pages. */
    static void meta(Page page) throws PageException {
        special(page, 8);
        page.putI32(META, 0x06440640);
        page.putI32(META + 4, 4);
        page.putI64(META + 8, Double.doubleToRawLongBits(100));
        page.putI32(META + 24, 5);
        page.putI32(META + 28, 7);
        page.putI32(META + 32, 3);
        page.putI32(META + 36, 3);
        page.putI32(META + 52 + 4 * 3, 7);
        page.setLower(4568);
    }

    static byte[] tuple(int key, int size) {
        return buffer(size).putShort(6, (short) size).putInt(8, key).array();
    }
}
