package dev.palimpsest.storage.layer.image;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.btree.BtreeCursor;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.file.LayerFormat;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import java.nio.ByteBuffer;
import java.util.function.IntFunction;

/**
 * The file of an image layer: Neon's format, version 3. A file is a whole number of blocks of 8192 bytes; all numbers are
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
 *      0     2  magic, 5A60
 *      2     2  version, 3
 *      4    16  tenant
 *     20    16  timeline on which it was written
 *     36    18  first key
 *     54    18  end key, exclusive
 *     72     8  LSN
 *     80     4  i, the block in which the index begins
 *     84     4  the block of the index's root, counted from i; it is the last one of the file
 *
 * entry of the index
 * key     18    key
 * value 39 bits offset of the blob's header in the file
 * </pre>
 *
 * <p>A blob ({@link dev.palimpsest.storage.blob.BlobHeader}) is a page, or whatever else its key has, as it is; an empty one
 * says that a sparse key has no value. Blobs are in the order of the index, strictly ascending by key. The checksums are
 * those of {@link dev.palimpsest.storage.layer.file.LayerFileReader}.
 */
public final class ImageLayerFormat implements LayerFormat {
    /** The one instance. */
    public static final ImageLayerFormat INSTANCE = new ImageLayerFormat();

    private ImageLayerFormat() {}

    @Override
    public LayerKind kind() {
        return LayerKind.IMAGE;
    }

    @Override
    public int magic() {
        return 0x5A60;
    }

    @Override
    public int lsnBytes() {
        return 8;
    }

    @Override
    public int indexKeyBytes() {
        return Key.SIZE;
    }

    @Override
    public ContentKind indexContent() {
        return ContentKind.IMAGE_LAYER_INDEX;
    }

    @Override
    public ContentKind valueContent() {
        return ContentKind.IMAGE_LAYER_VALUE;
    }

    @Override
    public void writeLsns(LayerName name, ByteBuffer target) {
        target.putLong(name.lsnStart().value());
    }

    @Override
    public LayerName readName(KeyRange keys, ByteBuffer source, int offset) {
        return new ImageLayerName(keys, new Lsn(source.getLong(offset)));
    }

    @Override
    public void writeIndexKey(Key key, Lsn lsn, byte[] target) {
        key.write(ByteBuffer.wrap(target));
    }

    @Override
    public Lsn lsn(LayerName layer, BtreeCursor entry) {
        return layer.lsnStart();
    }

    @Override
    public long blobOffset(long indexValue) {
        return indexValue;
    }

    @Override
    public boolean willInit(long indexValue) {
        return true;
    }

    @Override
    public Value decode(ByteBuffer blob, IntFunction<byte[]> arrays, String resource, long offset) {
        byte[] image = arrays.apply(blob.remaining());
        blob.get(blob.position(), image);
        return new Value.Image(image);
    }

    @Override
    public void copyValue(ByteBuffer blob, ByteBuffer target) {
        ValueCodec.encodeImage(blob, target);
    }
}
