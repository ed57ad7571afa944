package dev.palimpsest.storage.key;

import java.nio.charset.StandardCharsets;

/**
 * The keys of auxiliary files: what is neither a relation nor an SLRU, yet has to be there on a PostgreSQL that boots from
 * the store, such as logical replication's snapshots. Field 1 is 62; sparse.
 *
 * <p>As the 16 bytes of a {@link CompactKey}: {@code 62}, two bytes for the directory, and the last 13 of the 16 bytes of a
 * hash of the rest of the path. Files whose keys collide share one value, which holds their names.
 *
 * <pre>
 * path                                        directory  hashed
 * pg_logical/mappings/...                     01 01      what follows
 * pg_logical/snapshots/...                    01 02      what follows
 * pg_logical/replorigin_checkpoint            01 03      nothing
 * pg_logical/...                              01 FF      what follows
 * pg_replslot/...                             02 01      what follows
 * pg_stat/...                                 03 01      what follows
 * any other                                   FF FF      all of it
 * </pre>
 *
 * <p>The hash is FNV-1a with 128 bits, over the bytes of UTF-8.
 */
public final class AuxFileKeys {
    private static final int KIND = 0x62;

    /** The keys of all auxiliary files. */
    public static final KeyRange ALL = KeyRange.ofKinds(KIND, KIND + 1);

    private static final String REPLICATION_ORIGIN_CHECKPOINT = "pg_logical/replorigin_checkpoint";

    /** The directories that have a number; the first that fits counts. */
    private enum Directory {
        MAPPINGS("pg_logical/mappings/", 0x0101),
        SNAPSHOTS("pg_logical/snapshots/", 0x0102),
        LOGICAL("pg_logical/", 0x01FF),
        REPLICATION_SLOTS("pg_replslot/", 0x0201),
        STATISTICS("pg_stat/", 0x0301),
        OTHER("", 0xFFFF);

        private final String prefix;
        private final int number;

        Directory(String prefix, int number) {
            this.prefix = prefix;
            this.number = number;
        }
    }

    private AuxFileKeys() {}

    /**
     * The key of a file.
     *
     * @param path relative to the data directory, with {@code /} between its parts
     */
    public static Key file(String path) {
        if (path.equals(REPLICATION_ORIGIN_CHECKPOINT)) {
            return key(0x0103, "");
        }
        for (Directory directory : Directory.values()) {
            if (path.startsWith(directory.prefix)) {
                return key(directory.number, path.substring(directory.prefix.length()));
            }
        }
        throw new AssertionError("the prefix of the last directory is empty");
    }

    private static Key key(int directory, String hashed) {
        Hash hash = Hash.of(hashed.getBytes(StandardCharsets.UTF_8));
        long high = (long) KIND << 56 | (long) directory << 40 | (hash.high & 0xFF_FFFF_FFFFL);
        return new CompactKey(high, hash.low).toKey();
    }

    /** Whether it is the key of auxiliary files. */
    public static boolean isFile(Key key) {
        return key.field1() == KIND;
    }

    /** FNV-1a with 128 bits; the number is {@code high * 2^64 + low}. */
    record Hash(long high, long low) {
        private static final long BASIS_HIGH = 0x6C62_272E_07BB_0142L;
        private static final long BASIS_LOW = 0x62B8_2175_6295_C58DL;

        /** The prime is 2^88 + this. */
        private static final long PRIME_LOW = 0x13B;

        static Hash of(byte[] bytes) {
            long high = BASIS_HIGH;
            long low = BASIS_LOW;
            for (byte b : bytes) {
                low ^= b & 0xFF;
                high = high * PRIME_LOW + Math.unsignedMultiplyHigh(low, PRIME_LOW) + (low << 24);
                low *= PRIME_LOW;
            }
            return new Hash(high, low);
        }
    }
}
