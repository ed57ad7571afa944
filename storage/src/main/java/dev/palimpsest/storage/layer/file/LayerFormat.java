package dev.palimpsest.storage.layer.file;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.btree.BtreeCursor;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import java.nio.ByteBuffer;
import java.util.function.IntFunction;

/** What differs between the files of delta and of image layers, as far as this package needs to know. Stateless. */
public interface LayerFormat {
    /** The version of the format that all files have. */
    int VERSION = 3;

    /**
     * A layer file may not be larger, in bytes: the object store takes no more in one upload.
     */
    long MAX_FILE_BYTES = 4_500_000_000L;

    /** What kind of layer. */
    LayerKind kind();

    /** The first two bytes of every file. */
    int magic();

    /** Bytes of the LSNs in the summary. */
    int lsnBytes();

    /** Bytes of a key of the index. */
    int indexKeyBytes();

    /** What reading the index is entered as into a request's account. */
    ContentKind indexContent();

    /** What reading the blobs is entered as into a request's account. */
    ContentKind valueContent();

    /** Writes the LSNs of a name at the buffer's position. */
    void writeLsns(LayerName name, ByteBuffer target);

    /**
     * Reads LSNs at {@code offset}.
     *
     * @throws IllegalArgumentException if no layer can have them
     */
    LayerName readName(KeyRange keys, ByteBuffer source, int offset);

    /** Writes the key of the index under which a layer would have the value of {@code key} at {@code lsn}. */
    void writeIndexKey(Key key, Lsn lsn, byte[] target);

    /** The LSN of the value that an entry of the index of {@code layer} is of. */
    Lsn lsn(LayerName layer, BtreeCursor entry);

    /** Where the blob is whose entry in the index has this value. */
    long blobOffset(long indexValue);

    /** Whether the value initialises its key whose entry in the index has this value. */
    boolean willInit(long indexValue);

    /**
     * Makes a value of a blob.
     *
     * @param blob all of a buffer between position and limit; not kept
     * @param arrays gives the array of an image, of exactly the length that it is asked for; what is in it does not matter
     * @param resource the file, for the error
     * @param offset where in it the blob begins, for the error
     * @throws CorruptionException if it is none
     */
    Value decode(ByteBuffer blob, IntFunction<byte[]> arrays, String resource, long offset) throws CorruptionException;

    /**
     * Appends a blob to {@code target} in the form in which iterators give values.
     *
     * @param blob all of a buffer between position and limit
     * @param target has at least {@link #ENVELOPE_BYTES} more than the blob free
     */
    void copyValue(ByteBuffer blob, ByteBuffer target);

    /** By how much the form in which iterators give values may be longer than a blob. */
    int ENVELOPE_BYTES = ValueCodec.IMAGE_HEADER_SIZE;

    /** Bytes of the summary. */
    default int summaryBytes() {
        return LayerSummary.OFFSET_LSNS + lsnBytes() + 8;
    }
}
