package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.protocol.BackendMessage;
import java.util.ArrayList;
import java.util.List;

/**
 * What a server says before the first archive of a base backup.
 *
 * @param lsn where it starts
 * @param timeline the timeline of that position
 * @param tablespaces what will come, the data directory last
 */
record BackupStart(Lsn lsn, int timeline, List<BackupTablespace> tablespaces) {
    /** What the command is called in messages; in full it is long. */
    static final String COMMAND = "BASE_BACKUP";

    /** Gives the command, and waits for the checkpoint. */
    static BackupStart request(Commands commands, BackupOptions options, PostgresVersion version)
            throws UpstreamException {
        Wire wire = commands.wire();
        commands.send(version.isAtLeast(PostgresVersion.V15) ? withParentheses(options) : withKeywords(options));
        byte type = wire.expect(commands.timeouts().backupStart(), "the start of the base backup");
        if (type == BackendMessage.ERROR_RESPONSE) {
            throw commands.failed(COMMAND);
        }
        if (type != BackendMessage.ROW_DESCRIPTION) {
            throw wire.unexpected(type, "at the start of a base backup");
        }
        Commands.Row start = commands.only(commands.table(COMMAND), COMMAND);
        type = wire.expect(commands.timeouts().stall(), "the list of tablespaces");
        if (type == BackendMessage.ERROR_RESPONSE) {
            throw commands.failed(COMMAND);
        }
        if (type != BackendMessage.ROW_DESCRIPTION) {
            throw wire.unexpected(type, "before the list of tablespaces");
        }
        List<BackupTablespace> tablespaces = new ArrayList<>();
        try {
            for (Commands.Row row : commands.table(COMMAND)) {
                tablespaces.add(tablespace(row));
            }
            if (tablespaces.isEmpty() || tablespaces.getLast().oid() != 0) {
                throw wire.broken("a base backup whose last part is not the data directory");
            }
            BackupEnd position = position(start, commands);
            return new BackupStart(position.lsn(), position.timeline(), tablespaces);
        } catch (IllegalArgumentException e) {
            throw wire.broken("the start of a base backup", e);
        }
    }

    /**
     * Reads a position and its timeline.
     *
     * @throws IllegalArgumentException if they are none
     */
    static BackupEnd position(Commands.Row row, Commands commands) throws ProtocolBrokenException {
        return new BackupEnd(
                Lsn.parse(commands.text(row, 0, COMMAND)), Integer.parseUnsignedInt(commands.text(row, 1, COMMAND)));
    }

    private static BackupTablespace tablespace(Commands.Row row) {
        String oid = Commands.textOrNull(row, 0);
        String location = Commands.textOrNull(row, 1);
        String size = Commands.textOrNull(row, 2);
        return new BackupTablespace(
                oid == null ? 0 : Integer.parseUnsignedInt(oid),
                location == null ? "" : location,
                size == null ? -1 : Long.parseLong(size));
    }

    private static String withKeywords(BackupOptions options) {
        return "BASE_BACKUP LABEL " + quoted(options.label()) + " PROGRESS"
                + (options.checkpoint() == BackupOptions.Checkpoint.FAST ? " FAST" : "") + " NOWAIT"
                + (options.maxRateKibPerSecond() == null ? "" : " MAX_RATE " + options.maxRateKibPerSecond())
                + " TABLESPACE_MAP";
    }

    private static String withParentheses(BackupOptions options) {
        return "BASE_BACKUP (LABEL " + quoted(options.label()) + ", PROGRESS, CHECKPOINT "
                + (options.checkpoint() == BackupOptions.Checkpoint.FAST ? "'fast'" : "'spread'") + ", WAIT false"
                + (options.maxRateKibPerSecond() == null ? "" : ", MAX_RATE " + options.maxRateKibPerSecond())
                + ", TABLESPACE_MAP, MANIFEST 'no', TARGET 'client')";
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
