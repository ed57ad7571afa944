package dev.palimpsest.storage.context;

/** On whose behalf work is done. */
public enum TaskKind {
    /** A read that somebody waits for. */
    PAGE_SERVICE,
    /** Taking WAL in. */
    INGEST,
    /** Writing frozen layers out. */
    FLUSH,
    /** Merging layers and making images. */
    COMPACTION,
    /** Dropping history. */
    GC,
    /** Starting, stopping, creating and deleting. */
    LIFECYCLE,
    /** A tool that looks at files. */
    TOOL
}
