package dev.palimpsest.postgres;

import org.jspecify.annotations.Nullable;

/**
 * A major version of PostgreSQL, and the numbers by which its files are told apart.
 *
 * <p>What differs between versions is data here or a question asked with {@link #isAtLeast}; there is one decoder and
 * one redo for all of them. The order of the constants is the order of the releases.
 */
public enum PostgresVersion {
    /** PostgreSQL 14. */
    V14(14, 0xD10D, 1300, 202107181, 512),
    /** PostgreSQL 15. */
    V15(15, 0xD110, 1300, 202209061, 512),
    /** PostgreSQL 16. */
    V16(16, 0xD113, 1300, 202307071, 524),
    /** PostgreSQL 17. */
    V17(17, 0xD116, 1700, 202406281, 524),
    /** PostgreSQL 18. */
    V18(18, 0xD118, 1800, 202506291, 524);

    private static final PostgresVersion[] ALL = values();

    private final int major;
    private final int walMagic;
    private final int controlVersion;
    private final int catalogVersion;
    private final int relationMapSize;

    PostgresVersion(int major, int walMagic, int controlVersion, int catalogVersion, int relationMapSize) {
        this.major = major;
        this.walMagic = walMagic;
        this.controlVersion = controlVersion;
        this.catalogVersion = catalogVersion;
        this.relationMapSize = relationMapSize;
    }

    /**
     * The version with this major number.
     *
     * @throws IllegalArgumentException if it is not one of 14 to 18
     */
    public static PostgresVersion ofMajor(int major) {
        for (PostgresVersion version : ALL) {
            if (version.major == major) {
                return version;
            }
        }
        throw new IllegalArgumentException("PostgreSQL " + major + " is not supported: 14 to 18 are");
    }

    /** The version whose WAL pages begin with this 16-bit magic number, or null if none does. */
    public static @Nullable PostgresVersion ofWalMagic(int magic) {
        for (PostgresVersion version : ALL) {
            if (version.walMagic == magic) {
                return version;
            }
        }
        return null;
    }

    /** The major number, 14 to 18. */
    public int major() {
        return major;
    }

    /** {@code XLOG_PAGE_MAGIC}, the first two bytes of each WAL page. */
    public int walMagic() {
        return walMagic;
    }

    /** {@code PG_CONTROL_VERSION}. */
    public int controlVersion() {
        return controlVersion;
    }

    /** {@code CATALOG_VERSION_NO}. */
    public int catalogVersion() {
        return catalogVersion;
    }

    /** Bytes in {@code pg_filenode.map}, and so in a relation map record. */
    public int relationMapSize() {
        return relationMapSize;
    }

    /** Whether this version is {@code other} or a later one. */
    public boolean isAtLeast(PostgresVersion other) {
        return major >= other.major;
    }

    /** Bytes of an SLRU page number in a WAL record: 4 up to PostgreSQL 16, 8 since 17. */
    public int slruPageNumberSize() {
        return isAtLeast(V17) ? 8 : 4;
    }

    /** Whether extensions may write WAL records of their own (resource managers 128 to 255), as since PostgreSQL 15. */
    public boolean hasCustomResourceManagers() {
        return isAtLeast(V15);
    }

    /** Whether compacting a heap page cuts off the unused line pointers at its end, as since PostgreSQL 15. */
    public boolean truncatesLinePointers() {
        return isAtLeast(V15);
    }

    /** {@code PostgreSQL 17}. */
    @Override
    public String toString() {
        return "PostgreSQL " + major;
    }
}
