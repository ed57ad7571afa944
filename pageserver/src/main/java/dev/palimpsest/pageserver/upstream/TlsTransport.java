package dev.palimpsest.pageserver.upstream;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;

/** TLS over another transport. Reading decrypts straight into the caller's buffer where that has room for a record. */
final class TlsTransport implements Transport {
    /** How long an answer that TLS itself wants given, such as to a change of keys, may wait for room. */
    private static final long INTERNAL_WRITE_NANOS = 30_000_000_000L;

    private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);
    private static final int RECORDS_PER_READ = 16;

    private final Transport inner;
    private final SSLEngine engine;
    private final ReentrantLock writing = new ReentrantLock();
    private final ByteBuffer encryptedOut;
    /** From the other side, encrypted; between calls ready to be read from. Only the reader's. */
    private final ByteBuffer encryptedIn;
    /** Decrypted, for callers with little room; between calls ready to be read from. Only the reader's. */
    private final ByteBuffer decrypted;

    private TlsTransport(Transport inner, SSLEngine engine) {
        this.inner = inner;
        this.engine = engine;
        SSLSession session = engine.getSession();
        this.encryptedOut = ByteBuffer.allocate(session.getPacketBufferSize());
        this.encryptedIn = ByteBuffer.allocate(RECORDS_PER_READ * session.getPacketBufferSize());
        this.decrypted = ByteBuffer.allocate(session.getApplicationBufferSize());
        encryptedIn.limit(0);
        decrypted.limit(0);
    }

    /**
     * Shakes hands, as the client.
     *
     * @throws SSLException if the other side is not what the engine accepts; {@code inner} is left open
     */
    static TlsTransport connect(Transport inner, SSLEngine engine, long timeoutNanos) throws IOException {
        long deadline = System.nanoTime() + timeoutNanos;
        TlsTransport transport = new TlsTransport(inner, engine);
        engine.beginHandshake();
        while (true) {
            long left = deadline - System.nanoTime();
            switch (engine.getHandshakeStatus()) {
                case NEED_WRAP -> transport.write(EMPTY.duplicate(), left);
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> transport.handshakeRead(left);
                case NEED_TASK -> transport.runTasks();
                case FINISHED, NOT_HANDSHAKING -> {
                    return transport;
                }
            }
        }
    }

    private void handshakeRead(long timeoutNanos) throws IOException {
        decrypted.clear();
        try {
            SSLEngineResult result = engine.unwrap(encryptedIn, decrypted);
            if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                throw new EOFException("the server ended TLS during its handshake");
            }
            if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                int count = fill(timeoutNanos);
                if (count < 0) {
                    throw new EOFException("the server closed the connection during the TLS handshake");
                }
                if (count == 0) {
                    throw new SocketTimeoutException("no answer during the TLS handshake");
                }
            }
        } finally {
            decrypted.flip();
        }
    }

    /** What the handshake agreed on. */
    SSLSession session() {
        return engine.getSession();
    }

    private int fill(long timeoutNanos) throws IOException {
        encryptedIn.compact();
        try {
            return inner.read(encryptedIn, timeoutNanos);
        } finally {
            encryptedIn.flip();
        }
    }

    @Override
    public int read(ByteBuffer target, long timeoutNanos) throws IOException {
        int start = target.position();
        if (decrypted.hasRemaining()) {
            drain(target);
            return target.position() - start;
        }
        long deadline = System.nanoTime() + timeoutNanos;
        while (true) {
            boolean direct = target.remaining() >= decrypted.capacity();
            if (!direct && target.position() > start) {
                return target.position() - start;
            }
            SSLEngineResult result = unwrap(target, direct);
            switch (result.getStatus()) {
                case OK -> afterUnwrap(result);
                case CLOSED -> {
                    return target.position() > start ? target.position() - start : -1;
                }
                case BUFFER_UNDERFLOW -> {
                    if (target.position() > start) {
                        return target.position() - start;
                    }
                    int count = fill(deadline - System.nanoTime());
                    if (count <= 0) {
                        return count;
                    }
                }
                case BUFFER_OVERFLOW -> throw new SSLException("a TLS record longer than TLS has them");
            }
            if (decrypted.hasRemaining()) {
                drain(target);
                return target.position() - start;
            }
        }
    }

    private SSLEngineResult unwrap(ByteBuffer target, boolean direct) throws SSLException {
        if (direct) {
            return engine.unwrap(encryptedIn, target);
        }
        decrypted.clear();
        try {
            return engine.unwrap(encryptedIn, decrypted);
        } finally {
            decrypted.flip();
        }
    }

    private void afterUnwrap(SSLEngineResult result) throws IOException {
        if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
            runTasks();
        }
        if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
            write(EMPTY.duplicate(), INTERNAL_WRITE_NANOS);
        }
    }

    private void drain(ByteBuffer target) {
        int count = Math.min(target.remaining(), decrypted.remaining());
        target.put(target.position(), decrypted, decrypted.position(), count);
        target.position(target.position() + count);
        decrypted.position(decrypted.position() + count);
    }

    private void runTasks() {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    @Override
    public void write(ByteBuffer source, long timeoutNanos) throws IOException {
        long deadline = System.nanoTime() + timeoutNanos;
        writing.lock();
        try {
            do {
                encryptedOut.clear();
                SSLEngineResult result = engine.wrap(source, encryptedOut);
                encryptedOut.flip();
                if (encryptedOut.hasRemaining()) {
                    inner.write(encryptedOut, deadline - System.nanoTime());
                }
                if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                    throw new EOFException("TLS has ended");
                }
                if (result.bytesConsumed() == 0 && result.bytesProduced() == 0) {
                    return;
                }
            } while (source.hasRemaining());
        } finally {
            writing.unlock();
        }
    }

    @Override
    public void close() {
        if (writing.tryLock()) {
            try {
                engine.closeOutbound();
                encryptedOut.clear();
                engine.wrap(EMPTY.duplicate(), encryptedOut);
                encryptedOut.flip();
                inner.write(encryptedOut, 0);
            } catch (IOException e) {
                // A farewell that does not arrive is missed by nobody.
            } finally {
                writing.unlock();
            }
        }
        inner.close();
    }
}
