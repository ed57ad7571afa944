package dev.palimpsest.pageserver.redo;

import dev.palimpsest.postgres.redo.HintLogging;

/**
 * What a stored WAL record says of the cluster that wrote it, in the two bytes of padding of its header (18 and 19), which
 * PostgreSQL leaves zero and nobody reads: byte 18 is 1 if the cluster did not log hints. The record's checksum covers it.
 */
public final class RedoNotes {
    private static final int NOTES = 18;
    private static final int HINTS_NOT_LOGGED = 1;

    private RedoNotes() {}

    /** Notes that hints were not logged. The caller computes the checksum anew. */
    public static void noteHintsNotLogged(byte[] record) {
        record[NOTES] |= HINTS_NOT_LOGGED;
    }

    /** Whether hints were logged: unless the record says they were not, which it does only where it matters. */
    static HintLogging hintLogging(byte[] record) {
        return (record[NOTES] & HINTS_NOT_LOGGED) != 0 ? HintLogging.OFF : HintLogging.ON;
    }
}
