package dev.palimpsest.postgres.redo;

/**
 * Whether the cluster logs hints, which it does with data checksums or {@code wal_log_hints}. It decides whether setting
 * a page all-visible moves the page's LSN.
 */
public enum HintLogging {
    /** Hints are not logged. */
    OFF,
    /** The first hint set on a page after a checkpoint logs the page. */
    ON
}
