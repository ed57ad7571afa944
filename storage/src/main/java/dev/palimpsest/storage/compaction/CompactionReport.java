package dev.palimpsest.storage.compaction;

/**
 * What one run did.
 *
 * @param outcome how it ended
 * @param layersRead how many layers were replaced; 0 for images, which replace nothing
 * @param bytesRead the size of their files
 * @param layersWritten how many layers were made
 * @param bytesWritten the size of their files
 * @param values how many values are in them
 */
public record CompactionReport(
        Outcome outcome, int layersRead, long bytesRead, int layersWritten, long bytesWritten, long values) {
    /** That there was nothing to do. */
    public static final CompactionReport NOTHING = new CompactionReport(Outcome.NOTHING_TO_DO, 0, 0, 0, 0, 0);

    /** How a run ended. */
    public enum Outcome {
        /** There was nothing to do. */
        NOTHING_TO_DO,
        /** All is done. */
        DONE,
        /** A part is done, and the rest can be done at once. */
        MORE_TO_DO,
        /** Stopped for more urgent work; what was done so far counts. */
        YIELDED
    }
}
