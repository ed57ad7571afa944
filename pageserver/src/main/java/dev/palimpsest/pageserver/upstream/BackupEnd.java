package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;

/**
 * Where a base backup ended.
 *
 * @param lsn replaying the WAL up to here makes it consistent
 * @param timeline the PostgreSQL timeline of that position, unsigned
 */
public record BackupEnd(Lsn lsn, int timeline) {}
