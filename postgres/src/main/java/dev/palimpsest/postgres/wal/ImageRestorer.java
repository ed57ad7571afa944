package dev.palimpsest.postgres.wal;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageLayout;
import java.util.Arrays;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.jspecify.annotations.Nullable;

/**
 * Turns the image of a page in a record back into the page: decompresses it and puts the hole back, as zeros.
 *
 * <p>The page's LSN is that of the image, which is older than the record's; redo sets it. Keeps scratch space and, once
 * it has met a zstd image, native memory until it is closed. Not thread-safe.
 */
public final class ImageRestorer implements AutoCloseable {
    private final byte[] scratch = new byte[PageLayout.PAGE_SIZE];
    private @Nullable LZ4SafeDecompressor lz4;
    private @Nullable ZstdDecompressCtx zstd;

    /** A restorer that holds no native memory yet. */
    public ImageRestorer() {}

    /**
     * Restores the image of block {@code blockId}.
     *
     * @param target gets all 8192 bytes; unchanged if this throws
     * @throws MalformedRecordException if the image does not decompress to the bytes it must have
     * @throws IllegalArgumentException if the block has no image
     */
    public void restore(WalRecord record, int blockId, Page target) throws MalformedRecordException {
        if (!record.hasImage(blockId)) {
            throw new IllegalArgumentException("block reference " + blockId + " has no image");
        }
        int holeOffset = record.holeOffset(blockId);
        int holeLength = record.holeLength(blockId);
        int size = PageLayout.PAGE_SIZE - holeLength;
        byte[] source = record.bytes();
        int from = record.imageOffset(blockId);
        if (record.imageCompression(blockId) != ImageCompression.NONE) {
            decompress(record, blockId, size);
            source = scratch;
            from = 0;
        }
        byte[] page = target.bytes();
        System.arraycopy(source, from, page, 0, holeOffset);
        Arrays.fill(page, holeOffset, holeOffset + holeLength, (byte) 0);
        System.arraycopy(source, from + holeOffset, page, holeOffset + holeLength, size - holeOffset);
    }

    private void decompress(WalRecord record, int blockId, int size) throws MalformedRecordException {
        byte[] source = record.bytes();
        int from = record.imageOffset(blockId);
        int length = record.imageLength(blockId);
        ImageCompression compression = record.imageCompression(blockId);
        boolean complete = switch (compression) {
            case NONE -> throw new IllegalStateException("not compressed");
            case PGLZ -> Pglz.decompress(source, from, length, scratch, size);
            case LZ4 -> decompressLz4(source, from, length, size);
            case ZSTD -> decompressZstd(source, from, length, size);
        };
        if (!complete) {
            throw new MalformedRecordException(
                    record.startLsn(),
                    "the " + compression + " image of block reference " + blockId + ", " + length
                            + " bytes, does not decompress to " + size);
        }
    }

    private boolean decompressLz4(byte[] source, int from, int length, int size) {
        LZ4SafeDecompressor decompressor = lz4;
        if (decompressor == null) {
            decompressor = LZ4Factory.safeInstance().safeDecompressor();
            lz4 = decompressor;
        }
        try {
            return decompressor.decompress(source, from, length, scratch, 0, size) == size;
        } catch (LZ4Exception e) {
            return false;
        }
    }

    private boolean decompressZstd(byte[] source, int from, int length, int size) {
        ZstdDecompressCtx context = zstd;
        if (context == null) {
            context = new ZstdDecompressCtx();
            zstd = context;
        }
        try {
            return context.decompressByteArray(scratch, 0, size, source, from, length) == size;
        } catch (ZstdException e) {
            return false;
        }
    }

    /** Frees the native memory; the restorer may not be used any more. */
    @Override
    public void close() {
        ZstdDecompressCtx context = zstd;
        if (context != null) {
            context.close();
        }
    }
}
