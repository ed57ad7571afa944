package dev.palimpsest.postgres.control;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Locale;

/**
 * The file in {@code pg_twophase} of a prepared transaction: the main data of its {@code PREPARE} record
 * ({@code rmgr.Prepare} has the layout), and a CRC-32C of it. The second field is the file's size, these four bytes
 * included.
 *
 * <p>PostgreSQL writes it when a checkpoint comes between {@code PREPARE TRANSACTION} and its end, and deletes it when the
 * transaction ends.
 */
public final class TwoPhaseFile {
    /** Where these files are under the data directory. */
    public static final String DIRECTORY = "pg_twophase";

    private static final int MAGIC = 0x57F94534;
    private static final int CHECKSUM_SIZE = 4;

    private TwoPhaseFile() {}

    /**
     * The content of the file.
     *
     * @param prepare a {@code PREPARE} record
     * @throws MalformedRecordException if its main data does not begin as such a file, or is not as long as it says
     */
    public static byte[] content(WalRecord prepare) throws MalformedRecordException {
        Payload data = prepare.mainData();
        int size = data.length() + CHECKSUM_SIZE;
        if (data.i32(0) != MAGIC || data.i32(4) != size) {
            throw data.malformed("not the state of a prepared transaction of " + size + " bytes");
        }
        byte[] content = new byte[size];
        System.arraycopy(data.array(), data.arrayOffset(), content, 0, data.length());
        LittleEndian.putI32(content, data.length(), Checksum.of(content, data.length()));
        return content;
    }

    /**
     * The name of the file: 8 hexadecimal digits, since PostgreSQL 17 16.
     *
     * @param xid the transaction, epoch in the high half
     */
    public static String name(PostgresVersion version, long xid) {
        return version.isAtLeast(PostgresVersion.V17)
                ? String.format(Locale.ROOT, "%016X", xid)
                : String.format(Locale.ROOT, "%08X", (int) xid);
    }

    /**
     * Checks a file's content and says whose it is.
     *
     * @return the transaction id, without epoch
     * @throws MalformedFileException if the size, magic number or checksum is wrong
     */
    public static int check(String name, byte[] content) throws MalformedFileException {
        if (content.length < 12 + CHECKSUM_SIZE) {
            throw new MalformedFileException(name, "it has only " + content.length + " bytes");
        }
        if (LittleEndian.i32(content, 0) != MAGIC) {
            throw new MalformedFileException(
                    name,
                    "the magic number is " + Integer.toHexString(LittleEndian.i32(content, 0)) + ", not 57f94534");
        }
        if (LittleEndian.i32(content, 4) != content.length) {
            throw new MalformedFileException(
                    name, "it says that it has " + LittleEndian.i32(content, 4) + " bytes, and has " + content.length);
        }
        Checksum.check(name, content, content.length - CHECKSUM_SIZE);
        return LittleEndian.i32(content, 8);
    }
}
