package dev.palimpsest.postgres.slru;

/** Whether the cluster keeps commit timestamps: {@code track_commit_timestamp} as WAL and control file say it. */
public enum CommitTimestamps {
    /** It does. */
    ON,
    /** It does not. */
    OFF
}
