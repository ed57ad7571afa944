package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.Arrays;

/** Heap pages and records of Heap and Heap2, for tests. */
final class HeapRecords {
    static final RelFileNode TABLE = new RelFileNode(1663, 5, 24633);
    static final int HEAP = 10;
    static final int HEAP2 = 9;
    static final int BLOCK = 7;
    static final int XID = 800;
    static final long START = 0x1000100;
    static final long END = 0x1000180;

    private HeapRecords() {}

    static RecordBuilder record(PostgresVersion version, int manager, int type) {
        return new RecordBuilder(version, manager, type).xid(XID);
    }

    static RecordBuilder onBlock(PostgresVersion version, int manager, int type) {
        return record(version, manager, type).block(0, TABLE, BLOCK);
    }

    static RecordBuilder withMap(RecordBuilder builder, int id, int mapBlock) {
        return builder.block(id, TABLE, ForkNumber.VISIBILITY_MAP, mapBlock);
    }

    /** A page with tuples 1 to {@code bodies.length} of xmin 700, hoff 24 and these attributes, all-visible. */
    static Page page(byte[]... bodies) throws PageException {
        Page page = new Page();
        page.initialize(0);
        PageEditor editor = new PageEditor();
        for (int i = 0; i < bodies.length; i++) {
            byte[] tuple = new byte[24 + bodies[i].length];
            LittleEndian.putI32(tuple, HeapTuple.XMIN, 700);
            LittleEndian.putI32(tuple, HeapTuple.XMAX, 701);
            LittleEndian.putI32(tuple, HeapTuple.CID, 9);
            LittleEndian.putU16(tuple, HeapTuple.INFOMASK2, 2 | HeapTuple.KEYS_UPDATED | HeapTuple.HOT_UPDATED);
            LittleEndian.putU16(
                    tuple, HeapTuple.INFOMASK, 0x0002 | HeapTuple.XMAX_INVALID | HeapTuple.COMBOCID | HeapTuple.MOVED);
            tuple[HeapTuple.HOFF] = 24;
            System.arraycopy(bodies[i], 0, tuple, 24, bodies[i].length);
            editor.addItem(page, tuple, 0, tuple.length, i + 1, PageEditor.Placement.HEAP);
            HeapTuple.setCtid(page, page.normalItem(i + 1, 23), 99, 99);
        }
        page.setFlags(PageLayout.ALL_VISIBLE);
        page.setLsn(64);
        return page;
    }

    /** A page of the map on which every bit is set. */
    static Page fullMap() {
        Page map = new Page();
        map.initialize(0);
        Arrays.fill(map.bytes(), 24, 8192, (byte) 0xFF);
        map.setLsn(64);
        return map;
    }
}
