package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.retention.RetentionPlanner;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.gc.GcPlanner;
import java.time.Duration;
import java.util.Map;

/**
 * What GC of a branch did, or would do.
 *
 * @param dryRun whether nothing was done
 * @param cutoff history is kept from here on
 * @param rule why from there
 * @param pitrInterval that it went by
 * @param gcHorizon that it went by, in bytes
 * @param layers how many layers the branch had of its own
 * @param bytes their size
 * @param layersRemoved how many of them went
 * @param bytesRemoved their size
 * @param layersKept how many stayed, by why the first time that holds
 * @param elapsed how long it took
 */
public record GcView(
        boolean dryRun,
        Lsn cutoff,
        RetentionPlanner.Rule rule,
        Duration pitrInterval,
        long gcHorizon,
        int layers,
        long bytes,
        int layersRemoved,
        long bytesRemoved,
        Map<GcPlanner.Kept, Integer> layersKept,
        Duration elapsed) {}
