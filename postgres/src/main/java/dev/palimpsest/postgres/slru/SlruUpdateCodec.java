package dev.palimpsest.postgres.slru;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.TimestampTz;
import java.util.Arrays;

/**
 * A {@link SlruUpdate} as bytes, to be stored with its page. Which page, they do not say. Little-endian:
 *
 * <pre>
 * u8 0: Zero
 * u8 1: Status      u8 number of the status; u32 xid each
 * u8 2: CommitTime  i64 microseconds since 2000; u16 origin; u32 xid each
 * u8 3: Offsets     u32 first multixact; u32 offset each
 * u8 4: Members     u32 first offset; u32 xid each; u8 status each
 * </pre>
 */
public final class SlruUpdateCodec {
    private static final int ZERO = 0;
    private static final int STATUS = 1;
    private static final int COMMIT_TIME = 2;
    private static final int OFFSETS = 3;
    private static final int MEMBERS = 4;

    private static final int STATUS_HEADER = 2;
    private static final int COMMIT_TIME_HEADER = 11;
    private static final int OFFSETS_HEADER = 5;
    private static final int MEMBERS_HEADER = 5;

    private SlruUpdateCodec() {}

    /** The change as bytes. */
    public static byte[] encode(SlruUpdate update) {
        return switch (update) {
            case SlruUpdate.Zero ignored -> new byte[] {ZERO};
            case SlruUpdate.Status status -> {
                byte[] bytes = withInts(STATUS, STATUS_HEADER, status.xids(), 0);
                bytes[1] = (byte) status.status().number();
                yield bytes;
            }
            case SlruUpdate.CommitTime commit -> {
                byte[] bytes = withInts(COMMIT_TIME, COMMIT_TIME_HEADER, commit.xids(), 0);
                LittleEndian.putI64(bytes, 1, commit.time().micros());
                LittleEndian.putU16(bytes, 9, commit.origin());
                yield bytes;
            }
            case SlruUpdate.Offsets offsets -> {
                byte[] bytes = withInts(OFFSETS, OFFSETS_HEADER, offsets.offsets(), 0);
                LittleEndian.putI32(bytes, 1, offsets.firstMulti());
                yield bytes;
            }
            case SlruUpdate.Members members -> {
                int count = members.xids().length;
                byte[] bytes = withInts(MEMBERS, MEMBERS_HEADER, members.xids(), count);
                LittleEndian.putI32(bytes, 1, members.firstOffset());
                System.arraycopy(members.statuses(), 0, bytes, MEMBERS_HEADER + 4 * count, count);
                yield bytes;
            }
        };
    }

    private static byte[] withInts(int type, int header, int[] values, int more) {
        byte[] bytes = new byte[header + 4 * values.length + more];
        bytes[0] = (byte) type;
        for (int i = 0; i < values.length; i++) {
            LittleEndian.putI32(bytes, header + 4 * i, values[i]);
        }
        return bytes;
    }

    /**
     * The change that {@link #encode} made these bytes of.
     *
     * @param page the page that it changes
     * @throws MalformedUpdateException if they are no change of this page
     */
    public static SlruUpdate decode(SlruPage page, byte[] bytes) throws MalformedUpdateException {
        if (bytes.length == 0) {
            throw new MalformedUpdateException(page, "there are no bytes");
        }
        return switch (bytes[0]) {
            case ZERO -> {
                checkSize(page, bytes, bytes.length == 1);
                yield new SlruUpdate.Zero(page);
            }
            case STATUS -> {
                checkKind(page, SlruKind.CLOG);
                int[] xids = entries(page, bytes, STATUS_HEADER);
                checkSize(page, bytes, bytes[1] >= 0 && bytes[1] <= 3);
                yield new SlruUpdate.Status(page, xids, TransactionStatus.of(bytes[1]));
            }
            case COMMIT_TIME -> {
                checkKind(page, SlruKind.COMMIT_TS);
                int[] xids = entries(page, bytes, COMMIT_TIME_HEADER);
                TimestampTz time = new TimestampTz(LittleEndian.i64(bytes, 1));
                yield new SlruUpdate.CommitTime(page, xids, time, LittleEndian.u16(bytes, 9));
            }
            case OFFSETS -> {
                checkKind(page, SlruKind.MULTIXACT_OFFSETS);
                int[] offsets = ints(page, bytes, OFFSETS_HEADER, 4);
                yield new SlruUpdate.Offsets(page, first(page, bytes, offsets.length), offsets);
            }
            case MEMBERS -> {
                checkKind(page, SlruKind.MULTIXACT_MEMBERS);
                int[] xids = ints(page, bytes, MEMBERS_HEADER, 5);
                byte[] statuses = Arrays.copyOfRange(bytes, MEMBERS_HEADER + 4 * xids.length, bytes.length);
                yield new SlruUpdate.Members(page, first(page, bytes, xids.length), xids, statuses);
            }
            default -> throw new MalformedUpdateException(page, "there is no type " + (bytes[0] & 0xFF));
        };
    }

    private static void checkKind(SlruPage page, SlruKind kind) throws MalformedUpdateException {
        if (page.kind() != kind) {
            throw new MalformedUpdateException(page, "it is one of " + kind.directory());
        }
    }

    private static void checkSize(SlruPage page, byte[] bytes, boolean right) throws MalformedUpdateException {
        if (!right) {
            throw new MalformedUpdateException(page, "type " + bytes[0] + " in " + bytes.length + " bytes");
        }
    }

    /** As many integers as things of {@code size} bytes follow the header. */
    private static int[] ints(SlruPage page, byte[] bytes, int header, int size) throws MalformedUpdateException {
        checkSize(page, bytes, bytes.length >= header && (bytes.length - header) % size == 0);
        int[] values = new int[(bytes.length - header) / size];
        for (int i = 0; i < values.length; i++) {
            values[i] = LittleEndian.i32(bytes, header + 4 * i);
        }
        return values;
    }

    private static int[] entries(SlruPage page, byte[] bytes, int header) throws MalformedUpdateException {
        int[] xids = ints(page, bytes, header, 4);
        for (int xid : xids) {
            checkEntry(page, xid);
        }
        return xids;
    }

    /** The first of consecutive entries, after checking that all of them are on the page. */
    private static int first(SlruPage page, byte[] bytes, int count) throws MalformedUpdateException {
        int first = LittleEndian.i32(bytes, 1);
        checkEntry(page, first);
        if (count > page.kind().entriesPerPage() - page.kind().indexOf(first)) {
            throw new MalformedUpdateException(page, count + " entries from " + Integer.toUnsignedString(first));
        }
        return first;
    }

    private static void checkEntry(SlruPage page, int entry) throws MalformedUpdateException {
        if (page.kind().pageOf(entry) != page.pageNumber()) {
            throw new MalformedUpdateException(page, "it has no entry " + Integer.toUnsignedString(entry));
        }
    }
}
