package dev.palimpsest.postgres.datadir;

import dev.palimpsest.postgres.Lsn;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Timeline history files, {@code pg_wal/XXXXXXXX.history}: which PostgreSQL timelines a timeline descends from, the oldest
 * first. One line each: the ancestor's number in decimal, a tab, the LSN at which it was left, a tab, a reason for people.
 */
public final class TimelineHistory {
    private TimelineHistory() {}

    /** The path of the history of a timeline. Timeline 1 has none. */
    public static String path(int timeline) {
        return String.format(Locale.ROOT, "%s/%08X.history", DataDirectoryLayout.WAL, timeline);
    }

    /** Whether {@code path} is that of a history file. */
    public static boolean isPath(String path) {
        return path.matches(DataDirectoryLayout.WAL + "/[0-9A-F]{8}\\.history");
    }

    /**
     * The history of a timeline that begins where another is left.
     *
     * @param parentHistory the history of that other, empty if it has none
     * @param parent the other one's number
     * @param switchPoint where it is left: the end of the last record that counts
     * @param reason for people; without tab and line break
     */
    public static byte[] ofChild(byte[] parentHistory, int parent, Lsn switchPoint, String reason) {
        boolean needsBreak = parentHistory.length > 0 && parentHistory[parentHistory.length - 1] != '\n';
        String line =
                (needsBreak ? "\n" : "") + Integer.toUnsignedString(parent) + "\t" + switchPoint + "\t" + reason + "\n";
        byte[] added = line.getBytes(StandardCharsets.UTF_8);
        byte[] history = Arrays.copyOf(parentHistory, parentHistory.length + added.length);
        System.arraycopy(added, 0, history, parentHistory.length, added.length);
        return history;
    }
}
