package dev.palimpsest.postgres.wal;

import com.github.luben.zstd.Zstd;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import java.io.ByteArrayOutputStream;
import java.util.Map;
import java.util.TreeMap;
import net.jpountz.lz4.LZ4Factory;

/** Puts together the bytes of a WAL record, for tests: right unless asked for the impossible. */
public final class RecordBuilder {
    /** What the image of a page is for. */
    public enum ImageUse {
        APPLY,
        COMPARE
    }

    private static final class Block {
        private final RelFileNode relation;
        private final ForkNumber fork;
        private final int number;
        private int flags;
        private byte[] data = {};
        private byte[] imageHeader = {};
        private byte[] image = {};

        private Block(RelFileNode relation, ForkNumber fork, int number) {
            this.relation = relation;
            this.fork = fork;
            this.number = number;
        }
    }

    private final PostgresVersion version;
    private final int manager;
    private final int info;
    private final Map<Integer, Block> blocks = new TreeMap<>();
    private int xid;
    private byte[] main = {};
    private int origin = -1;
    private int topLevelXid = -1;
    private Block last = new Block(new RelFileNode(0, 0, 0), ForkNumber.MAIN, 0);

    public RecordBuilder(PostgresVersion version, int manager, int info) {
        this.version = version;
        this.manager = manager;
        this.info = info;
    }

    public RecordBuilder xid(int value) {
        xid = value;
        return this;
    }

    public RecordBuilder main(byte... bytes) {
        main = bytes;
        return this;
    }

    public RecordBuilder origin(int value) {
        origin = value;
        return this;
    }

    public RecordBuilder topLevelXid(int value) {
        topLevelXid = value;
        return this;
    }

    public RecordBuilder block(int id, RelFileNode relation, int number) {
        return block(id, relation, ForkNumber.MAIN, number);
    }

    public RecordBuilder block(int id, RelFileNode relation, ForkNumber fork, int number) {
        last = new Block(relation, fork, number);
        blocks.put(id, last);
        return this;
    }

    /** Data for the block added last. */
    public RecordBuilder data(byte... bytes) {
        last.data = bytes;
        last.flags |= bytes.length > 0 ? RecordDecoder.HAS_DATA : 0;
        return this;
    }

    /** The block added last is made anew. */
    public RecordBuilder willInit() {
        last.flags |= RecordDecoder.WILL_INIT;
        return this;
    }

    /** An image for the block added last; the hole is what the page's header says, if it has one. */
    public RecordBuilder image(Page page, ImageUse use, ImageCompression compression) {
        int lower = page.lower();
        int upper = page.upper();
        boolean hole = lower >= 24 && lower < upper && upper <= 8192;
        byte[] raw = new byte[hole ? 8192 - (upper - lower) : 8192];
        System.arraycopy(page.bytes(), 0, raw, 0, hole ? lower : 8192);
        if (hole) {
            System.arraycopy(page.bytes(), upper, raw, lower, 8192 - upper);
        }
        byte[] stored = switch (compression) {
            case NONE -> raw;
            case PGLZ -> PglzCompressor.compress(raw);
            case LZ4 -> LZ4Factory.safeInstance().fastCompressor().compress(raw);
            case ZSTD -> Zstd.compress(raw);
        };
        boolean compressed = compression != ImageCompression.NONE;
        byte[] header = new byte[compressed && hole ? 7 : 5];
        LittleEndian.putU16(header, 0, stored.length);
        LittleEndian.putU16(header, 2, hole ? lower : 0);
        header[4] = (byte) (imageFlags(use, compression) | (hole ? 1 : 0));
        if (compressed && hole) {
            LittleEndian.putU16(header, 5, upper - lower);
        }
        last.flags |= RecordDecoder.HAS_IMAGE;
        last.imageHeader = header;
        last.image = stored;
        return this;
    }

    private int imageFlags(ImageUse use, ImageCompression compression) {
        boolean v14 = version == PostgresVersion.V14;
        int apply = use == ImageUse.APPLY ? v14 ? 4 : 2 : 0;
        return apply
                | switch (compression) {
                    case NONE -> 0;
                    case PGLZ -> v14 ? 2 : 4;
                    case LZ4 -> 8;
                    case ZSTD -> 16;
                };
    }

    /** The bytes, with a previous link of 0 and no checksum. */
    public byte[] build() {
        ByteArrayOutputStream headers = new ByteArrayOutputStream();
        ByteArrayOutputStream payloads = new ByteArrayOutputStream();
        RelFileNode previous = null;
        for (Map.Entry<Integer, Block> entry : blocks.entrySet()) {
            Block block = entry.getValue();
            boolean same = block.relation.equals(previous);
            headers.write(entry.getKey());
            headers.write(block.fork.number() | block.flags | (same ? RecordDecoder.SAME_RELATION : 0));
            writeU16(headers, block.data.length);
            headers.writeBytes(block.imageHeader);
            if (!same) {
                writeI32(headers, block.relation.spcNode());
                writeI32(headers, block.relation.dbNode());
                writeI32(headers, block.relation.relNode());
            }
            writeI32(headers, block.number);
            payloads.writeBytes(block.image);
            payloads.writeBytes(block.data);
            previous = block.relation;
        }
        writeExtras(headers);
        payloads.writeBytes(main);
        byte[] record = new byte[24 + headers.size() + payloads.size()];
        LittleEndian.putI32(record, 0, record.length);
        LittleEndian.putI32(record, 4, xid);
        record[16] = (byte) info;
        record[17] = (byte) manager;
        System.arraycopy(headers.toByteArray(), 0, record, 24, headers.size());
        System.arraycopy(payloads.toByteArray(), 0, record, 24 + headers.size(), payloads.size());
        return record;
    }

    private void writeExtras(ByteArrayOutputStream headers) {
        if (origin >= 0) {
            headers.write(253);
            writeU16(headers, origin);
        }
        if (topLevelXid >= 0) {
            headers.write(252);
            writeI32(headers, topLevelXid);
        }
        if (main.length > 255) {
            headers.write(254);
            writeI32(headers, main.length);
        } else if (main.length > 0) {
            headers.write(255);
            headers.write(main.length);
        }
    }

    /** The record, decoded, as if it ended at {@code endLsn}. */
    public WalRecord decoded(long startLsn, long endLsn) throws MalformedRecordException {
        byte[] bytes = build();
        WalRecord record = new WalRecord();
        new RecordDecoder().decode(version, bytes, 0, bytes.length, startLsn, endLsn, record);
        return record;
    }

    private static void writeU16(ByteArrayOutputStream out, int value) {
        out.write(value);
        out.write(value >> 8);
    }

    private static void writeI32(ByteArrayOutputStream out, int value) {
        writeU16(out, value);
        writeU16(out, value >> 16);
    }
}
