package dev.palimpsest.storage.value;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntFunction;

/** Takes the fields of a value from its bytes, one after the other, and none that is not all there. Used by one thread. */
final class ValueBytes {
    private final ByteBuffer source;
    private final String resource;
    private final long offset;
    private int position;

    /**
     * @param source from its position to its limit, both of which stay
     * @param offset where in the resource the source's position is
     */
    ValueBytes(ByteBuffer source, String resource, long offset) {
        this.source = source;
        this.resource = resource;
        this.offset = offset;
        this.position = source.position();
    }

    private int remaining() {
        return source.limit() - position;
    }

    /** Moves past {@code size} bytes and says where they start. */
    private int take(int size, String what) throws CorruptionException {
        if (size > remaining()) {
            throw corrupt(0, "expected " + size + " bytes of " + what + ", found the last " + remaining());
        }
        int start = position;
        position += size;
        return start;
    }

    int takeInt(String what) throws CorruptionException {
        return source.getInt(take(Integer.BYTES, what));
    }

    long takeLong(String what) throws CorruptionException {
        return source.getLong(take(Long.BYTES, what));
    }

    /** From 0 to 255. */
    int takeByte(String what) throws CorruptionException {
        return Byte.toUnsignedInt(source.get(take(1, what)));
    }

    boolean takeBoolean(String what) throws CorruptionException {
        int value = takeByte(what);
        if (value > 1) {
            throw corrupt(1, "expected 0 or 1 for " + what + ", found " + value);
        }
        return value == 1;
    }

    OptionalInt takeOptionalInt(String what) throws CorruptionException {
        return takeBoolean(what) ? OptionalInt.of(takeInt(what)) : OptionalInt.empty();
    }

    /** A count of elements of which as many can follow as it says. */
    private int takeCount(int elementSize, String what) throws CorruptionException {
        long count = takeLong("the length of " + what);
        if (count < 0 || count > remaining() / elementSize) {
            throw corrupt(
                    Long.BYTES,
                    "the length of " + what + " is " + Long.toUnsignedString(count) + ", yet " + remaining()
                            + " bytes follow");
        }
        return (int) count;
    }

    byte[] takeBytes(String what) throws CorruptionException {
        return takeBytes(what, byte[]::new);
    }

    byte[] takeBytes(String what, IntFunction<byte[]> arrays) throws CorruptionException {
        byte[] bytes = arrays.apply(takeCount(1, what));
        source.get(take(bytes.length, what), bytes);
        return bytes;
    }

    void skipBytes(String what) throws CorruptionException {
        take(takeCount(1, what), what);
    }

    String takeString(String what) throws CorruptionException {
        int length = takeCount(1, what);
        int start = take(length, what);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(source.slice(start, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new CorruptionException(resource, offsetOf(start), what + " is not UTF-8", e);
        }
    }

    int[] takeIntegers(String what) throws CorruptionException {
        int[] integers = new int[takeCount(Integer.BYTES, what)];
        for (int i = 0; i < integers.length; i++) {
            integers[i] = takeInt(what);
        }
        return integers;
    }

    List<WalRecord.MultixactMember> takeMembers() throws CorruptionException {
        int count = takeCount(2 * Integer.BYTES, "members");
        List<WalRecord.MultixactMember> members = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            members.add(new WalRecord.MultixactMember(takeInt("members"), takeInt("members")));
        }
        return members;
    }

    void requireEnd() throws CorruptionException {
        if (remaining() != 0) {
            throw corrupt(0, "expected the end of a value, found " + remaining() + " more bytes");
        }
    }

    /** Damage found in the {@code back} bytes before the current position, or, if 0, at it. */
    CorruptionException corrupt(int back, String problem) {
        return new CorruptionException(resource, offsetOf(position - back), problem);
    }

    private long offsetOf(int at) {
        return offset + at - source.position();
    }
}
