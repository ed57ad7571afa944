package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.postgres.slru.CommitTimestamps;

/**
 * The settings of a cluster that decide what its WAL means.
 *
 * @param checksums whether pages have checksums
 * @param walLogHints {@code wal_log_hints}
 * @param trackCommitTimestamp {@code track_commit_timestamp}
 */
public record ClusterSettings(boolean checksums, boolean walLogHints, boolean trackCommitTimestamp) {
    /** The settings after they were changed. */
    ClusterSettings after(XlogRecord.ParameterChange change) {
        return new ClusterSettings(checksums, change.walLogHints() != 0, change.trackCommitTimestamp() != 0);
    }

    HintLogging hintLogging() {
        return checksums || walLogHints ? HintLogging.ON : HintLogging.OFF;
    }

    CommitTimestamps commitTimestamps() {
        return trackCommitTimestamp ? CommitTimestamps.ON : CommitTimestamps.OFF;
    }
}
