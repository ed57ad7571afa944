package dev.palimpsest.postgres.control;

import dev.palimpsest.postgres.LittleEndian;
import java.util.Locale;
import java.util.zip.CRC32C;

/** The CRC-32C that the files of a cluster end with. */
final class Checksum {
    private Checksum() {}

    /** That of the first {@code length} bytes. */
    static int of(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /** @throws MalformedFileException unless the four bytes at {@code at} are that of all bytes before */
    static void check(String file, byte[] bytes, int at) throws MalformedFileException {
        int stored = LittleEndian.i32(bytes, at);
        int computed = of(bytes, at);
        if (stored != computed) {
            throw new MalformedFileException(
                    file,
                    String.format(
                            Locale.ROOT, "the checksum at offset %d is %08X, and must be %08X", at, stored, computed));
        }
    }
}
