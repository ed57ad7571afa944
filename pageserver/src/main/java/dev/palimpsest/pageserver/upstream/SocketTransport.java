package dev.palimpsest.pageserver.upstream;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;

/**
 * A TCP or Unix socket. The channel does not block, and whoever must wait does so in a selector, one for each direction: that
 * gives timeouts and a way to wake for both kinds of socket, and blocks a virtual thread without its carrier.
 */
final class SocketTransport implements Transport {
    /** What one read asks for: as much as stays in a core's cache while the runtime copies it to the heap. */
    private static final int READ_SIZE = 256 << 10;

    private final SocketChannel channel;
    private final Selector readable;
    private final Selector writable;

    private SocketTransport(SocketChannel channel, Selector readable, Selector writable) {
        this.channel = channel;
        this.readable = readable;
        this.writable = writable;
    }

    /**
     * Connects.
     *
     * @param timeoutNanos how long that may take
     */
    static SocketTransport connect(SocketAddress address, long timeoutNanos) throws IOException {
        boolean unix = address instanceof UnixDomainSocketAddress;
        SocketChannel channel = unix ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open();
        try {
            channel.configureBlocking(false);
            if (!unix) {
                // Status messages are small, and waited for. The receive buffer is left to the kernel: it grows to what
                // the
                // link needs, while a size that is asked for is cut to net.core.rmem_max, often 208 KiB, and stays
                // there.
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            }
            if (!channel.connect(address)) {
                awaitConnection(channel, timeoutNanos);
            }
            Selector readable = Selector.open();
            Selector writable;
            try {
                writable = Selector.open();
            } catch (IOException e) {
                readable.close();
                throw e;
            }
            SocketTransport transport = new SocketTransport(channel, readable, writable);
            try {
                channel.register(readable, SelectionKey.OP_READ);
                channel.register(writable, SelectionKey.OP_WRITE);
            } catch (IOException e) {
                transport.close();
                throw e;
            }
            return transport;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void awaitConnection(SocketChannel channel, long timeoutNanos) throws IOException {
        try (Selector selector = Selector.open()) {
            channel.register(selector, SelectionKey.OP_CONNECT);
            long deadline = System.nanoTime() + timeoutNanos;
            while (!channel.finishConnect()) {
                if (!await(selector, deadline - System.nanoTime())) {
                    throw new ConnectException(
                            "no answer within " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms");
                }
            }
        }
    }

    /** Taking the keys this way keeps the selector from gathering them in a set, with an object for each. */
    private static void noteReady(SelectionKey key) {
        // Whoever waits tries again.
    }

    /** Waits until something is ready, or may be; false if the time is over. */
    private static boolean await(Selector selector, long timeoutNanos) throws IOException {
        if (timeoutNanos <= 0) {
            return false;
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new ClosedByInterruptException();
        }
        try {
            // Rounded up, because a select of 0 ms has no end.
            selector.select(SocketTransport::noteReady, TimeUnit.NANOSECONDS.toMillis(timeoutNanos - 1) + 1);
        } catch (ClosedSelectorException e) {
            AsynchronousCloseException closed = new AsynchronousCloseException();
            closed.initCause(e);
            throw closed;
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new ClosedByInterruptException();
        }
        return true;
    }

    @Override
    public int read(ByteBuffer target, long timeoutNanos) throws IOException {
        int count = readNow(target);
        if (count != 0 || timeoutNanos <= 0) {
            return count;
        }
        long deadline = System.nanoTime() + timeoutNanos;
        while (count == 0 && await(readable, deadline - System.nanoTime())) {
            count = readNow(target);
        }
        return count;
    }

    private int readNow(ByteBuffer target) throws IOException {
        int limit = target.limit();
        if (target.remaining() > READ_SIZE) {
            target.limit(target.position() + READ_SIZE);
        }
        try {
            return channel.read(target);
        } finally {
            target.limit(limit);
        }
    }

    @Override
    public void write(ByteBuffer source, long timeoutNanos) throws IOException {
        channel.write(source);
        if (!source.hasRemaining()) {
            return;
        }
        long deadline = System.nanoTime() + timeoutNanos;
        while (source.hasRemaining()) {
            if (!await(writable, deadline - System.nanoTime())) {
                throw new SocketTimeoutException(
                        "the server has taken nothing for " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms");
            }
            channel.write(source);
        }
    }

    @Override
    public void close() {
        // The selectors first: closing a channel that does not block wakes nobody, closing a selector does.
        closeQuietly(readable);
        closeQuietly(writable);
        closeQuietly(channel);
    }

    private static void closeQuietly(java.io.Closeable resource) {
        try {
            resource.close();
        } catch (ClosedChannelException e) {
            // closed already
        } catch (IOException e) {
            // Nothing can be done about it, and nothing of ours is lost: what was to be sent has been handed over.
        }
    }
}
