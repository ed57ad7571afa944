package dev.palimpsest.storage.jobs;

import org.jspecify.annotations.Nullable;

/**
 * How a job fares on a timeline.
 *
 * @param failures how often in a row it has failed
 * @param broken whether that is too often, or it will not be tried again
 * @param lastFailure why it failed the last time; null if it did not
 */
public record JobState(
        int failures, boolean broken, @Nullable String lastFailure) {
    /** So many failures in a row make a job count as broken. */
    public static final int FAILURES_TO_BREAK = 5;

    /** That it did not fail. */
    public static final JobState WELL = new JobState(0, false, null);

    /** After one more failure. */
    public JobState failed(String why) {
        return new JobState(failures + 1, broken || failures + 1 >= FAILURES_TO_BREAK, why);
    }
}
