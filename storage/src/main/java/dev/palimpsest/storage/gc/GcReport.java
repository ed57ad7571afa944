package dev.palimpsest.storage.gc;

import dev.palimpsest.postgres.Lsn;
import java.util.Map;

/**
 * What a run of GC did, or would do.
 *
 * @param cutoff where readable history begins
 * @param layersRemoved how many layers
 * @param bytesRemoved the size of their files
 * @param layersKept how many layers are kept, and why
 */
public record GcReport(Lsn cutoff, int layersRemoved, long bytesRemoved, Map<GcPlanner.Kept, Integer> layersKept) {
    /** Keeps a copy of the map. */
    public GcReport {
        layersKept = Map.copyOf(layersKept);
    }
}
