package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL that runs on a branch.
 *
 * @param branch the branch
 * @param port where it listens on the loopback address
 * @param directory its data directory
 * @param binaries where its programs come from
 * @param pgVersion its major version
 * @param running whether it runs
 * @param pid of its postmaster; 0 if it does not run
 * @param bootedAt the LSN it was booted at
 * @param problem why it does not run though it should; null if all is well
 */
public record EndpointView(
        String branch,
        int port,
        String directory,
        String binaries,
        int pgVersion,
        boolean running,
        long pid,
        Lsn bootedAt,
        @Nullable String problem) {}
