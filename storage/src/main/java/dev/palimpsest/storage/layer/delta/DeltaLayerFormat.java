package dev.palimpsest.storage.layer.delta;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.btree.BtreeCursor;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.file.LayerFormat;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import java.nio.ByteBuffer;
import java.util.function.IntFunction;

/**
 * The file of a delta layer: Neon's format, version 3. A file is a whole number of blocks of 8192 bytes; all numbers are
 * unsigned and big-endian.
 *
 * <pre>
 * block        content
 * 0            summary (below); the header of the checksums at offset 128; zeros
 * 1 ..         blobs, one after the other from offset 8192 on; zeros to the end of the block
 * ..           the table of the checksums, not in files that Neon wrote
 * i ..         index: a B-tree ({@link dev.palimpsest.storage.btree.BtreeBuilder}), to the end of the file
 *
 * summary
 * offset  size  field
 *      0     2  magic, 5A61
 *      2     2  version, 3
 *      4    16  tenant
 *     20    16  timeline on which it was written
 *     36    18  first key
 *     54    18  end key, exclusive
 *     72     8  first LSN
 *     80     8  end LSN, exclusive
 *     88     4  i, the block in which the index begins
 *     92     4  the block of the index's root, counted from i; it is the last one of the file
 *
 * entry of the index
 * key     18    key
 *          8    LSN
 * value 39 bits (offset of the blob's header in the file) × 2, + 1 if the value initialises its key
 * </pre>
 *
 * <p>A blob ({@link dev.palimpsest.storage.blob.BlobHeader}) is a value as
 * {@link dev.palimpsest.storage.value.ValueCodec} writes it. Blobs are in the order of the index, strictly ascending by
 * key, then LSN; this writer does not compress them, but readers take compressed ones. The checksums are those of
 * {@link dev.palimpsest.storage.layer.file.LayerFileReader}.
 */
public final class DeltaLayerFormat implements LayerFormat {
    /** The one instance. */
    public static final DeltaLayerFormat INSTANCE = new DeltaLayerFormat();

    /** Where the LSN is in a key of the index. */
    static final int OFFSET_INDEX_LSN = Key.SIZE;

    private DeltaLayerFormat() {}

    @Override
    public LayerKind kind() {
        return LayerKind.DELTA;
    }

    @Override
    public int magic() {
        return 0x5A61;
    }

    @Override
    public int lsnBytes() {
        return 16;
    }

    @Override
    public int indexKeyBytes() {
        return Key.SIZE + 8;
    }

    @Override
    public ContentKind indexContent() {
        return ContentKind.DELTA_LAYER_INDEX;
    }

    @Override
    public ContentKind valueContent() {
        return ContentKind.DELTA_LAYER_VALUE;
    }

    @Override
    public void writeLsns(LayerName name, ByteBuffer target) {
        target.putLong(name.lsnStart().value()).putLong(name.lsnEnd().value());
    }

    @Override
    public LayerName readName(KeyRange keys, ByteBuffer source, int offset) {
        return new DeltaLayerName(
                keys, new LsnRange(new Lsn(source.getLong(offset)), new Lsn(source.getLong(offset + 8))));
    }

    /** The value of an index entry for a blob whose header is at {@code offset}. */
    static long reference(long offset, boolean willInit) {
        return offset << 1 | (willInit ? 1 : 0);
    }

    @Override
    public void writeIndexKey(Key key, Lsn lsn, byte[] target) {
        ByteBuffer buffer = ByteBuffer.wrap(target);
        key.write(buffer);
        buffer.putLong(lsn.value());
    }

    @Override
    public Lsn lsn(LayerName layer, BtreeCursor entry) {
        return new Lsn(entry.keyLong(OFFSET_INDEX_LSN));
    }

    @Override
    public long blobOffset(long indexValue) {
        return indexValue >>> 1;
    }

    @Override
    public boolean willInit(long indexValue) {
        return (indexValue & 1) != 0;
    }

    @Override
    public Value decode(ByteBuffer blob, IntFunction<byte[]> arrays, String resource, long offset)
            throws CorruptionException {
        return ValueCodec.decode(blob, arrays, resource, offset);
    }

    @Override
    public void copyValue(ByteBuffer blob, ByteBuffer target) {
        target.put(blob);
    }
}
