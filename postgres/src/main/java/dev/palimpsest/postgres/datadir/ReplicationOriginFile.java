package dev.palimpsest.postgres.datadir;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import java.util.Map;
import java.util.SortedMap;
import java.util.zip.CRC32C;

/**
 * {@code pg_logical/replorigin_checkpoint}: how far the changes of each replication origin have been applied.
 * Little-endian.
 *
 * <pre>
 * offset size
 *      0    4  0x1257DADE
 *      4   16  for each origin: its number in 2 bytes, 6 of padding, the LSN at the origin in 8
 *           4  CRC-32C of everything before
 * </pre>
 */
public final class ReplicationOriginFile {
    private static final int MAGIC = 0x1257DADE;
    private static final int ENTRY_SIZE = 16;
    private static final int MAX_ORIGIN = 0xFFFF;

    private ReplicationOriginFile() {}

    /**
     * The content of the file.
     *
     * @param origins how far each is, by its number, 1 to 65535
     */
    public static byte[] encode(SortedMap<Integer, Lsn> origins) {
        byte[] file = new byte[4 + ENTRY_SIZE * origins.size() + 4];
        LittleEndian.putI32(file, 0, MAGIC);
        int at = 4;
        for (Map.Entry<Integer, Lsn> origin : origins.entrySet()) {
            if (origin.getKey() < 1 || origin.getKey() > MAX_ORIGIN) {
                throw new IllegalArgumentException("no replication origin has the number " + origin.getKey());
            }
            LittleEndian.putU16(file, at, origin.getKey());
            LittleEndian.putI64(file, at + 8, origin.getValue().value());
            at += ENTRY_SIZE;
        }
        CRC32C crc = new CRC32C();
        crc.update(file, 0, at);
        LittleEndian.putI32(file, at, (int) crc.getValue());
        return file;
    }
}
