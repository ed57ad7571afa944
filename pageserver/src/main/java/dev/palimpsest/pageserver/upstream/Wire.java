package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.BigEndian;
import dev.palimpsest.postgres.protocol.FrontendMessage;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.MessageBody;
import dev.palimpsest.postgres.protocol.ServerError;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages both ways between us and a server. One thread receives; any may send and close. A failure closes it.
 *
 * <p>Received bytes lie in one array, and a message is handed out where it lies: after {@link #next} until the next call the
 * body is {@link #bodyLength()} bytes of {@link #buffer()} from {@link #bodyOffset()} on.
 */
final class Wire implements AutoCloseable {
    /** The longest message taken in: WAL comes in pieces of 128 KiB, backups of 32 KiB, history files are small. */
    static final int MAX_MESSAGE = 16 << 20;

    /** The longest message taken in from a server that has not let us in yet. */
    private static final int MAX_LOGIN_MESSAGE = 64 << 10;

    /** What nothing came in time is in place of a message's type. */
    static final byte NOTHING = 0;

    private static final Logger LOG = LoggerFactory.getLogger(Wire.class);
    private static final int LOGIN_BUFFER = 16 << 10;
    private static final int BUFFER = 1 << 20;

    private final Transport transport;
    private final ServerAddress address;
    private final Map<String, String> reported = new HashMap<>();
    /** Held while a message goes out, so that two are never mixed; waiting for room is part of that. */
    private final ReentrantLock sending = new ReentrantLock();

    private int maxMessage = MAX_LOGIN_MESSAGE;
    private byte[] buffer = new byte[LOGIN_BUFFER];
    private ByteBuffer view = ByteBuffer.wrap(buffer);
    private int start;
    private int end;
    private int bodyOffset;
    private int bodyLength;
    private volatile boolean open = true;
    private volatile boolean closedHere;

    Wire(Transport transport, ServerAddress address) {
        this.transport = transport;
        this.address = address;
    }

    ServerAddress address() {
        return address;
    }

    boolean isOpen() {
        return open;
    }

    /** A setting that the server has reported, or null. */
    @Nullable
    String reported(String setting) {
        return reported.get(setting);
    }

    /** From here on messages may be as long as they get, because we are let in. */
    void loggedIn() {
        maxMessage = MAX_MESSAGE;
        grow(BUFFER);
    }

    private void grow(int size) {
        byte[] larger = new byte[size];
        System.arraycopy(buffer, start, larger, 0, end - start);
        end -= start;
        start = 0;
        buffer = larger;
        view = ByteBuffer.wrap(larger);
    }

    byte[] buffer() {
        return buffer;
    }

    int bodyOffset() {
        return bodyOffset;
    }

    int bodyLength() {
        return bodyLength;
    }

    MessageBody body() {
        return new MessageBody(buffer, bodyOffset, bodyLength);
    }

    /** Waits for the next message as {@link #next}, and takes none in time for a lost connection. */
    byte expect(Duration timeout, String what) throws UpstreamException {
        byte type = next(timeout.toNanos());
        if (type == NOTHING) {
            close();
            throw new ConnectionLostException(
                    address + " has been silent for " + timeout.toSeconds() + " s: " + what + " was expected");
        }
        return type;
    }

    /**
     * Waits for the next message other than notices and settings.
     *
     * @return its type, or {@link #NOTHING}
     */
    byte next(long timeoutNanos) throws UpstreamException {
        boolean waits = timeoutNanos > 0;
        long deadline = waits ? System.nanoTime() + timeoutNanos : 0;
        while (true) {
            int total = messageSize();
            if (total > 0 && total <= end - start) {
                byte type = buffer[start];
                bodyOffset = start + BackendMessage.HEADER_SIZE;
                bodyLength = total - BackendMessage.HEADER_SIZE;
                start += total;
                if (!isAside(type)) {
                    return type;
                }
            } else if (!fill(total, waits ? deadline - System.nanoTime() : 0)) {
                return NOTHING;
            }
        }
    }

    /** How long the message at the start of the buffer is, or 0 if that is not known yet. */
    private int messageSize() throws ProtocolBrokenException {
        if (end - start < BackendMessage.HEADER_SIZE) {
            return 0;
        }
        int length = BigEndian.int32(buffer, start + 1);
        if (length < 4 || length >= maxMessage) {
            byte type = buffer[start];
            throw broken("a message of type " + describe(type) + " and length " + Integer.toUnsignedString(length));
        }
        return 1 + length;
    }

    /** Reads more; false if nothing came in time. */
    private boolean fill(int wanted, long timeoutNanos) throws UpstreamException {
        if (start == end) {
            start = 0;
            end = 0;
        }
        int needed = Math.max(wanted, BackendMessage.HEADER_SIZE);
        if (needed > buffer.length) {
            grow(Math.min(maxMessage, Math.max(needed, 2 * buffer.length)));
        } else if (needed > buffer.length - start) {
            System.arraycopy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        view.limit(buffer.length).position(end);
        int count;
        try {
            count = transport.read(view, timeoutNanos);
        } catch (IOException e) {
            throw lost(e);
        }
        if (count < 0) {
            boolean midway = start != end;
            close(false);
            throw new ConnectionLostException(
                    address + " has closed the connection" + (midway ? " in the middle of a message" : ""));
        }
        end += count;
        return count > 0;
    }

    /** Whether it is a message that may come at any time; those are dealt with here. */
    private boolean isAside(byte type) throws ProtocolBrokenException {
        return switch (type) {
            case BackendMessage.PARAMETER_STATUS -> {
                noteSetting();
                yield true;
            }
            case BackendMessage.NOTICE_RESPONSE -> {
                LOG.debug("{} says {}", address, error());
                yield true;
            }
            case BackendMessage.NOTIFICATION -> true;
            default -> false;
        };
    }

    private void noteSetting() throws ProtocolBrokenException {
        try {
            MessageBody body = body();
            String name = body.string();
            reported.put(name, body.string());
            body.end();
        } catch (MalformedMessageException e) {
            throw broken("a ParameterStatus", e);
        }
    }

    /** The message at hand, an ErrorResponse or a NoticeResponse. */
    ServerError error() throws ProtocolBrokenException {
        try {
            return BackendMessage.error(body());
        } catch (MalformedMessageException e) {
            throw broken("an error message", e);
        }
    }

    /** Sends a message, whole. */
    void send(byte[] message, Duration timeout) throws UpstreamException {
        send(ByteBuffer.wrap(message), timeout);
    }

    /** Sends what is left in a buffer. */
    void send(ByteBuffer messages, Duration timeout) throws UpstreamException {
        sending.lock();
        try {
            transport.write(messages, timeout.toNanos());
        } catch (IOException e) {
            throw lost(e);
        } finally {
            sending.unlock();
        }
    }

    private ConnectionLostException lost(IOException e) {
        boolean ours = closedHere;
        close(false);
        if (ours) {
            return new ConnectionLostException("the connection to " + address + " was closed on this side", e);
        }
        if (e instanceof ClosedByInterruptException) {
            return new ConnectionLostException("the connection to " + address + " was given up: interrupted", e);
        }
        if (e instanceof SocketTimeoutException) {
            return new ConnectionLostException("the connection to " + address + " stalled: " + e.getMessage(), e);
        }
        return new ConnectionLostException("the connection to " + address + " broke: " + e.getMessage(), e);
    }

    /** The exception for something that PostgreSQL does not say; the wire is closed. */
    ProtocolBrokenException broken(String what) {
        close();
        return new ProtocolBrokenException(address + " does not speak PostgreSQL's protocol as we know it: " + what);
    }

    /** The same, with what is wrong about it. */
    ProtocolBrokenException broken(String what, Throwable cause) {
        close();
        return new ProtocolBrokenException(
                address + " does not speak PostgreSQL's protocol as we know it: " + what + ": " + cause.getMessage(),
                cause);
    }

    /** The exception for a message that does not belong here. */
    ProtocolBrokenException unexpected(byte type, String where) {
        return broken("a message of type " + describe(type) + " " + where);
    }

    private static String describe(byte type) {
        return type > 0x20 && type < 0x7f ? "'" + (char) type + "'" : String.format("0x%02x", type);
    }

    /** Says farewell, which only belongs where a command could be. */
    void terminate() {
        if (open && sending.tryLock()) {
            try {
                transport.write(ByteBuffer.wrap(FrontendMessage.terminate()), 0);
            } catch (IOException e) {
                // The server will notice by itself.
            } finally {
                sending.unlock();
            }
        }
        close();
    }

    @Override
    public void close() {
        close(true);
    }

    private void close(boolean here) {
        if (here) {
            closedHere = true;
        }
        open = false;
        transport.close();
    }
}
