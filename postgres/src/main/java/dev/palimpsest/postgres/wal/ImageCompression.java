package dev.palimpsest.postgres.wal;

/** How the image of a page is stored in a record. */
public enum ImageCompression {
    /** As it is. */
    NONE,
    /** PostgreSQL's own method. */
    PGLZ,
    /** One LZ4 block. */
    LZ4,
    /** One zstd frame. */
    ZSTD
}
