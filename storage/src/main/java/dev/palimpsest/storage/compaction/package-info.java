/**
 * Makes few large layers of many small ones, and images where many deltas lie one upon another: what to do is decided by
 * planners that do no I/O ({@link dev.palimpsest.storage.compaction.L0Planner},
 * {@link dev.palimpsest.storage.compaction.ImagePlanner}), and carried out on whatever is a
 * {@link dev.palimpsest.storage.compaction.CompactedTimeline}. Both keep every version. What would gain little by it need not be
 * compacted, as {@link dev.palimpsest.storage.compaction.FlushPlanner} has it flushed as L1 layers. Compaction of history ({@link
 * dev.palimpsest.storage.compaction.HistoryPlanner}) keeps those that retained LSNs need, below the GC cutoff.
 */
@NullMarked
package dev.palimpsest.storage.compaction;

import org.jspecify.annotations.NullMarked;
