package dev.palimpsest.pageserver.branch;

import dev.palimpsest.storage.compaction.HistoryReport;
import java.time.Duration;

/**
 * What compaction of a branch's history did.
 *
 * @param jobs how many pieces of the key space were rewritten
 * @param layersRead how many layers were read for that
 * @param bytesRead their size
 * @param layersWritten how many layers were made
 * @param bytesWritten their size
 * @param layersRemoved how many layers were replaced
 * @param bytesRemoved their size
 * @param valuesRead how many values were looked at
 * @param valuesKept how many values the new layers have
 * @param elapsed how long it took
 */
public record HistoryCompactionView(
        int jobs,
        int layersRead,
        long bytesRead,
        int layersWritten,
        long bytesWritten,
        int layersRemoved,
        long bytesRemoved,
        long valuesRead,
        long valuesKept,
        Duration elapsed) {
    static HistoryCompactionView of(HistoryReport report, Duration elapsed) {
        return new HistoryCompactionView(
                report.jobs(),
                report.layersRead(),
                report.bytesRead(),
                report.layersWritten(),
                report.bytesWritten(),
                report.layersRemoved(),
                report.bytesRemoved(),
                report.valuesRead(),
                report.valuesKept(),
                elapsed);
    }
}
