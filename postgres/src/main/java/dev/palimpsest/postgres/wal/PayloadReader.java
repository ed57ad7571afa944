package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.RelFileNode;

/** A cursor over a {@link Payload}, for what has no fixed place in it. Each read moves it past what was read. */
public final class PayloadReader {
    private final Payload payload;
    private int position;

    PayloadReader(Payload payload, int position) {
        this.payload = payload;
        this.position = position;
    }

    /** The offset in the payload of what is read next. */
    public int position() {
        return position;
    }

    /** The bytes that are left; never negative. */
    public int remaining() {
        return Math.max(0, payload.length() - position);
    }

    /** A byte, 0 to 255. */
    public int u8() throws MalformedRecordException {
        int value = payload.u8(position);
        position += 1;
        return value;
    }

    /** A 16-bit integer, 0 to 65535. */
    public int u16() throws MalformedRecordException {
        int value = payload.u16(position);
        position += 2;
        return value;
    }

    /** A 32-bit integer. */
    public int i32() throws MalformedRecordException {
        int value = payload.i32(position);
        position += 4;
        return value;
    }

    /** A 64-bit integer. */
    public long i64() throws MalformedRecordException {
        long value = payload.i64(position);
        position += 8;
        return value;
    }

    /** A relation, 12 bytes. */
    public RelFileNode relation() throws MalformedRecordException {
        RelFileNode value = payload.relation(position);
        position += RelFileNode.SIZE;
        return value;
    }

    /** A 32-bit count of things of {@code size} bytes each, after checking that as many follow. */
    public int count(int size) throws MalformedRecordException {
        int at = position;
        int count = i32();
        if (count < 0 || (long) count * size > remaining()) {
            throw payload.malformed("a count of " + count + " at offset " + at + ", where " + remaining()
                    + " bytes follow and each takes " + size);
        }
        return count;
    }

    /** Passes over {@code size} bytes and returns where they begin in {@link Payload#array}. */
    public int take(int size) throws MalformedRecordException {
        payload.check(position, size);
        int at = payload.arrayOffset() + position;
        position += size;
        return at;
    }

    /** Moves on to the next multiple of {@code alignment} (a power of two), counted from the payload's first byte. */
    public void align(int alignment) {
        position = position + alignment - 1 & -alignment;
    }

    /** @throws MalformedRecordException if something is left */
    public void expectEnd() throws MalformedRecordException {
        if (remaining() > 0) {
            throw payload.malformed(remaining() + " bytes are left over at offset " + position);
        }
    }
}
