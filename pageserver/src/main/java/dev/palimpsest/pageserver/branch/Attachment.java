package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.files.PrivateFiles;
import dev.palimpsest.pageserver.ingest.ClusterImport;
import dev.palimpsest.pageserver.upstream.BackupEnd;
import dev.palimpsest.pageserver.upstream.BackupEntry;
import dev.palimpsest.pageserver.upstream.BackupOptions;
import dev.palimpsest.pageserver.upstream.BackupTablespace;
import dev.palimpsest.pageserver.upstream.BaseBackupStream;
import dev.palimpsest.pageserver.upstream.CannotConnectException;
import dev.palimpsest.pageserver.upstream.ConnectionLostException;
import dev.palimpsest.pageserver.upstream.ConnectionSettings;
import dev.palimpsest.pageserver.upstream.ReplicationConnection;
import dev.palimpsest.pageserver.upstream.ServerRefusedException;
import dev.palimpsest.pageserver.upstream.SystemIdentification;
import dev.palimpsest.pageserver.upstream.TimelineHistory;
import dev.palimpsest.pageserver.upstream.UpstreamException;
import dev.palimpsest.pageserver.upstream.WalReservation;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.protocol.ServerError;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.TimelineImport;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attaches one PostgreSQL: makes the slot first, so that no WAL is lost from then on, then takes a base backup into a new
 * timeline, and starts to follow. If the source goes away before following begins, what was made is undone and all of it is
 * tried again, for as long as it takes, after a restart of the server too: that is what the {@link AttachIntent} is kept for.
 * What fails otherwise, slot and timeline, is undone for good, and the intent says why until somebody deletes it.
 */
final class Attachment implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);
    static final long TARGET_LAYER_BYTES = 256L << 20;
    private static final long FIRST_PAUSE_SECONDS = 1;
    private static final long LONGEST_PAUSE_SECONDS = 30;
    /** The server shuts down, crashed, or is starting; the slot is still used by a connection that broke. */
    private static final Set<String> PASSING =
            Set.of("57P01", "57P02", ServerError.CANNOT_CONNECT_NOW, ServerError.OBJECT_IN_USE);

    /**
     * Makes the branch, once it is known where it begins, and starts to follow once it is filled. The connection string is null
     * if there is nothing to follow.
     */
    interface Target {
        Branch create(String name, @Nullable String connection, BranchRecord record, int pgVersion, Lsn start)
                throws StorageException;

        void follow(Branch branch) throws StorageException;

        void undo(Branch branch) throws StorageException;
    }

    private final ConnectionSettings settings;
    private final List<String> warnings;
    private final Target target;
    private final PrivateFiles intents;
    private final RequestContext context;
    private final java.time.Clock clock;
    private final CountDownLatch stop = new CountDownLatch(1);

    private volatile AttachIntent intent;
    private volatile String step = "connecting";
    private volatile @Nullable ReplicationConnection connection;
    private volatile @Nullable BaseBackupStream backup;
    private volatile @Nullable ClusterImport taking;
    private volatile @Nullable Lsn startLsn;
    private volatile @Nullable Lsn endLsn;
    private volatile @Nullable Branch branch;
    private volatile boolean done;
    private volatile @Nullable String failure;
    private volatile long receivedAtEnd;
    private volatile long estimatedAtEnd;

    /** @param intent already kept in {@code intents}; one that has failed is not tried again */
    Attachment(
            AttachIntent intent,
            ConnectionSettings settings,
            List<String> warnings,
            Target target,
            PrivateFiles intents,
            RequestContext context,
            java.time.Clock clock) {
        this.intent = intent;
        this.settings = settings;
        this.warnings = List.copyOf(warnings);
        this.target = target;
        this.intents = intents;
        this.context = context;
        this.clock = clock;
        this.failure = intent.failure();
        this.done = failure != null;
    }

    private String name() {
        return intent.name();
    }

    /** Whether the base backup is taken in and followed: the branch is one like any other. */
    boolean isTaken() {
        return done && failure == null;
    }

    AttachProgress progress() {
        BaseBackupStream stream = backup;
        ClusterImport cluster = taking;
        Branch made = branch;
        Lsn end = endLsn;
        boolean consistent = done && failure == null && made != null && made.isReadable();
        return new AttachProgress(
                name(),
                consistent ? "ready" : done && failure == null ? "catching up" : step,
                stream == null ? receivedAtEnd : stream.receivedBytes(),
                stream == null ? estimatedAtEnd : stream.estimatedBytes(),
                cluster == null ? 0 : cluster.pages(),
                startLsn,
                end,
                made == null || end == null ? null : made.timeline().lastRecordLsn(),
                warnings,
                consistent || failure != null,
                failure);
    }

    @Override
    public void run() {
        long pause = FIRST_PAUSE_SECONDS;
        while (!done && stop.getCount() > 0) {
            try {
                if (attempt()) {
                    intents.delete(name());
                    done = true;
                }
            } catch (UpstreamException | StorageException | RuntimeException e) {
                if (stop.getCount() == 0) {
                    return;
                }
                String why = e.getMessage() == null ? e.toString() : e.getMessage();
                LOG.warn(
                        "attaching {} failed while {}: {}",
                        name(),
                        step,
                        why,
                        e instanceof RuntimeException ? e : null);
                String whatFailed = "attaching failed while " + step + ": " + why;
                undoBranch();
                if (!mayPass(e)) {
                    dropSlot();
                    keep(intent.failed(whatFailed));
                    failure = whatFailed;
                    done = true;
                    return;
                }
                step = "waiting " + pause + " s to begin anew, since " + whatFailed;
                pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS);
                await(pause);
            }
        }
    }

    private void await(long seconds) {
        try {
            if (stop.await(seconds, TimeUnit.SECONDS)) {
                LOG.debug("attaching {} is stopped", name());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stop.countDown();
        }
    }

    /** Whether it may work another time without anybody doing anything about it here: the source was not there, or went away. */
    private static boolean mayPass(Exception e) {
        return switch (e) {
            case CannotConnectException away -> true;
            case ConnectionLostException lost -> true;
            case ServerRefusedException refused ->
                PASSING.contains(refused.serverError().sqlState());
            default -> false;
        };
    }

    /** Whether it was taken in; if not, it was stopped before it began. */
    private boolean attempt() throws UpstreamException, StorageException {
        step = "connecting";
        try (ReplicationConnection open = ReplicationConnection.connect(settings)) {
            connection = open;
            if (stop.getCount() == 0) {
                return false;
            }
            SystemIdentification system = open.identifySystem();
            makeSlot(open);
            take(open, system);
            return true;
        } finally {
            connection = null;
            backup = null;
        }
    }

    /** It is said beforehand that the slot is ours, so that whatever happens then it is not left over. */
    private void makeSlot(ReplicationConnection open) throws UpstreamException {
        step = "making slot " + intent.slot();
        if (intent.slotMade()) {
            dropSlot(open);
        }
        keep(intent.withSlot(true));
        try {
            open.createPhysicalSlot(intent.slot(), WalReservation.AT_CREATION);
        } catch (ServerRefusedException e) {
            keep(intent.withSlot(false));
            throw e;
        }
    }

    private void dropSlot(ReplicationConnection open) throws UpstreamException {
        try {
            open.dropSlot(intent.slot());
        } catch (ServerRefusedException e) {
            if (!e.is(ServerError.UNDEFINED_OBJECT)) {
                throw e;
            }
        }
    }

    private void keep(AttachIntent next) {
        intents.write(next.name(), next.encode());
        intent = next;
    }

    /** Makes it end soon, as it stands; the thread that runs it has to be waited for. */
    void stop() {
        stop.countDown();
        ReplicationConnection open = connection;
        if (open != null) {
            open.close();
        }
    }

    /**
     * Undoes what there is, for good. Only when nothing runs it any more.
     *
     * @return what was left undone, for people; empty if nothing
     */
    List<String> giveUp() {
        undoBranch();
        String left = dropSlot();
        intents.delete(name());
        return left == null ? List.of() : List.of(left);
    }

    private void take(ReplicationConnection open, SystemIdentification system)
            throws UpstreamException, StorageException {
        step = "waiting for the checkpoint that the base backup begins with";
        TimelineHistory history = system.timeline() == 1 ? null : open.timelineHistory(system.timeline());
        BaseBackupStream stream = open.baseBackup(BackupOptions.fast("palimpsest " + name()));
        backup = stream;
        startLsn = stream.startLsn();
        Branch made = target.create(
                name(),
                intent.connection(),
                BranchRecord.attaching(
                        name(),
                        clock.instant(),
                        stream.startTimeline(),
                        new BranchRecord.Source(
                                intent.connection(),
                                intent.slot(),
                                Long.toUnsignedString(system.systemIdentifier()),
                                stream.startLsn().toString(),
                                false)),
                open.version().major(),
                stream.startLsn());
        branch = made;
        step = "taking the base backup";
        try (TimelineImport into = made.timeline().beginImport(stream.startLsn(), TARGET_LAYER_BYTES)) {
            ClusterImport cluster = new ClusterImport(into, open.version(), context);
            taking = cluster;
            for (BackupTablespace tablespace : stream.tablespaces()) {
                if (tablespace.oid() != 0) {
                    cluster.tablespace(tablespace.oid(), tablespace.location());
                }
            }
            if (history != null) {
                cluster.keep("pg_wal/" + history.fileName(), history.text().getBytes(StandardCharsets.UTF_8));
            }
            for (BackupEntry entry = stream.next(); entry != null; entry = stream.next()) {
                if (entry.kind() == BackupEntry.Kind.FILE) {
                    cluster.<UpstreamException>file(entry.tablespace(), entry.path(), entry.size(), stream::readFully);
                }
            }
            step = "making the base backup durable";
            cluster.finish();
        }
        BackupEnd end = stream.end();
        receivedAtEnd = stream.receivedBytes();
        estimatedAtEnd = stream.estimatedBytes();
        backup = null;
        endLsn = end.lsn();
        step = "starting to follow";
        made.update(made.record().imported(end.lsn()), context);
        target.follow(made);
        LOG.info(
                "attached {}: base backup from {} to {}, {} bytes, {} pages",
                name(),
                startLsn,
                end.lsn(),
                receivedAtEnd,
                taking == null ? 0 : taking.pages());
    }

    private void undoBranch() {
        Branch made = branch;
        if (made != null) {
            try {
                target.undo(made);
                branch = null;
                taking = null;
            } catch (StorageException e) {
                LOG.warn("{} was not attached, and could not be removed: {}", name(), e.getMessage());
                made.fail(String.valueOf(e.getMessage()));
            }
        }
    }

    /** Drops the slot if it is ours; returns why it could not. */
    private @Nullable String dropSlot() {
        if (!intent.slotMade()) {
            return null;
        }
        try (ReplicationConnection open = ReplicationConnection.connect(settings)) {
            dropSlot(open);
            keep(intent.withSlot(false));
            return null;
        } catch (UpstreamException e) {
            String why = Sources.slotStays(intent.slot(), Secrets.redact(intent.connection()), e);
            LOG.warn("{}", why);
            return why;
        }
    }
}
