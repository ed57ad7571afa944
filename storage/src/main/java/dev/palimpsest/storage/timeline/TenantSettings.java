package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.compaction.CompactionSettings;
import java.util.function.UnaryOperator;

/**
 * What counts for the timelines of one tenant other than for those of others.
 *
 * @param timelines makes of how timelines write and read how this tenant's do
 * @param compaction makes of how timelines are compacted how this tenant's are
 */
public record TenantSettings(UnaryOperator<TimelineConfig> timelines, UnaryOperator<CompactionSettings> compaction) {
    /** Nothing. */
    public static final TenantSettings NONE = new TenantSettings(UnaryOperator.identity(), UnaryOperator.identity());
}
