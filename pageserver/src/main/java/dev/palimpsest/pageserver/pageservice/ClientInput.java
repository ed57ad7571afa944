package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.protocol.BigEndian;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.MessageBody;
import dev.palimpsest.postgres.protocol.StartupPacket;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Messages from a client, one after the other. Reads as much as there is, so that many come with one call. Used by one thread;
 * {@link #silentSince}, {@link #stuckSince} and {@link #stop} by any.
 */
final class ClientInput {
    /** The longest message that is taken, in bytes after its type. */
    static final int MAX_LENGTH = 64 << 10;

    private static final int TYPE_SIZE = 1;
    private static final int LENGTH_SIZE = 4;
    /** Enough for more requests than are read together; longer messages are rare. */
    private static final int USUAL_BUFFER_SIZE = 8 << 10;

    private InputStream in;
    private byte[] buffer = new byte[USUAL_BUFFER_SIZE];
    private int start;
    private int end;
    private int bodyStart;
    private int bodyLength;
    private volatile long silentSince;
    private volatile long stuckSince;
    /** Until when, by {@link System#nanoTime}, what is here is taken; 0 for ever. */
    private volatile long lastUntil;

    ClientInput(InputStream in) {
        this.in = in;
    }

    /** Goes on with another stream; what of the old one was read is not forgotten. */
    void continueWith(InputStream other) {
        in = other;
    }

    /** The next byte, which stays where it is; -1 if the client has ended the connection. */
    int peek() throws IOException {
        return fill(TYPE_SIZE) ? buffer[start] & 0xFF : -1;
    }

    /** Takes what was read and is no message yet. */
    byte[] takeUnused() {
        byte[] unused = Arrays.copyOfRange(buffer, start, end);
        start = end;
        return unused;
    }

    /**
     * Reads a packet without a type.
     *
     * @return its body, good until the next one is read; null if the client has ended the connection
     */
    @Nullable
    MessageBody startupPacket() throws IOException, MalformedMessageException {
        if (!fill(LENGTH_SIZE)) {
            return null;
        }
        int length = BigEndian.int32(buffer, start);
        if (length < StartupPacket.MIN_SIZE || length > StartupPacket.MAX_SIZE) {
            throw new MalformedMessageException("a startup packet of " + Integer.toUnsignedString(length) + " bytes");
        }
        if (!fill(length)) {
            return null;
        }
        MessageBody body = new MessageBody(buffer, start + LENGTH_SIZE, length - LENGTH_SIZE);
        start += length;
        return body;
    }

    /**
     * Reads the next message.
     *
     * @return its type; -1 if the client has ended the connection, even in the middle of a message
     */
    int next() throws IOException, MalformedMessageException {
        if (!fill(TYPE_SIZE + LENGTH_SIZE)) {
            return -1;
        }
        int length = length();
        if (!fill(TYPE_SIZE + length)) {
            return -1;
        }
        if (stuckSince != 0) {
            stuckSince = 0;
        }
        int type = buffer[start];
        bodyStart = start + TYPE_SIZE + LENGTH_SIZE;
        bodyLength = length - LENGTH_SIZE;
        start += TYPE_SIZE + length;
        return type;
    }

    private int length() throws MalformedMessageException {
        int length = BigEndian.int32(buffer, start + TYPE_SIZE);
        if (length < LENGTH_SIZE || length > MAX_LENGTH) {
            throw new MalformedMessageException(
                    "a message of " + Integer.toUnsignedString(length) + " bytes; they have 4 to " + MAX_LENGTH);
        }
        return length;
    }

    /** The body of what {@link #next} has read; good until it is called again. */
    MessageBody body() {
        return new MessageBody(buffer, bodyStart, bodyLength);
    }

    /** Whether a whole message is here, so that {@link #next} does not wait. */
    boolean hasNext() {
        int there = end - start;
        return there >= TYPE_SIZE + LENGTH_SIZE
                && there - TYPE_SIZE >= Integer.toUnsignedLong(BigEndian.int32(buffer, start + TYPE_SIZE));
    }

    /** Makes sure that so many bytes are there; false if the client has ended the connection before. */
    private boolean fill(int count) throws IOException {
        if (end - start >= count) {
            return true;
        }
        if (start + count > buffer.length || start == end) {
            byte[] target = count > buffer.length ? new byte[TYPE_SIZE + MAX_LENGTH] : buffer;
            System.arraycopy(buffer, start, target, 0, end - start);
            buffer = target;
            end -= start;
            start = 0;
        }
        while (end - start < count) {
            int read = receive();
            if (read < 0) {
                return false;
            }
            end += read;
        }
        return true;
    }

    /** Waits for more; -1 if nothing more comes, or is wanted. */
    private int receive() throws IOException {
        // 0 means that nothing is waited for.
        long now = Math.max(1, System.nanoTime());
        if (end == start) {
            silentSince = now;
        } else if (stuckSince == 0) {
            stuckSince = now;
        }
        try {
            // Looked at after it is visible that this waits, so that whoever stops it sees either that, or finds it
            // stopped.
            long limit = lastUntil;
            if (limit != 0 && (now - limit > 0 || in.available() == 0)) {
                return -1;
            }
            return in.read(buffer, end, buffer.length - end);
        } finally {
            silentSince = 0;
        }
    }

    /**
     * From now on only what is here already is taken, for a time; then it is as if the client had ended the connection.
     *
     * @return whether somebody waits for more just now, who is to be woken
     */
    boolean stop(long nanos) {
        lastUntil = Math.max(1, System.nanoTime() + nanos);
        return silentSince != 0 || stuckSince != 0;
    }

    /** Since when, by {@link System#nanoTime}, a message has been waited for of which nothing is here; 0 if none is. */
    long silentSince() {
        return silentSince;
    }

    /** Since when, by {@link System#nanoTime}, the rest of a message that has begun has been waited for; 0 if none is. */
    long stuckSince() {
        return stuckSince;
    }
}
