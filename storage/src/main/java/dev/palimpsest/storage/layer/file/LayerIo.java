package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.ReadBuffers;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.runtime.Tasks;

/**
 * What all layer files share to be read and written with.
 *
 * @param disk where the files are
 * @param tasks who runs what goes on beside a writer
 * @param blockCache keeps blocks of indexes and checksums, and blocks of values if it has a cache for them
 * @param readBuffers what blobs are read into; best of at least {@code maxReadBytes}
 * @param zstd contexts to compress and decompress blobs with
 * @param maxReadBytes how long a read of more than one blob may become, in bytes
 * @param maxBlobBytes the largest value there can be, in bytes; what claims to be larger is damaged
 * @param writeBackBytes after how many bytes a file that is being written is first synced in the background, and again
 */
public record LayerIo(
        Disk disk,
        Tasks tasks,
        BlockCache blockCache,
        ReadBuffers readBuffers,
        ZstdContexts zstd,
        int maxReadBytes,
        int maxBlobBytes,
        long writeBackBytes) {
    /** Some milliseconds of a fast device: more would leave it idle at first, less would commit its journal too often. */
    public static final long DEFAULT_WRITE_BACK_BYTES = 16 << 20;
}
