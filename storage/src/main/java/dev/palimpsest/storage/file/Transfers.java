package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.OutsideWorld;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Moves bytes between buffers and channels of one disk, in one of its modes. Each call does as much as one transfer can
 * and moves the buffer's position by that; the caller goes on until it is done.
 */
@OutsideWorld
interface Transfers {
    /** Reads at least one byte; returns 0 or less at the end of the file. */
    int read(FileChannel channel, long offset, ByteBuffer target) throws IOException;

    /**
     * Writes at least one byte. If it fails the source's position may be anywhere.
     *
     * @param size how many bytes the file has, without padding
     * @return how many it wrote
     */
    int write(FileChannel channel, long offset, ByteBuffer source, long size) throws IOException;
}
