package dev.palimpsest.storage.remote;

/**
 * How many calls to an object store run at once.
 *
 * @param uploads puts and deletes, at least 1
 * @param downloads everything else, at least 1
 * @param reservedForSessions how many of the downloads only reads may take that a session waits for, less than
 *     {@code downloads}
 */
public record CallLimits(int uploads, int downloads, int reservedForSessions) {
    /** 16 up and 32 down, 8 of them for sessions. */
    public static final CallLimits DEFAULT = new CallLimits(16, 32, 8);

    /**
     * @throws IllegalArgumentException if a value is out of its range
     */
    public CallLimits {
        if (uploads < 1 || downloads < 1 || reservedForSessions < 0 || reservedForSessions >= downloads) {
            throw new IllegalArgumentException("no limits: " + uploads + " uploads, " + downloads + " downloads, "
                    + reservedForSessions + " of them reserved");
        }
    }
}
