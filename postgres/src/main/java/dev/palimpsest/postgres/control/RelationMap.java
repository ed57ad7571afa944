package dev.palimpsest.postgres.control;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Which files the catalogs have that the catalogs themselves cannot tell: the content of {@code pg_filenode.map}, one of
 * which is in {@code global} and one in every database's directory. Little-endian:
 *
 * <pre>
 * offset size
 *      0    4  magic 0x00592717
 *      4    4  count of entries
 *      8    8  for each of 62 entries, since 16 of 64: u32 OID of the catalog; u32 its file's number; unused ones are zeros
 *    504    4  CRC-32C of all before; since 16 at 520
 *    508    4  zeros, up to 15; the file has 512 bytes, since 16 it has 524
 * </pre>
 *
 * <p>Immutable.
 */
public final class RelationMap {
    /** The file's name in its directory. */
    public static final String FILE_NAME = "pg_filenode.map";

    private static final int MAGIC = 0x592717;
    private static final int ENTRIES = 8;
    private static final int ENTRY_SIZE = 8;

    private final byte[] bytes;
    private final int count;

    private RelationMap(byte[] bytes) {
        this.bytes = bytes;
        this.count = LittleEndian.i32(bytes, 4);
    }

    /**
     * The map in a file's content, or in a WAL record. Does not keep the array.
     *
     * @throws MalformedFileException if the size, magic number, count or checksum is wrong
     */
    public static RelationMap parse(PostgresVersion version, byte[] content) throws MalformedFileException {
        int size = version.relationMapSize();
        if (content.length != size) {
            throw malformed("it has " + content.length + " bytes, and must have " + size + " in " + version);
        }
        if (LittleEndian.i32(content, 0) != MAGIC) {
            throw malformed(
                    "the magic number is " + Integer.toHexString(LittleEndian.i32(content, 0)) + ", not 592717");
        }
        int count = LittleEndian.i32(content, 4);
        if (count < 0 || count > slots(version)) {
            throw malformed("a count of " + count + " entries, where there is room for " + slots(version));
        }
        Checksum.check(FILE_NAME, content, checksumAt(version));
        return new RelationMap(content.clone());
    }

    /**
     * The map with these entries.
     *
     * @param files the number of each catalog's file by the catalog's OID
     * @throws IllegalArgumentException if they are too many
     */
    public static RelationMap of(PostgresVersion version, Map<Integer, Integer> files) {
        if (files.size() > slots(version)) {
            throw new IllegalArgumentException(files.size() + " entries, where there is room for " + slots(version));
        }
        byte[] bytes = new byte[version.relationMapSize()];
        LittleEndian.putI32(bytes, 0, MAGIC);
        LittleEndian.putI32(bytes, 4, files.size());
        int at = ENTRIES;
        for (Map.Entry<Integer, Integer> file : new TreeMap<>(files).entrySet()) {
            LittleEndian.putI32(bytes, at, file.getKey());
            LittleEndian.putI32(bytes, at + 4, file.getValue());
            at += ENTRY_SIZE;
        }
        LittleEndian.putI32(bytes, checksumAt(version), Checksum.of(bytes, checksumAt(version)));
        return new RelationMap(bytes);
    }

    private static MalformedFileException malformed(String problem) {
        return new MalformedFileException(FILE_NAME, problem);
    }

    private static int slots(PostgresVersion version) {
        return version.isAtLeast(PostgresVersion.V16) ? 64 : 62;
    }

    private static int checksumAt(PostgresVersion version) {
        return ENTRIES + ENTRY_SIZE * slots(version);
    }

    /** The number of the file of the catalog with this OID, empty if the map does not have it. */
    public OptionalInt fileOf(int oid) {
        for (int i = 0; i < count; i++) {
            if (LittleEndian.i32(bytes, ENTRIES + ENTRY_SIZE * i) == oid) {
                return OptionalInt.of(LittleEndian.i32(bytes, ENTRIES + ENTRY_SIZE * i + 4));
            }
        }
        return OptionalInt.empty();
    }

    /** The number of each catalog's file by the catalog's OID. */
    public Map<Integer, Integer> files() {
        Map<Integer, Integer> files = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            int at = ENTRIES + ENTRY_SIZE * i;
            files.put(LittleEndian.i32(bytes, at), LittleEndian.i32(bytes, at + 4));
        }
        return files;
    }

    /** The file's content, a copy. */
    public byte[] encode() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RelationMap map && Arrays.equals(bytes, map.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The entries. */
    @Override
    public String toString() {
        return files().toString();
    }
}
