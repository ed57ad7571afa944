package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import java.time.Duration;

/**
 * What a flush of a branch did.
 *
 * @param remoteConsistentLsn up to here nothing can take the branch's history back
 * @param walBytes how far that moved
 * @param layers how many in-memory layers with values there were
 * @param bytes of values in them, which were written to layer files and uploaded
 * @param elapsed how long it took
 */
public record FlushView(Lsn remoteConsistentLsn, long walBytes, int layers, long bytes, Duration elapsed) {}
