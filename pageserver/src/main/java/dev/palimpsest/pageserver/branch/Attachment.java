package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.ingest.ClusterImport;
import dev.palimpsest.pageserver.upstream.BackupEnd;
import dev.palimpsest.pageserver.upstream.BackupEntry;
import dev.palimpsest.pageserver.upstream.BackupOptions;
import dev.palimpsest.pageserver.upstream.BackupTablespace;
import dev.palimpsest.pageserver.upstream.BaseBackupStream;
import dev.palimpsest.pageserver.upstream.ConnectionSettings;
import dev.palimpsest.pageserver.upstream.ReplicationConnection;
import dev.palimpsest.pageserver.upstream.SystemIdentification;
import dev.palimpsest.pageserver.upstream.TimelineHistory;
import dev.palimpsest.pageserver.upstream.UpstreamException;
import dev.palimpsest.pageserver.upstream.WalReservation;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.TimelineImport;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attaches one PostgreSQL: makes the slot first, so that no WAL is lost from then on, then takes a base backup into a new
 * timeline, and starts to follow. What fails before following begins is undone, slot and timeline.
 */
final class Attachment implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);
    private static final long TARGET_LAYER_BYTES = 256L << 20;

    /** Makes the branch, once it is known where it begins, and starts to follow once it is filled. */
    interface Target {
        Branch create(String name, BranchRecord record, int pgVersion, Lsn start) throws StorageException;

        void follow(Branch branch) throws StorageException;

        void undo(Branch branch) throws StorageException;
    }

    private final String name;
    private final String connection;
    private final ConnectionSettings settings;
    private final String slot;
    private final List<String> warnings;
    private final Target target;
    private final RequestContext context;
    private final java.time.Clock clock;

    private volatile String step = "connecting";
    private volatile @Nullable BaseBackupStream backup;
    private volatile @Nullable ClusterImport taking;
    private volatile @Nullable Lsn startLsn;
    private volatile @Nullable Lsn endLsn;
    private volatile @Nullable Branch branch;
    private volatile boolean done;
    private volatile @Nullable String failure;
    private long receivedAtEnd;
    private long estimatedAtEnd;

    Attachment(
            String name,
            String connection,
            ConnectionSettings settings,
            String slot,
            List<String> warnings,
            Target target,
            RequestContext context,
            java.time.Clock clock) {
        this.name = name;
        this.connection = connection;
        this.settings = settings;
        this.slot = slot;
        this.warnings = List.copyOf(warnings);
        this.target = target;
        this.context = context;
        this.clock = clock;
    }

    AttachProgress progress() {
        BaseBackupStream stream = backup;
        ClusterImport cluster = taking;
        Branch made = branch;
        Lsn end = endLsn;
        boolean consistent = done && failure == null && made != null && made.isReadable();
        return new AttachProgress(
                name,
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
        boolean slotMade = false;
        try (ReplicationConnection open = ReplicationConnection.connect(settings)) {
            SystemIdentification system = open.identifySystem();
            step = "making slot " + slot;
            open.createPhysicalSlot(slot, WalReservation.AT_CREATION);
            slotMade = true;
            take(open, system);
            done = true;
        } catch (UpstreamException | StorageException | RuntimeException e) {
            String why = e.getMessage() == null ? e.toString() : e.getMessage();
            LOG.warn("attaching {} failed while {}: {}", name, step, why, e instanceof RuntimeException ? e : null);
            undo(slotMade);
            failure = "attaching failed while " + step + ": " + why;
            done = true;
        }
    }

    private void take(ReplicationConnection open, SystemIdentification system)
            throws UpstreamException, StorageException {
        step = "waiting for the checkpoint that the base backup begins with";
        TimelineHistory history = system.timeline() == 1 ? null : open.timelineHistory(system.timeline());
        BaseBackupStream stream = open.baseBackup(BackupOptions.fast("palimpsest " + name));
        backup = stream;
        startLsn = stream.startLsn();
        Branch made = target.create(
                name,
                BranchRecord.attaching(
                        name,
                        clock.instant(),
                        stream.startTimeline(),
                        new BranchRecord.Source(
                                connection,
                                slot,
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
                name,
                startLsn,
                end.lsn(),
                receivedAtEnd,
                taking == null ? 0 : taking.pages());
    }

    private void undo(boolean slotMade) {
        Branch made = branch;
        if (made != null) {
            try {
                target.undo(made);
                branch = null;
            } catch (StorageException e) {
                LOG.warn("{} was not attached, and could not be removed: {}", name, e.getMessage());
                made.fail(String.valueOf(e.getMessage()));
            }
        }
        if (slotMade) {
            try (ReplicationConnection open = ReplicationConnection.connect(settings)) {
                open.dropSlot(slot);
            } catch (UpstreamException e) {
                LOG.warn("slot {} stays on {}: {}", slot, settings, e.getMessage());
            }
        }
    }
}
