package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A connection to a PostgreSQL for physical replication.
 *
 * <p>It does one thing at a time: a command, or a {@link WalStream}, or a {@link BaseBackupStream}; what is begun must be at
 * its end before the next may begin, else {@link IllegalStateException}. For use by one thread, except {@link #close}, which
 * any may call and which wakes the one that waits with a {@link ConnectionLostException}, and {@link WalStream#sendStatus}.
 * Waiting blocks the thread, which may be a virtual one; interrupting it closes the connection.
 *
 * <p>No call waits without an end (see {@link Timeouts}). After a {@link ServerRefusedException} the connection can be used
 * on if {@link #isOpen}; after any other {@link UpstreamException} it is closed.
 */
public final class ReplicationConnection implements AutoCloseable {
    private static final Pattern SETTING = Pattern.compile("[A-Za-z_][A-Za-z0-9_.$]*");
    private static final Pattern SLOT = Pattern.compile("[a-z0-9_]{1,63}");

    private final Connector.Connected connected;
    private final Wire wire;
    private final Commands commands;
    private volatile @Nullable WalStream stream;
    private volatile @Nullable BaseBackupStream backup;

    private ReplicationConnection(Connector.Connected connected, Timeouts timeouts) {
        this.connected = connected;
        this.wire = connected.wire();
        this.commands = new Commands(wire, timeouts);
    }

    /**
     * Connects with {@link Timeouts#DEFAULT}.
     *
     * @throws UpstreamException as {@link #connect(ConnectionSettings, Timeouts)}
     */
    public static ReplicationConnection connect(ConnectionSettings settings) throws UpstreamException {
        return connect(settings, Timeouts.DEFAULT);
    }

    /**
     * Connects to the first of the servers that will do, and logs in.
     *
     * @throws CannotConnectException if none can be reached, TLS fails, or what is reached is not of the wanted kind or none of
     *     the versions 14 to 18
     * @throws AuthenticationException if a server does not let us in
     * @throws ServerRefusedException if a server refuses for another reason: the role lacks REPLICATION (SQLSTATE 42501), no
     *     walsender is free (53300), it is starting or stopping (57P03)…
     * @throws ProtocolBrokenException if it is no PostgreSQL
     */
    public static ReplicationConnection connect(ConnectionSettings settings, Timeouts timeouts)
            throws UpstreamException {
        return new ReplicationConnection(new Connector(settings).connect(), timeouts);
    }

    /** The server that this is connected to. */
    public ServerAddress address() {
        return wire.address();
    }

    /** Its major version. */
    public PostgresVersion version() {
        return connected.version();
    }

    /** Its version as it says it: {@code 17.11 (Debian 17.11-1)}. */
    public String serverVersion() {
        return connected.serverVersion();
    }

    /** A setting that the server reports unasked, such as {@code in_hot_standby}, or null if it did not report it. */
    public @Nullable String reported(String setting) {
        return wire.reported(setting);
    }

    /** Whether the connection is encrypted. */
    public boolean isEncrypted() {
        return connected.encrypted();
    }

    /** Whether it can be used on. */
    public boolean isOpen() {
        return wire.isOpen();
    }

    /** IDENTIFY_SYSTEM: which cluster it is, and where it stands. */
    public SystemIdentification identifySystem() throws UpstreamException {
        String command = "IDENTIFY_SYSTEM";
        Commands.Row row = commands.only(run(command), command);
        return new SystemIdentification(
                number(commands.text(row, 0, command), command),
                (int) number(commands.text(row, 1, command), command),
                lsn(commands.text(row, 2, command), command));
    }

    /**
     * SHOW: the value of a setting, as text with its unit.
     *
     * @throws ServerRefusedException if there is no such setting (42704), or it is not ours to see (42501)
     */
    public String show(String setting) throws UpstreamException {
        if (!SETTING.matcher(setting).matches()) {
            throw new IllegalArgumentException("not the name of a setting: \"" + setting + "\"");
        }
        String command = "SHOW " + setting;
        return commands.text(commands.only(run(command), command), 0, command);
    }

    /**
     * TIMELINE_HISTORY: where a timeline came from. Timeline 1 has no history file.
     *
     * @throws ServerRefusedException if the server does not have it (58P01)
     */
    public TimelineHistory timelineHistory(int timeline) throws UpstreamException {
        String command = "TIMELINE_HISTORY " + Integer.toUnsignedString(timeline);
        Commands.Row row = commands.only(run(command), command);
        String text = commands.text(row, 1, command);
        try {
            return TimelineHistory.parse(timeline, commands.text(row, 0, command), text);
        } catch (IllegalArgumentException e) {
            throw wire.broken("the history of timeline " + Integer.toUnsignedString(timeline), e);
        }
    }

    /**
     * CREATE_REPLICATION_SLOT: makes a physical slot that outlives the connection.
     *
     * @param name lower-case letters, digits and underscores, 1 to 63
     * @throws ServerRefusedException if there is one of the name (42710), or there is room for no more (53400)…
     */
    public void createPhysicalSlot(String name, WalReservation reservation) throws UpstreamException {
        // The form without parentheses is the only one of PostgreSQL 14, and later ones still take it.
        run("CREATE_REPLICATION_SLOT " + slotName(name) + " PHYSICAL"
                + (reservation == WalReservation.AT_CREATION ? " RESERVE_WAL" : ""));
    }

    /** CREATE_REPLICATION_SLOT: makes a physical slot that goes with the connection, and keeps no WAL. */
    void createTemporarySlot(String name) throws UpstreamException {
        run("CREATE_REPLICATION_SLOT " + slotName(name) + " TEMPORARY PHYSICAL");
    }

    /**
     * READ_REPLICATION_SLOT: how a slot stands.
     *
     * @throws ServerRefusedException if it is a logical slot (55000 or the like)
     */
    public SlotState readSlot(String name) throws UpstreamException {
        String slot = slotName(name);
        if (!version().isAtLeast(PostgresVersion.V15)) {
            return new SlotState.Unknown();
        }
        String command = "READ_REPLICATION_SLOT " + slot;
        Commands.Row row = commands.only(run(command), command);
        if (Commands.textOrNull(row, 0) == null) {
            return new SlotState.Absent();
        }
        String restart = Commands.textOrNull(row, 1);
        String timeline = Commands.textOrNull(row, 2);
        return new SlotState.Physical(
                restart == null ? null : lsn(restart, command), timeline == null ? 0 : (int) number(timeline, command));
    }

    /**
     * DROP_REPLICATION_SLOT.
     *
     * @throws ServerRefusedException if there is none of the name (42704), or somebody uses it (55006)
     */
    public void dropSlot(String name) throws UpstreamException {
        run("DROP_REPLICATION_SLOT " + slotName(name));
    }

    /**
     * START_REPLICATION: begins to receive WAL. If {@code start} is where {@code timeline} ended, the stream is at its end at
     * once.
     *
     * @param slot the physical slot to use, or null for none
     * @param start the first byte wanted
     * @param timeline the PostgreSQL timeline to follow, unsigned
     * @throws ServerRefusedException if somebody uses the slot (55006), it is gone (42704) or has lost its WAL (55000), the
     *     server's WAL does not reach to {@code start}, or the timeline is not in its history…; WAL that was removed is noticed
     *     when receiving (58P01)
     */
    public WalStream startReplication(@Nullable String slot, Lsn start, int timeline) throws UpstreamException {
        String command = "START_REPLICATION" + (slot == null ? "" : " SLOT " + slotName(slot)) + " PHYSICAL " + start
                + " TIMELINE " + Integer.toUnsignedString(timeline);
        checkIdle();
        WalStream started = WalStream.start(commands, command, start, timeline);
        stream = started;
        return started;
    }

    /**
     * BASE_BACKUP: begins to receive a base backup, without WAL and manifest. Returns when the checkpoint it begins with is
     * done.
     *
     * @throws ServerRefusedException if the server cannot make one
     */
    public BaseBackupStream baseBackup(BackupOptions options) throws UpstreamException {
        checkIdle();
        BaseBackupStream started = BaseBackupStream.start(commands, options, version());
        backup = started;
        return started;
    }

    /** Says farewell if nothing is going on, and closes the connection. Safe from any thread; again does nothing. */
    @Override
    public void close() {
        WalStream streaming = stream;
        BaseBackupStream backingUp = backup;
        if ((streaming == null || streaming.isEnded()) && (backingUp == null || backingUp.isEnded())) {
            wire.terminate();
        } else {
            wire.close();
        }
    }

    private List<Commands.Row> run(String command) throws UpstreamException {
        checkIdle();
        return commands.run(command);
    }

    private void checkIdle() throws ConnectionLostException {
        WalStream streaming = stream;
        BaseBackupStream backingUp = backup;
        if (streaming != null && !streaming.isEnded() && wire.isOpen()) {
            throw new IllegalStateException("the connection streams WAL");
        }
        if (backingUp != null && !backingUp.isEnded() && wire.isOpen()) {
            throw new IllegalStateException("the connection takes a base backup");
        }
        if (!wire.isOpen()) {
            throw new ConnectionLostException("the connection to " + address() + " is closed");
        }
    }

    private static String slotName(String name) {
        if (!SLOT.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "\"" + name + "\" is no name of a slot: lower-case letters, digits and underscores, 1 to 63, are");
        }
        return '"' + name + '"';
    }

    private long number(String text, String command) throws ProtocolBrokenException {
        try {
            return Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            throw wire.broken("the answer to " + command, e);
        }
    }

    private Lsn lsn(String text, String command) throws ProtocolBrokenException {
        try {
            return Lsn.parse(text);
        } catch (IllegalArgumentException e) {
            throw wire.broken("the answer to " + command, e);
        }
    }
}
