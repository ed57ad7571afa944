package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;

/**
 * The answer to IDENTIFY_SYSTEM.
 *
 * @param systemIdentifier the number that initdb gave the cluster, unsigned
 * @param timeline the PostgreSQL timeline that the server is on, unsigned
 * @param flushLsn the end of the WAL that it could send now
 */
public record SystemIdentification(long systemIdentifier, int timeline, Lsn flushLsn) {}
