package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.Lsn;

/**
 * Where the WAL of a PostgreSQL begins that boots from a written data directory.
 *
 * @param timeline its PostgreSQL timeline
 * @param checkpoint where the shutdown checkpoint is that it starts from: the first record of a segment
 * @param end the end of that record (exclusive), where its own WAL goes on
 */
public record BootPoint(int timeline, Lsn checkpoint, Lsn end) {}
