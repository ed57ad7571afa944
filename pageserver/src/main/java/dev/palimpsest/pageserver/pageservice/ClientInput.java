package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.protocol.BigEndian;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.MessageBody;
import dev.palimpsest.postgres.protocol.StartupPacket;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Messages from a client, one after the other. Reads as much as there is, so that many come with one call. Used by one thread. */
final class ClientInput {
    /** The longest message that is taken, in bytes after its type. */
    static final int MAX_LENGTH = 64 << 10;

    private static final int TYPE_SIZE = 1;
    private static final int LENGTH_SIZE = 4;

    private InputStream in;
    private final byte[] buffer = new byte[TYPE_SIZE + MAX_LENGTH];
    private int start;
    private int end;
    private int bodyStart;
    private int bodyLength;

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
            System.arraycopy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        while (end - start < count) {
            int read = in.read(buffer, end, buffer.length - end);
            if (read < 0) {
                return false;
            }
            end += read;
        }
        return true;
    }
}
