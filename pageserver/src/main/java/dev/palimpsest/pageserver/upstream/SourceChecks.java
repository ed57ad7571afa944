package dev.palimpsest.pageserver.upstream;

import java.util.List;

/** Asks a server, before it is attached, whether that can work. Changes nothing there. */
@SuppressWarnings("DoNotCallSuggester")
public final class SourceChecks {
    private SourceChecks() {}

    /**
     * Connects, twice at once as attaching will, and asks: version, {@code wal_level}, {@code full_page_writes}, walsenders
     * and slots allowed and free, whether there is a slot of this name and somebody uses it, whether it is a standby. A server
     * that cannot be reached, or does not let us in, is a problem like the others.
     *
     * @param slot the name of the slot that attaching will make or use
     * @return every problem found, the worst first; empty if there is none
     */
    public static List<Problem> check(ConnectionSettings settings, String slot) {
        throw new UnsupportedOperationException(settings + slot);
    }
}
