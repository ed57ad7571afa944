package dev.palimpsest.postgres.protocol;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads the body of a message from its start to its end. Every reading method checks that the bytes are there. */
public final class MessageBody {
    private final byte[] bytes;
    private final int end;
    private int position;

    /** The body in {@code bytes} from {@code offset} on; the bytes are not copied. */
    public MessageBody(byte[] bytes, int offset, int length) {
        if (offset < 0 || length < 0 || offset > bytes.length - length) {
            throw new IllegalArgumentException(offset + " + " + length + " of " + bytes.length);
        }
        this.bytes = bytes;
        this.position = offset;
        this.end = offset + length;
    }

    private int take(int count) throws MalformedMessageException {
        if (count > end - position) {
            throw new MalformedMessageException(
                    "the message ends " + (end - position) + " bytes on, where " + count + " are needed");
        }
        int at = position;
        position += count;
        return at;
    }

    /** A byte. */
    public byte int8() throws MalformedMessageException {
        return bytes[take(1)];
    }

    /** Two bytes, signed. */
    public short int16() throws MalformedMessageException {
        return BigEndian.int16(bytes, take(2));
    }

    /** Four bytes, signed. */
    public int int32() throws MalformedMessageException {
        return BigEndian.int32(bytes, take(4));
    }

    /** Eight bytes, signed. */
    public long int64() throws MalformedMessageException {
        return BigEndian.int64(bytes, take(8));
    }

    /** Bytes up to a zero byte, which is taken too, as UTF-8. */
    public String string() throws MalformedMessageException {
        for (int at = position; at < end; at++) {
            if (bytes[at] == 0) {
                String text = new String(bytes, position, at - position, StandardCharsets.UTF_8);
                position = at + 1;
                return text;
            }
        }
        throw new MalformedMessageException(
                "a string without an end, " + (end - position) + " bytes before the message's");
    }

    /** A copy of so many bytes, 0 or more. */
    public byte[] bytes(int count) throws MalformedMessageException {
        int at = take(count);
        return Arrays.copyOfRange(bytes, at, at + count);
    }

    /** How many bytes are left. */
    public int remaining() {
        return end - position;
    }

    /**
     * Checks that nothing is left.
     *
     * @throws MalformedMessageException if something is
     */
    public void end() throws MalformedMessageException {
        if (position != end) {
            throw new MalformedMessageException("the message goes on for " + (end - position) + " bytes after its end");
        }
    }
}
