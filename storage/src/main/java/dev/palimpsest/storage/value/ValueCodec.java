package dev.palimpsest.storage.value;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.function.IntFunction;

/**
 * The bytes of a {@link Value}, as they lie in delta layers (an image layer has the bare image, and an ephemeral file bare
 * records of PostgreSQL). Neon's encoding: integers are big-endian, a value ends with its last field.
 *
 * <pre>
 * value    u32 tag
 *   0      image: bytes
 *   1      WAL record: u32 tag
 *     0      Postgres: bool willInit, bytes record
 *     1      ClearVisibilityMapFlags: optional u32 newHeapBlock, optional u32 oldHeapBlock, u8 flags
 *     2      ClogSetCommitted: u64 count, u32 xid each, i64 commitTime
 *     3      ClogSetAborted: u64 count, u32 xid each
 *     4      MultixactOffsetCreate: u32 multixact, u32 memberOffset
 *     5      MultixactMembersCreate: u32 memberOffset, u64 count, u32 xid and u32 status each
 *     6      AuxFile: string path, optional bytes content
 *     7      TruncateVisibilityMap: u64 truncByte, u64 truncOffset
 *     8      Test: string append, bool clear, bool willInit, optional string onlyIf
 *
 * bool       u8: 0 or 1
 * bytes      u64 length, as many bytes
 * string     bytes, of UTF-8
 * optional   u8 0, or u8 1 and what there is
 * </pre>
 *
 * <p>Neon of August 2024 had its test record, without {@code onlyIf}, at tag 7. All buffers must be big-endian. Stateless.
 */
public final class ValueCodec {
    private static final int IMAGE = 0;
    private static final int WAL_RECORD = 1;

    private static final int POSTGRES = 0;
    private static final int CLEAR_VISIBILITY_MAP_FLAGS = 1;
    private static final int CLOG_SET_COMMITTED = 2;
    private static final int CLOG_SET_ABORTED = 3;
    private static final int MULTIXACT_OFFSET_CREATE = 4;
    private static final int MULTIXACT_MEMBERS_CREATE = 5;
    private static final int AUX_FILE = 6;
    private static final int TRUNCATE_VISIBILITY_MAP = 7;
    private static final int TEST = 8;

    private static final int TAG = 4;
    private static final int LENGTH = 8;

    /** Bytes before the bytes of an image. */
    public static final int IMAGE_HEADER_SIZE = TAG + LENGTH;

    /** Bytes before the bytes of a {@link WalRecord.Postgres}. */
    public static final int POSTGRES_HEADER_SIZE = TAG + TAG + 1 + LENGTH;

    private ValueCodec() {}

    /**
     * The bytes that {@link #encode} writes.
     *
     * @throws IllegalArgumentException if there would be more than 2^31 - 1, or a string is not Unicode
     */
    public static int encodedSize(Value value) {
        long size = switch (value) {
            case Value.Image image -> (long) IMAGE_HEADER_SIZE + image.bytes().length;
            case WalRecord.Postgres postgres -> (long) POSTGRES_HEADER_SIZE + postgres.record().length;
            case WalRecord record -> TAG + TAG + fieldsSize(record);
        };
        if (size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a value of " + size + " bytes is too large to be encoded");
        }
        return (int) size;
    }

    private static long fieldsSize(WalRecord record) {
        return switch (record) {
            case WalRecord.Postgres postgres -> 1 + LENGTH + (long) postgres.record().length;
            case WalRecord.ClearVisibilityMapFlags clear ->
                optionalSize(clear.newHeapBlock()) + optionalSize(clear.oldHeapBlock()) + 1;
            case WalRecord.ClogSetCommitted commit -> LENGTH + 4L * commit.xids().length + 8;
            case WalRecord.ClogSetAborted abort -> LENGTH + 4L * abort.xids().length;
            case WalRecord.MultixactOffsetCreate _ -> 4 + 4;
            case WalRecord.MultixactMembersCreate create ->
                4 + LENGTH + 8L * create.members().size();
            case WalRecord.AuxFile(String path, byte[] content) ->
                LENGTH + utf8(path).remaining() + 1L + (content == null ? 0 : LENGTH + content.length);
            case WalRecord.TruncateVisibilityMap _ -> 8 + 8;
            case WalRecord.Test(String append, boolean _, boolean _, String onlyIf) ->
                LENGTH
                        + utf8(append).remaining()
                        + 3L
                        + (onlyIf == null ? 0 : LENGTH + utf8(onlyIf).remaining());
        };
    }

    private static long optionalSize(OptionalInt block) {
        return block.isPresent() ? 1 + 4 : 1;
    }

    /**
     * Writes a value at the target's position.
     *
     * @throws IllegalArgumentException if the target has no room for {@link #encodedSize}
     */
    public static void encode(Value value, ByteBuffer target) {
        requireRoom(target, encodedSize(value));
        switch (value) {
            case Value.Image(byte[] bytes) -> putBytes(target.putInt(IMAGE), bytes);
            case WalRecord record -> encodeRecord(record, target.putInt(WAL_RECORD));
        }
    }

    private static void encodeRecord(WalRecord record, ByteBuffer target) {
        switch (record) {
            case WalRecord.Postgres(boolean willInit, byte[] bytes) ->
                putBytes(putBoolean(target.putInt(POSTGRES), willInit), bytes);
            case WalRecord.ClearVisibilityMapFlags(OptionalInt newBlock, OptionalInt oldBlock, int flags) -> {
                target.putInt(CLEAR_VISIBILITY_MAP_FLAGS);
                putOptional(target, newBlock);
                putOptional(target, oldBlock);
                target.put((byte) flags);
            }
            case WalRecord.ClogSetCommitted(int[] xids, long commitTime) ->
                putIntegers(target.putInt(CLOG_SET_COMMITTED), xids).putLong(commitTime);
            case WalRecord.ClogSetAborted(int[] xids) -> putIntegers(target.putInt(CLOG_SET_ABORTED), xids);
            case WalRecord.MultixactOffsetCreate(int multixact, int memberOffset) ->
                target.putInt(MULTIXACT_OFFSET_CREATE).putInt(multixact).putInt(memberOffset);
            case WalRecord.MultixactMembersCreate create -> {
                target.putInt(MULTIXACT_MEMBERS_CREATE).putInt(create.memberOffset());
                target.putLong(create.members().size());
                for (WalRecord.MultixactMember member : create.members()) {
                    target.putInt(member.xid()).putInt(member.status());
                }
            }
            case WalRecord.AuxFile(String path, byte[] content) -> {
                putString(target.putInt(AUX_FILE), path);
                putBoolean(target, content != null);
                if (content != null) {
                    putBytes(target, content);
                }
            }
            case WalRecord.TruncateVisibilityMap(long truncByte, long truncOffset) ->
                target.putInt(TRUNCATE_VISIBILITY_MAP).putLong(truncByte).putLong(truncOffset);
            case WalRecord.Test(String append, boolean clear, boolean willInit, String onlyIf) -> {
                putString(target.putInt(TEST), append);
                putBoolean(putBoolean(putBoolean(target, clear), willInit), onlyIf != null);
                if (onlyIf != null) {
                    putString(target, onlyIf);
                }
            }
        }
    }

    /** The bytes that {@link #encodeImage} writes for an image of {@code imageBytes} bytes. */
    public static int encodedImageSize(int imageBytes) {
        return Math.addExact(IMAGE_HEADER_SIZE, imageBytes);
    }

    /**
     * Writes an image at the target's position, as {@link #encode} would, without a {@link Value}. Allocates nothing.
     *
     * @param image from its position to its limit, both of which stay
     * @throws IllegalArgumentException if the target has no room for {@link #encodedImageSize}
     */
    public static void encodeImage(ByteBuffer image, ByteBuffer target) {
        requireRoom(target, encodedImageSize(image.remaining()));
        append(target.putInt(IMAGE), image);
    }

    /** The bytes that {@link #encodePostgres} writes for a record of {@code recordBytes} bytes. */
    public static int encodedPostgresSize(int recordBytes) {
        return Math.addExact(POSTGRES_HEADER_SIZE, recordBytes);
    }

    /**
     * Writes a {@link WalRecord.Postgres} at the target's position, as {@link #encode} would, without a {@link Value}.
     * Allocates nothing.
     *
     * @param record from its position to its limit, both of which stay
     * @throws IllegalArgumentException if the target has no room for {@link #encodedPostgresSize}
     */
    public static void encodePostgres(boolean willInit, ByteBuffer record, ByteBuffer target) {
        requireRoom(target, encodedPostgresSize(record.remaining()));
        append(putBoolean(target.putInt(WAL_RECORD).putInt(POSTGRES), willInit), record);
    }

    private static void append(ByteBuffer target, ByteBuffer bytes) {
        int length = bytes.remaining();
        target.putLong(length);
        target.put(target.position(), bytes, bytes.position(), length).position(target.position() + length);
    }

    /**
     * Reads the value that lies between the source's position and limit, both of which stay. Copies the payload once.
     *
     * @param resource what the source is a part of, for the error
     * @param offset where in it the source's position is, for the error
     * @throws CorruptionException if these bytes are anything but one value
     */
    public static Value decode(ByteBuffer source, String resource, long offset) throws CorruptionException {
        return decode(source, byte[]::new, resource, offset);
    }

    /**
     * The same.
     *
     * @param arrays gives the array of an image, of exactly the length that it is asked for; what is in it does not matter
     */
    public static Value decode(ByteBuffer source, IntFunction<byte[]> arrays, String resource, long offset)
            throws CorruptionException {
        requireBigEndian(source);
        ValueBytes bytes = new ValueBytes(source, resource, offset);
        int tag = bytes.takeInt("the tag of a value");
        Value value = switch (tag) {
            case IMAGE -> new Value.Image(bytes.takeBytes("an image", arrays));
            case WAL_RECORD -> decodeRecord(bytes);
            default -> throw bytes.corrupt(TAG, "expected the tag of a value, 0 or 1, found " + unsigned(tag));
        };
        bytes.requireEnd();
        return value;
    }

    private static WalRecord decodeRecord(ValueBytes bytes) throws CorruptionException {
        int tag = bytes.takeInt("the tag of a WAL record");
        return switch (tag) {
            case POSTGRES -> new WalRecord.Postgres(bytes.takeBoolean("willInit"), bytes.takeBytes("a WAL record"));
            case CLEAR_VISIBILITY_MAP_FLAGS ->
                new WalRecord.ClearVisibilityMapFlags(
                        bytes.takeOptionalInt("newHeapBlock"),
                        bytes.takeOptionalInt("oldHeapBlock"),
                        bytes.takeByte("flags"));
            case CLOG_SET_COMMITTED ->
                new WalRecord.ClogSetCommitted(bytes.takeIntegers("xids"), bytes.takeLong("commitTime"));
            case CLOG_SET_ABORTED -> new WalRecord.ClogSetAborted(bytes.takeIntegers("xids"));
            case MULTIXACT_OFFSET_CREATE ->
                new WalRecord.MultixactOffsetCreate(bytes.takeInt("multixact"), bytes.takeInt("memberOffset"));
            case MULTIXACT_MEMBERS_CREATE ->
                new WalRecord.MultixactMembersCreate(bytes.takeInt("memberOffset"), bytes.takeMembers());
            case AUX_FILE ->
                new WalRecord.AuxFile(
                        bytes.takeString("path"), bytes.takeBoolean("content") ? bytes.takeBytes("content") : null);
            case TRUNCATE_VISIBILITY_MAP ->
                new WalRecord.TruncateVisibilityMap(bytes.takeLong("truncByte"), bytes.takeLong("truncOffset"));
            case TEST ->
                new WalRecord.Test(
                        bytes.takeString("append"),
                        bytes.takeBoolean("clear"),
                        bytes.takeBoolean("willInit"),
                        bytes.takeBoolean("onlyIf") ? bytes.takeString("onlyIf") : null);
            default -> throw unknownRecord(bytes, tag);
        };
    }

    /**
     * What {@link Value#willInit()} of the value between the source's position and limit would be; reads no further than
     * it must. Position and limit stay.
     *
     * @param resource what the source is a part of, for the error
     * @param offset where in it the source's position is, for the error
     * @throws CorruptionException if the bytes that were looked at cannot be of a value
     */
    public static boolean willInit(ByteBuffer source, String resource, long offset) throws CorruptionException {
        requireBigEndian(source);
        if (source.remaining() >= IMAGE_HEADER_SIZE && source.getInt(source.position()) == IMAGE) {
            return true;
        }
        ValueBytes bytes = new ValueBytes(source, resource, offset);
        int tag = bytes.takeInt("the tag of a value");
        if (tag != WAL_RECORD) {
            throw bytes.corrupt(
                    TAG, "expected a value, found tag " + unsigned(tag) + " and " + source.remaining() + " bytes");
        }
        int recordTag = bytes.takeInt("the tag of a WAL record");
        return switch (recordTag) {
            case POSTGRES -> {
                boolean willInit = bytes.takeBoolean("willInit");
                bytes.takeLong("the length of a WAL record");
                yield willInit;
            }
            case TEST -> {
                bytes.skipBytes("append");
                bytes.takeBoolean("clear");
                yield bytes.takeBoolean("willInit");
            }
            case CLEAR_VISIBILITY_MAP_FLAGS,
                    CLOG_SET_COMMITTED,
                    CLOG_SET_ABORTED,
                    MULTIXACT_OFFSET_CREATE,
                    MULTIXACT_MEMBERS_CREATE,
                    AUX_FILE,
                    TRUNCATE_VISIBILITY_MAP -> false;
            default -> throw unknownRecord(bytes, recordTag);
        };
    }

    private static CorruptionException unknownRecord(ValueBytes bytes, int tag) {
        return bytes.corrupt(TAG, "expected the tag of a WAL record, 0 to 8, found " + unsigned(tag));
    }

    private static String unsigned(int tag) {
        return Integer.toUnsignedString(tag);
    }

    private static void requireRoom(ByteBuffer target, int size) {
        requireBigEndian(target);
        if (target.remaining() < size) {
            throw new IllegalArgumentException(
                    "a value of " + size + " bytes does not fit into " + target.remaining() + " bytes");
        }
    }

    private static void requireBigEndian(ByteBuffer buffer) {
        if (buffer.order() != ByteOrder.BIG_ENDIAN) {
            throw new IllegalArgumentException("the buffer of a value must be big-endian");
        }
    }

    private static ByteBuffer putBoolean(ByteBuffer target, boolean value) {
        return target.put((byte) (value ? 1 : 0));
    }

    private static void putBytes(ByteBuffer target, byte[] bytes) {
        target.putLong(bytes.length).put(bytes);
    }

    private static ByteBuffer putIntegers(ByteBuffer target, int[] integers) {
        target.putLong(integers.length);
        for (int integer : integers) {
            target.putInt(integer);
        }
        return target;
    }

    private static void putOptional(ByteBuffer target, OptionalInt integer) {
        putBoolean(target, integer.isPresent());
        if (integer.isPresent()) {
            target.putInt(integer.getAsInt());
        }
    }

    private static void putString(ByteBuffer target, String text) {
        ByteBuffer bytes = utf8(text);
        target.putLong(bytes.remaining()).put(bytes);
    }

    /** Unlike {@code getBytes} refuses half a surrogate pair, which would come back as a question mark. */
    private static ByteBuffer utf8(String text) {
        try {
            return StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("not Unicode: \"" + text + "\"", e);
        }
    }
}
