package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.OutsideWorld;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Past the kernel's page cache, which takes only offsets, lengths and addresses that are multiples of the alignment.
 * What is aligned goes straight between the caller's buffer and the device; the rest is copied through an aligned buffer,
 * on writing together with the bytes around it. A file whose size is not aligned is written with padding, which is cut
 * off at once.
 */
@OutsideWorld
final class DirectTransfers implements Transfers {
    private static final byte[] ZEROS = new byte[LocalDiskSettings.DIRECT_ALIGNMENT];

    private final int alignment = LocalDiskSettings.DIRECT_ALIGNMENT;
    private final BounceBuffers bounceBuffers;
    private final DiskCounters counters;

    DirectTransfers(BounceBuffers bounceBuffers, DiskCounters counters) {
        this.bounceBuffers = bounceBuffers;
        this.counters = counters;
    }

    @Override
    public int read(FileChannel channel, long offset, ByteBuffer target) throws IOException {
        int direct = alignedLength(offset, target);
        if (direct > 0) {
            int limit = target.limit();
            target.limit(target.position() + direct);
            try {
                return channel.read(target, offset);
            } finally {
                target.limit(limit);
            }
        }
        counters.bounces.increment();
        ByteBuffer bounce = bounceBuffers.take();
        try {
            int head = (int) (offset % alignment);
            bounce.limit((int) Math.min(bounce.capacity(), roundUp((long) head + target.remaining())));
            int length = Math.min(channel.read(bounce, offset - head) - head, target.remaining());
            if (length > 0) {
                target.put(target.position(), bounce, head, length);
                target.position(target.position() + length);
            }
            return length;
        } finally {
            bounceBuffers.give(bounce);
        }
    }

    @Override
    public int write(FileChannel channel, long offset, ByteBuffer source, long size) throws IOException {
        int direct = alignedLength(offset, source);
        if (direct > 0) {
            int limit = source.limit();
            source.limit(source.position() + direct);
            try {
                return channel.write(source, offset);
            } finally {
                source.limit(limit);
            }
        }
        counters.bounces.increment();
        ByteBuffer bounce = bounceBuffers.take();
        try {
            return writeThrough(bounce, channel, offset, source, size);
        } finally {
            bounceBuffers.give(bounce);
        }
    }

    private int writeThrough(ByteBuffer bounce, FileChannel channel, long offset, ByteBuffer source, long size)
            throws IOException {
        int head = (int) (offset % alignment);
        int length = Math.min(bounce.capacity() - head, source.remaining());
        int padded = (int) roundUp((long) head + length);
        long start = offset - head;
        if (head > 0) {
            readBlock(bounce, 0, channel, start, size);
        }
        boolean lastIsFirst = padded == alignment;
        if (head + length < padded && !(lastIsFirst && head > 0)) {
            readBlock(bounce, padded - alignment, channel, start + padded - alignment, size);
        }
        bounce.limit(padded).position(0);
        bounce.put(head, source, source.position(), length);
        while (bounce.hasRemaining()) {
            channel.write(bounce, start + bounce.position());
        }
        source.position(source.position() + length);
        long newSize = Math.max(size, offset + length);
        if (start + padded > newSize) {
            channel.truncate(newSize);
        }
        return length;
    }

    /** Gets the block of the file at {@code offset}, which is written again with it; zeros where the file has nothing. */
    private void readBlock(ByteBuffer bounce, int at, FileChannel channel, long offset, long size) throws IOException {
        int valid = (int) Math.min(alignment, Math.max(0, size - offset));
        if (valid > 0) {
            bounce.limit(at + alignment).position(at);
            int read = channel.read(bounce, offset);
            if (read < valid) {
                throw new IOException("the block at " + offset + " has only " + Math.max(0, read) + " bytes of the "
                        + valid + " written to it");
            }
        }
        bounce.clear().put(at + valid, ZEROS, 0, alignment - valid);
    }

    /** How much of what is to be moved needs no copy: all but a last part of a block, or nothing. */
    private int alignedLength(long offset, ByteBuffer buffer) {
        if (offset % alignment != 0
                || !buffer.isDirect()
                || buffer.remaining() < alignment
                || buffer.alignmentOffset(buffer.position(), alignment) != 0) {
            return 0;
        }
        return buffer.remaining() - buffer.remaining() % alignment;
    }

    private long roundUp(long length) {
        return (length + alignment - 1) / alignment * alignment;
    }
}
