package dev.palimpsest.storage.compaction;

/**
 * When the history below the GC cutoff is compacted, and what becomes of it. Immutable.
 *
 * @param initialBytes a timeline of which nothing was compacted yet has its first turn once so many bytes of layers lie below the
 *     cutoff; at least 0
 * @param ratioPercent later ones: once the layers that came below the cutoff since the last turn are so many percent of those
 *     that it left behind; at least 1
 * @param jobBytes about how many bytes of layers one job rewrites; at least 1
 * @param maxChain a page with more records than this upon its last image gets another; at least 0
 */
public record HistorySettings(long initialBytes, int ratioPercent, long jobBytes, int maxChain) {
    /** Neon's, with smaller jobs: compaction of L0 layers has to wait for one. */
    public static final HistorySettings DEFAULT = new HistorySettings(5L << 30, 100, 1L << 30, 32);

    /** @throws IllegalArgumentException if a value is out of its range; the message names it */
    public HistorySettings {
        require(initialBytes >= 0, "initialBytes", initialBytes);
        require(ratioPercent >= 1, "ratioPercent", ratioPercent);
        require(jobBytes >= 1, "jobBytes", jobBytes);
        require(maxChain >= 0, "maxChain", maxChain);
    }

    private static void require(boolean holds, String name, long value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is out of range: " + value);
        }
    }
}
