package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.adopt.AdoptException;
import dev.palimpsest.pageserver.adopt.AdoptHeader;
import dev.palimpsest.pageserver.ingest.ClusterImport;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.datadir.TimelineHistory;
import dev.palimpsest.postgres.wal.WalException;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.TimelineImport;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a branch of a base backup and of WAL, which come as the archive that {@link AdoptHeader} describes: the backup becomes
 * image layers, the WAL is replayed as if it were received. The branch follows nothing. Whatever goes wrong, nothing is left.
 */
final class Adoption {
    private static final Logger LOG = LoggerFactory.getLogger(Adoption.class);
    private static final int MAX_SMALL = 1 << 20;
    private static final int DECIMAL = 10;
    private static final int HEX = 16;

    private final String name;
    private final Moment to;
    private final RetentionOverride retention;
    private final Attachment.Target target;
    private final RequestContext context;
    private final java.time.Clock clock;
    private final Map<Integer, byte[]> histories = new HashMap<>();

    private volatile String step = "waiting for the backup";
    private volatile @Nullable AdoptHeader header;
    private volatile @Nullable ClusterImport taking;
    private volatile @Nullable Branch branch;
    private volatile @Nullable Lsn consistent;
    private final AtomicLong received = new AtomicLong();
    private volatile boolean done;
    private volatile @Nullable String failure;

    Adoption(
            String name,
            Moment to,
            RetentionOverride retention,
            Attachment.Target target,
            RequestContext context,
            java.time.Clock clock) {
        this.name = name;
        this.to = to;
        this.retention = retention;
        this.target = target;
        this.context = context;
        this.clock = clock;
    }

    /** How far it is. From {@code done} on nothing more of the archive is needed. */
    AttachProgress progress() {
        AdoptHeader known = header;
        ClusterImport cluster = taking;
        Branch made = branch;
        return new AttachProgress(
                name,
                done ? "ready" : step,
                received.get(),
                known == null ? 0 : known.bytes(),
                cluster == null ? 0 : cluster.pages(),
                known == null ? null : known.startLsn(),
                consistent,
                made == null ? null : made.timeline().lastRecordLsn(),
                List.of(),
                done || failure != null,
                failure);
    }

    boolean isRunning() {
        return !done && failure == null;
    }

    /** Reads the archive to its end; on return the branch is durable, or nothing is left of it. */
    void run(InputStream archive) throws BranchException {
        try {
            take(archive);
        } catch (IOException e) {
            throw undone(BranchException.Kind.FAILED, "what was sent broke off: " + e.getMessage(), e);
        } catch (AdoptException | InvalidRequestException | WalException e) {
            throw undone(BranchException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        } catch (StorageException e) {
            throw undone(BranchException.Kind.FAILED, String.valueOf(e.getMessage()), e);
        } catch (RuntimeException e) {
            BranchException unforeseen = undone(BranchException.Kind.FAILED, "this is a bug: " + e, e);
            LOG.error("adopting {} failed", name, unforeseen);
            throw e;
        }
    }

    private BranchException undone(BranchException.Kind kind, String why, Exception cause) {
        String message = name + " cannot be adopted, failed while " + step + ": " + why;
        Branch made = branch;
        if (made != null) {
            try {
                target.undo(made);
                branch = null;
                taking = null;
            } catch (StorageException e) {
                LOG.warn("{} was not adopted, and could not be removed: {}", name, e.getMessage());
                made.fail(String.valueOf(e.getMessage()));
            }
        }
        LOG.warn("{}", message);
        failure = message;
        return new BranchException(kind, message, cause);
    }

    /** What comes in one archive, an entry after the other. */
    private final class Entries {
        private final TarArchiveInputStream tar;
        private String entryName = "";
        private long size;

        Entries(InputStream archive) {
            tar = new TarArchiveInputStream(archive, StandardCharsets.UTF_8.name());
        }

        /** Goes to the next; false at the one that says that all has come. */
        boolean next() throws IOException {
            TarArchiveEntry entry = tar.getNextEntry();
            if (entry == null) {
                throw new IOException("it ends after " + (entryName.isEmpty() ? "nothing" : entryName));
            }
            entryName = entry.getName();
            size = entry.getSize();
            return !entryName.equals(AdoptHeader.END);
        }

        byte[] small() throws IOException {
            if (size > MAX_SMALL) {
                throw new IOException(entryName + " has " + size + " bytes");
            }
            return tar.readNBytes((int) size);
        }

        int read(byte[] bytes, int offset, int length) throws IOException {
            int count = tar.readNBytes(bytes, offset, length);
            received.addAndGet(count);
            return count;
        }
    }

    private void take(InputStream archive) throws IOException, AdoptException, StorageException, WalException {
        Entries entries = new Entries(archive);
        if (!entries.next() || !entries.entryName.equals(AdoptHeader.NAME)) {
            throw new IOException("it does not begin with " + AdoptHeader.NAME);
        }
        AdoptHeader known = AdoptHeader.decode(entries.small());
        header = known;
        PostgresVersion version;
        try {
            version = PostgresVersion.ofMajor(known.pgVersion());
        } catch (IllegalArgumentException e) {
            throw new InvalidRequestException(String.valueOf(e.getMessage()), e);
        }
        step = "taking the base backup";
        Branch made = target.create(
                name,
                null,
                BranchRecord.adopting(
                                name,
                                clock.instant(),
                                known.timelines().getFirst().number())
                        .retaining(retention),
                known.pgVersion(),
                known.startLsn());
        branch = made;
        boolean more;
        try (TimelineImport into = made.timeline().beginImport(known.startLsn(), Attachment.TARGET_LAYER_BYTES)) {
            more = importBackup(new ClusterImport(into, version, context), known, entries);
        }
        step = "replaying WAL";
        try (WalReplay replay = new WalReplay(made, known, to, histories, context)) {
            while (more && !replay.isReached()) {
                replay(replay, known, entries);
                more = entries.next();
            }
            Lsn from = replay.finish();
            step = "making it durable";
            made.timeline().freezeAndFlush(context);
            made.update(made.record().onPgTimeline(replay.pgTimeline()).imported(from), context);
            consistent = from;
        }
        done = true;
        LOG.info(
                "adopted {}: backup from {}, consistent at {}, WAL to {}",
                name,
                known.start(),
                consistent,
                made.timeline().lastRecordLsn());
        while (more) {
            more = entries.next();
        }
    }

    /** Up to the first entry that is no file of the backup and no history; whether there is such a one. */
    private boolean importBackup(ClusterImport cluster, AdoptHeader known, Entries entries)
            throws IOException, StorageException {
        taking = cluster;
        for (AdoptHeader.Tablespace tablespace : known.tablespaces()) {
            cluster.tablespace((int) tablespace.oid(), tablespace.location());
        }
        boolean more = entries.next();
        for (; more; more = entries.next()) {
            String entry = entries.entryName;
            if (entry.startsWith(AdoptHeader.DATA)) {
                cluster.<IOException>file(0, entry.substring(AdoptHeader.DATA.length()), entries.size, entries::read);
            } else if (entry.startsWith(AdoptHeader.TABLESPACE)) {
                String[] parts = entry.split("/", 3);
                int oid = number(parts[1], DECIMAL, entry);
                cluster.<IOException>file(oid, parts[parts.length - 1], entries.size, entries::read);
            } else if (entry.startsWith(AdoptHeader.WAL) && entry.endsWith(AdoptHeader.HISTORY)) {
                int end = entry.length() - AdoptHeader.HISTORY.length();
                histories.put(number(entry.substring(AdoptHeader.WAL.length(), end), HEX, entry), entries.small());
            } else {
                break;
            }
        }
        check(cluster.controlFile(), known);
        int timeline = known.timelines().getFirst().number();
        byte[] history = histories.get(timeline);
        if (history != null) {
            cluster.keep(TimelineHistory.path(timeline), history);
        }
        step = "making the base backup durable";
        cluster.finish();
        return more;
    }

    private static int number(String text, int radix, String entry) throws IOException {
        try {
            return Integer.parseUnsignedInt(text, radix);
        } catch (NumberFormatException e) {
            throw new IOException("it has " + entry + ", in which '" + text + "' is no number", e);
        }
    }

    private static void check(@Nullable ControlFile control, AdoptHeader known) throws InvalidRequestException {
        if (control != null
                && (control.systemIdentifier() != Long.parseUnsignedLong(known.systemIdentifier())
                        || control.walSegmentSize() != known.walSegmentSize())) {
            throw new InvalidRequestException("the control file is of system identifier "
                    + Long.toUnsignedString(control.systemIdentifier()) + " with segments of "
                    + control.walSegmentSize() + " bytes, not of " + known.systemIdentifier() + " with "
                    + known.walSegmentSize());
        }
    }

    private static void replay(WalReplay replay, AdoptHeader known, Entries entries)
            throws IOException, StorageException, WalException {
        String segment = entries.entryName.startsWith(AdoptHeader.WAL)
                ? entries.entryName.substring(AdoptHeader.WAL.length())
                : "";
        if (!WalSegment.isName(segment) || entries.size != known.walSegmentSize()) {
            throw new IOException("it has " + entries.entryName + " of " + entries.size + " bytes where WAL should be");
        }
        WalSegment name = WalSegment.parse(segment, known.walSegmentSize());
        replay.segment(name, new FilterInputStream(entries.tar) {
            @Override
            public void close() {
                // The archive goes on.
            }
        });
    }
}
