package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import java.util.ArrayList;
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

    /**
     * Reads a history file: lines of timeline, LSN and reason, between tabs or spaces; {@code #} starts a comment.
     *
     * @throws IllegalArgumentException if a line is something else
     */
    public static TimelineHistory parse(int timeline, String fileName, String text) {
        List<Ancestor> ancestors = new ArrayList<>();
        for (String line : text.split("\n")) {
            String stripped = line.strip();
            if (stripped.isEmpty() || stripped.startsWith("#")) {
                continue;
            }
            String[] fields = stripped.split("\\s+", 3);
            if (fields.length < 2) {
                throw new IllegalArgumentException("not a line of a history file: \"" + line + "\"");
            }
            ancestors.add(new Ancestor(
                    Integer.parseUnsignedInt(fields[0]), Lsn.parse(fields[1]), fields.length < 3 ? "" : fields[2]));
        }
        return new TimelineHistory(timeline, fileName, text, ancestors);
    }
}
