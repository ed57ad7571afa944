package dev.palimpsest.pageserver.upstream;

/**
 * A member of a base backup.
 *
 * @param tablespace the OID of the tablespace it is in, unsigned; 0 for the data directory itself
 * @param path its path below the data directory, or below the tablespace's directory (so that it starts with
 *     {@code PG_<major>_<catalog version>}); without a slash at its start or end
 * @param kind what it is
 * @param size its bytes; 0 if it is no file
 * @param linkTarget where a symbolic link points to, else empty
 */
public record BackupEntry(int tablespace, String path, Kind kind, long size, String linkTarget) {
    /** What a member is. */
    public enum Kind {
        /** A file with content. */
        FILE,
        /** A directory. */
        DIRECTORY,
        /** A symbolic link. */
        SYMLINK
    }
}
