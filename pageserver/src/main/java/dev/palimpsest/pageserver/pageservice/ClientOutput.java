package dev.palimpsest.pageserver.pageservice;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * Bytes to a client, gathered until {@link #flush} or until there are many. Used by one thread; {@link #writingSince} by any.
 */
final class ClientOutput implements AutoCloseable {
    /** Enough for one page. */
    private static final int USUAL_BUFFER_SIZE = 9 << 10;

    private static final int MAX_BUFFER_SIZE = 8 * USUAL_BUFFER_SIZE;

    private Sink out;
    /** Of the thread that uses this; null as long as there is nothing to send. */
    private @Nullable Arena memory;
    /** Outside of the heap, from where the system takes it without a copy. */
    private ByteBuffer buffer = ByteBuffer.allocate(0);

    private volatile long writingSince;

    /** Where bytes go. */
    @FunctionalInterface
    private interface Sink {
        /** Takes all bytes between position and limit; waits until it has. */
        void write(ByteBuffer bytes) throws IOException;
    }

    ClientOutput(SocketChannel channel) {
        this.out = bytes -> {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        };
    }

    /** Goes on with another stream; nothing may be waiting for {@link #flush}. */
    void continueWith(OutputStream other) {
        byte[] copy = new byte[MAX_BUFFER_SIZE];
        out = bytes -> {
            int length = bytes.remaining();
            bytes.get(copy, 0, length);
            other.write(copy, 0, length);
            other.flush();
        };
    }

    void int8(int value) throws IOException {
        room(1);
        buffer.put((byte) value);
    }

    void int32(int value) throws IOException {
        room(4);
        buffer.putInt(value);
    }

    void int64(long value) throws IOException {
        room(8);
        buffer.putLong(value);
    }

    void bytes(byte[] source, int offset, int count) throws IOException {
        int done = 0;
        while (done < count) {
            room(Math.min(count - done, USUAL_BUFFER_SIZE));
            int now = Math.min(buffer.remaining(), count - done);
            buffer.put(source, offset + done, now);
            done += now;
        }
    }

    /** A whole message. */
    void message(byte[] message) throws IOException {
        bytes(message, 0, message.length);
    }

    private void room(int count) throws IOException {
        if (buffer.remaining() >= count) {
            return;
        }
        if (buffer.capacity() < MAX_BUFFER_SIZE) {
            grow();
        } else {
            flush();
        }
    }

    private void grow() {
        Arena arena = memory;
        if (arena == null) {
            arena = Arena.ofConfined();
            memory = arena;
        }
        int size = buffer.capacity() == 0 ? USUAL_BUFFER_SIZE : MAX_BUFFER_SIZE;
        buffer = arena.allocate(size).asByteBuffer().put(buffer.flip());
    }

    /** Gives the memory back; nothing is sent any more. By the thread that used it. */
    @Override
    public void close() {
        buffer = ByteBuffer.allocate(0);
        if (memory != null) {
            memory.close();
        }
    }

    /** Sends what is there; waits until the client, or the system on its behalf, has taken it. */
    void flush() throws IOException {
        if (buffer.position() == 0) {
            return;
        }
        // 0 means that nothing is being written.
        writingSince = Math.max(1, System.nanoTime());
        try {
            out.write(buffer.flip());
        } finally {
            writingSince = 0;
            buffer.clear();
        }
    }

    /** Since when, by {@link System#nanoTime}, the client has not taken what it was sent; 0 if it has taken all. */
    long writingSince() {
        return writingSince;
    }
}
