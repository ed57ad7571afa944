package dev.palimpsest.storage.check;

/** Is told how a check goes on. Called by many threads. */
@FunctionalInterface
public interface CheckProgress {
    /** Tells nobody. */
    CheckProgress NONE = (layers, bytes) -> {};

    /**
     * A layer has been dealt with.
     *
     * @param layers how many have been, of all timelines
     * @param bytes how much has been read of them
     */
    void layers(long layers, long bytes);
}
