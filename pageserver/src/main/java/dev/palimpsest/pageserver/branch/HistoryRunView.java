package dev.palimpsest.pageserver.branch;

import dev.palimpsest.storage.compaction.HistoryJobs;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Compaction of a branch's history that goes on, or the last one.
 *
 * @param running whether it goes on
 * @param began when
 * @param elapsed how long it took, or has taken so far
 * @param pieces how many pieces of the key space were rewritten so far
 * @param bytesRead the size of the layers that were read for that
 * @param bytesWritten that of those that were made
 * @param layersRemoved how many layers were replaced
 * @param bytesRemoved their size
 * @param failure why it failed; null if it did not
 */
public record HistoryRunView(
        boolean running,
        Instant began,
        Duration elapsed,
        int pieces,
        long bytesRead,
        long bytesWritten,
        int layersRemoved,
        long bytesRemoved,
        @Nullable String failure) {
    static HistoryRunView of(HistoryJobs.Run run) {
        return new HistoryRunView(
                run.running(),
                run.began(),
                run.elapsed(),
                run.done().jobs(),
                run.done().bytesRead(),
                run.done().bytesWritten(),
                run.done().layersRemoved(),
                run.done().bytesRemoved(),
                run.failure());
    }
}
