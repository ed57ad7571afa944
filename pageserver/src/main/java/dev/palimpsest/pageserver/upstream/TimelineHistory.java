package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import java.util.List;

/**
 * The history file of a PostgreSQL timeline.
 *
 * @param timeline the timeline, unsigned
 * @param fileName its name, such as {@code 00000002.history}
 * @param text its content as the server has it
 * @param ancestors what it says, the oldest first
 */
public record TimelineHistory(int timeline, String fileName, String text, List<Ancestor> ancestors) {
    /**
     * A timeline that came before.
     *
     * @param timeline which, unsigned
     * @param switchLsn where it was left
     * @param reason why, for people
     */
    public record Ancestor(int timeline, Lsn switchLsn, String reason) {}

    /** Copies the list. */
    public TimelineHistory {
        ancestors = List.copyOf(ancestors);
    }
}
