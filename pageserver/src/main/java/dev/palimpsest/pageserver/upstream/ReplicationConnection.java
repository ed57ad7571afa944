package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
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
@SuppressWarnings("DoNotCallSuggester")
public final class ReplicationConnection implements AutoCloseable {
    private ReplicationConnection() {}

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
     * @throws CannotConnectException if none can be reached, or none that can is of the wanted kind, or TLS fails
     * @throws AuthenticationException if a server does not let us in
     * @throws ServerRefusedException if a server refuses for another reason: the role lacks REPLICATION (SQLSTATE 42501), no
     *     walsender is free (53300), it is starting or stopping (57P03)…
     * @throws ProtocolBrokenException if it is no PostgreSQL, or none of the versions 14 to 18
     */
    public static ReplicationConnection connect(ConnectionSettings settings, Timeouts timeouts)
            throws UpstreamException {
        throw new UnsupportedOperationException("" + settings + timeouts);
    }

    /** The server that this is connected to. */
    public ServerAddress address() {
        throw new UnsupportedOperationException();
    }

    /** Its major version. */
    public PostgresVersion version() {
        throw new UnsupportedOperationException();
    }

    /** Its version as it says it: {@code 17.11 (Debian 17.11-1)}. */
    public String serverVersion() {
        throw new UnsupportedOperationException();
    }

    /** A setting that the server reports unasked, such as {@code in_hot_standby}, or null if it did not report it. */
    public @Nullable String reported(String setting) {
        throw new UnsupportedOperationException(setting);
    }

    /** Whether the connection is encrypted. */
    public boolean isEncrypted() {
        throw new UnsupportedOperationException();
    }

    /** Whether it can be used on. */
    public boolean isOpen() {
        throw new UnsupportedOperationException();
    }

    /** IDENTIFY_SYSTEM: which cluster it is, and where it stands. */
    public SystemIdentification identifySystem() throws UpstreamException {
        throw new UnsupportedOperationException();
    }

    /**
     * SHOW: the value of a setting, as text with its unit.
     *
     * @throws ServerRefusedException if there is no such setting (42704), or it is not ours to see (42501)
     */
    public String show(String setting) throws UpstreamException {
        throw new UnsupportedOperationException(setting);
    }

    /**
     * TIMELINE_HISTORY: where a timeline came from. Timeline 1 has no history file.
     *
     * @throws ServerRefusedException if the server does not have it (58P01)
     */
    public TimelineHistory timelineHistory(int timeline) throws UpstreamException {
        throw new UnsupportedOperationException("" + timeline);
    }

    /**
     * CREATE_REPLICATION_SLOT: makes a physical slot that outlives the connection.
     *
     * @param name lower-case letters, digits and underscores, 1 to 63
     * @throws ServerRefusedException if there is one of the name (42710), or there is room for no more (53400)…
     */
    public void createPhysicalSlot(String name, WalReservation reservation) throws UpstreamException {
        throw new UnsupportedOperationException(name + reservation);
    }

    /**
     * READ_REPLICATION_SLOT: how a slot stands.
     *
     * @throws ServerRefusedException if it is a logical slot (55000 or the like)
     */
    public SlotState readSlot(String name) throws UpstreamException {
        throw new UnsupportedOperationException(name);
    }

    /**
     * DROP_REPLICATION_SLOT.
     *
     * @throws ServerRefusedException if there is none of the name (42704), or somebody uses it (55006)
     */
    public void dropSlot(String name) throws UpstreamException {
        throw new UnsupportedOperationException(name);
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
        throw new UnsupportedOperationException(slot + start + timeline);
    }

    /**
     * BASE_BACKUP: begins to receive a base backup, without WAL and manifest. Returns when the checkpoint it begins with is
     * done.
     *
     * @throws ServerRefusedException if the server cannot make one
     */
    public BaseBackupStream baseBackup(BackupOptions options) throws UpstreamException {
        throw new UnsupportedOperationException(options.label());
    }

    /** Says farewell if nothing is going on, and closes the connection. Safe from any thread; again does nothing. */
    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
