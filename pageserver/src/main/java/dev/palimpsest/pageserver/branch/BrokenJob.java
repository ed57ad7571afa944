package dev.palimpsest.pageserver.branch;

/**
 * Something that the server does by itself for a branch, and that keeps failing.
 *
 * @param job what: {@code compaction}, {@code gc}, {@code history compaction} or {@code upload}
 * @param failures how often in a row
 * @param lastFailure why, the last time
 */
public record BrokenJob(String job, int failures, String lastFailure) {}
