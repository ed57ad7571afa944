package dev.palimpsest.storage.timeline;

/**
 * How much is here of the layers that a server keeps warm of a tenant that another one has.
 *
 * @param layersHere how many are here
 * @param layersTotal how many there are to be
 * @param bytesHere how large those are that are here
 * @param bytesTotal how large those are that are to be
 */
public record WarmProgress(long layersHere, long layersTotal, long bytesHere, long bytesTotal) {
    /** Nothing, of nothing. */
    public static final WarmProgress NONE = new WarmProgress(0, 0, 0, 0);

    WarmProgress wanting(long bytes) {
        return new WarmProgress(layersHere, layersTotal + 1, bytesHere, bytesTotal + bytes);
    }

    WarmProgress having(long bytes) {
        return new WarmProgress(layersHere + 1, layersTotal, bytesHere + bytes, bytesTotal);
    }
}
