package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Pages of hash indexes, and records that change them, for tests. */
final class HashSamples {
    static final long START = 0x1000100;
    static final long END = 0x1000180;
    static final byte[] NOTHING = {};

    private static final RelFileNode INDEX = new RelFileNode(1663, 5, 24650);
    private static final int HASH = 12;
    private static final int META = 24;

    private HashSamples() {}

    /** A change to one page; the record refers to blocks 10 to 16 of the index by the ids 0 to 6, but for some. */
    record Sample(int opcode, int blockId, boolean init, byte[] main, byte[] data, int... without) {
        WalRecord record(PostgresVersion version) throws MalformedRecordException {
            return builder(version, null).decoded(START, END);
        }

        /** @param image if not null, is what the page is to be restored from */
        RecordBuilder builder(PostgresVersion version, @Nullable Page image) {
            RecordBuilder builder = new RecordBuilder(version, HASH, opcode).main(main);
            for (int id = 0; id <= 6; id++) {
                int candidate = id;
                if (Arrays.stream(without).anyMatch(w -> w == candidate)) {
                    continue;
                }
                builder.block(id, INDEX, 10 + id);
                if (id == blockId) {
                    builder.data(data);
                    if (init) {
                        builder.willInit();
                    }
                    if (image != null) {
                        builder.image(image, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE);
                    }
                }
            }
            return builder;
        }
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
        return bytes(size).putShort(6, (short) size).putInt(8, key).array();
    }

    static ByteBuffer bytes(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    static byte[] u16s(int... values) {
        byte[] all = new byte[2 * values.length];
        for (int i = 0; i < values.length; i++) {
            LittleEndian.putU16(all, 2 * i, values[i]);
        }
        return all;
    }

    static byte[] i32s(int... values) {
        byte[] all = new byte[4 * values.length];
        for (int i = 0; i < values.length; i++) {
            LittleEndian.putI32(all, 4 * i, values[i]);
        }
        return all;
    }

    static byte[] concat(byte[] first, byte[]... others) {
        byte[] all = first;
        for (byte[] other : others) {
            int length = all.length;
            all = Arrays.copyOf(all, length + other.length);
            System.arraycopy(other, 0, all, length, other.length);
        }
        return all;
    }
}
