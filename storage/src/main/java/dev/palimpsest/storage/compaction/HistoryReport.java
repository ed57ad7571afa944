package dev.palimpsest.storage.compaction;

/**
 * What compaction of history did.
 *
 * @param outcome how it ended
 * @param jobs how many pieces of the key space were rewritten
 * @param layersRead how many layers were read for that
 * @param bytesRead the size of their files
 * @param layersWritten how many layers were made
 * @param bytesWritten the size of their files
 * @param layersRemoved how many layers were replaced
 * @param bytesRemoved the size of their files
 * @param valuesRead how many values were looked at
 * @param valuesKept how many values the new layers have of them, or instead of them
 */
public record HistoryReport(
        CompactionReport.Outcome outcome,
        int jobs,
        int layersRead,
        long bytesRead,
        int layersWritten,
        long bytesWritten,
        int layersRemoved,
        long bytesRemoved,
        long valuesRead,
        long valuesKept) {
    /** That there was nothing to do. */
    public static final HistoryReport NOTHING =
            new HistoryReport(CompactionReport.Outcome.NOTHING_TO_DO, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** The sum of both; the outcome is that of the other one unless that had nothing to do. */
    public HistoryReport plus(HistoryReport other) {
        return new HistoryReport(
                other.outcome == CompactionReport.Outcome.NOTHING_TO_DO ? outcome : other.outcome,
                jobs + other.jobs,
                layersRead + other.layersRead,
                bytesRead + other.bytesRead,
                layersWritten + other.layersWritten,
                bytesWritten + other.bytesWritten,
                layersRemoved + other.layersRemoved,
                bytesRemoved + other.bytesRemoved,
                valuesRead + other.valuesRead,
                valuesKept + other.valuesKept);
    }

    /** The same, ended otherwise. */
    public HistoryReport ended(CompactionReport.Outcome how) {
        return new HistoryReport(
                how,
                jobs,
                layersRead,
                bytesRead,
                layersWritten,
                bytesWritten,
                layersRemoved,
                bytesRemoved,
                valuesRead,
                valuesKept);
    }
}
