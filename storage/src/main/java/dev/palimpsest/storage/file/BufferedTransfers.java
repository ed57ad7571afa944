package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.OutsideWorld;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Through the kernel's page cache. */
@OutsideWorld
final class BufferedTransfers implements Transfers {
    /** The JDK copies heap buffers through direct memory that it then keeps for each thread: this bounds it. */
    private static final int HEAP_CHUNK = 128 * 1024;

    @Override
    public int read(FileChannel channel, long offset, ByteBuffer target) throws IOException {
        int limit = bound(target);
        try {
            return channel.read(target, offset);
        } finally {
            target.limit(limit);
        }
    }

    @Override
    public int write(FileChannel channel, long offset, ByteBuffer source, long size) throws IOException {
        int limit = bound(source);
        try {
            return channel.write(source, offset);
        } finally {
            source.limit(limit);
        }
    }

    /** Makes the buffer no longer than one transfer may be; returns the limit it had. */
    private static int bound(ByteBuffer buffer) {
        int limit = buffer.limit();
        if (!buffer.isDirect() && buffer.remaining() > HEAP_CHUNK) {
            buffer.limit(buffer.position() + HEAP_CHUNK);
        }
        return limit;
    }
}
