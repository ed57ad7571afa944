package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.ReadBuffers;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.file.Disk;

/**
 * What all layer files share to be read and written with.
 *
 * @param disk where the files are
 * @param blockCache keeps blocks of indexes and checksums
 * @param readBuffers what blobs are read into; best of at least {@code maxReadBytes}
 * @param zstd contexts to compress and decompress blobs with
 * @param maxReadBytes how long a read of more than one blob may become, in bytes
 * @param maxBlobBytes the largest value there can be, in bytes; what claims to be larger is damaged
 */
public record LayerIo(
        Disk disk,
        BlockCache blockCache,
        ReadBuffers readBuffers,
        ZstdContexts zstd,
        int maxReadBytes,
        int maxBlobBytes) {}
