package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.adopt.AdoptHeader;
import dev.palimpsest.pageserver.walreceiver.WalIntake;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.datadir.TimelineHistory;
import dev.palimpsest.postgres.rmgr.Completion;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.rmgr.TransactionRecord;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.postgres.wal.StopReason;
import dev.palimpsest.postgres.wal.WalException;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Takes WAL segments into a branch, along PostgreSQL timelines that are known beforehand, up to a moment. Used by one thread;
 * what it tells about how far it is, by any.
 */
final class WalReplay implements AutoCloseable {
    private static final int BUFFER = 1 << 18;
    private static final int BACKUP_END = 0x50;

    private final Branch branch;
    private final AdoptHeader header;
    private final Moment to;
    private final Map<Integer, byte[]> histories;
    private final RequestContext context;
    private final byte[] buffer = new byte[BUFFER];
    private WalIntake intake;
    private int step;
    private Lsn position;
    private Lsn lastEnd;
    private boolean reached;
    private @Nullable Lsn consistent;
    private volatile long lastCommit;

    /**
     * Begins.
     *
     * @param to where to end
     * @param histories of PostgreSQL timelines, as files
     */
    WalReplay(Branch branch, AdoptHeader header, Moment to, Map<Integer, byte[]> histories, RequestContext context)
            throws StorageException {
        this.branch = branch;
        this.header = header;
        this.to = to;
        this.histories = histories;
        this.context = context;
        this.position = header.startLsn();
        this.lastEnd = position;
        this.consistent = header.consistency() == AdoptHeader.Consistency.AT_START ? position : null;
        this.intake = intake();
    }

    private WalIntake intake() throws StorageException {
        return new WalIntake(
                branch.name(),
                branch.timeline(),
                branch.lengths(),
                position,
                pgTimeline(),
                this::admit,
                (commit, _) -> lastCommit = Math.max(lastCommit, commit),
                context);
    }

    /** The PostgreSQL timeline that it is on. */
    int pgTimeline() {
        return header.timelines().get(step).number();
    }

    /** Whether the moment to end at was reached: nothing more is needed. */
    boolean isReached() {
        return reached;
    }

    /** Whether a record is before the moment to end at. */
    private boolean admit(WalRecord record) throws WalException {
        Lsn end = new Lsn(record.endLsn());
        boolean admitted =
                switch (to) {
                    case Moment.Latest() -> true;
                    case Moment.AtLsn(Lsn lsn) -> !end.isAfter(lsn);
                    case Moment.AtTime(Instant time) ->
                        record.resourceManagerId() != Rmgr.TRANSACTION.id()
                                || !(TransactionRecord.decode(record) instanceof Completion completion)
                                || completion.time().micros()
                                        <= TimestampTz.of(time).micros();
                };
        if (!admitted) {
            reached = true;
            return false;
        }
        lastEnd = end;
        if (consistent == null && isConsistent(record)) {
            consistent = end;
        }
        return true;
    }

    private boolean isConsistent(WalRecord record) throws WalException {
        return switch (header.consistency()) {
            case AT_START -> true;
            case AT_LSN ->
                Long.compareUnsigned(record.endLsn(), header.consistentLsn().value()) >= 0;
            case AT_BACKUP_END ->
                record.resourceManagerId() == Rmgr.XLOG.id()
                        && record.opcode() == BACKUP_END
                        && XlogRecord.decode(record) instanceof XlogRecord.BackupEnd(Lsn start)
                        && start.equals(header.startLsn());
        };
    }

    /**
     * Takes the next segment in.
     *
     * @throws InvalidRequestException if it is not the one that follows, or the WAL broke off before it
     */
    void segment(WalSegment segment, InputStream content) throws StorageException, WalException, IOException {
        if (reached) {
            return;
        }
        StopReason stopped = intake.stopped();
        if (stopped != null) {
            throw new InvalidRequestException(
                    "the WAL is damaged: " + stopped.describe() + ", but goes on in segment " + segment.fileName());
        }
        if (position.isBefore(segment.start()) || !position.isBefore(segment.end())) {
            throw new InvalidRequestException("WAL segment " + segment.fileName()
                    + " does not follow: the WAL before it" + " reaches to " + position);
        }
        content.skipNBytes(position.value() - segment.start().value());
        while (position.isBefore(segment.end()) && !reached) {
            if (step + 1 < header.timelines().size()
                    && position.equals(header.timelines().get(step + 1).beginsAt())) {
                nextTimeline();
            }
            if (segment.timeline() != pgTimeline() && !isAhead(segment.timeline())) {
                throw new InvalidRequestException("WAL segment " + segment.fileName() + " is of timeline "
                        + Integer.toUnsignedString(segment.timeline()) + ", which was left at " + position);
            }
            Lsn end = step + 1 < header.timelines().size()
                    ? Lsn.min(segment.end(), header.timelines().get(step + 1).beginsAt())
                    : segment.end();
            int count = (int) Math.min(buffer.length, end.value() - position.value());
            if (content.readNBytes(buffer, 0, count) != count) {
                throw new IOException("the archive ends within WAL segment " + segment.fileName());
            }
            intake.feed(buffer, 0, count);
            position = position.plus(count);
        }
    }

    /** A segment where timelines meet is that of the newer one, and begins with WAL of the older. */
    private boolean isAhead(int timeline) {
        return header.timelines().subList(step, header.timelines().size()).stream()
                .anyMatch(each -> each.number() == timeline);
    }

    private void nextTimeline() throws StorageException {
        StopReason stopped = intake.stopped();
        if (stopped != null) {
            throw new InvalidRequestException("the WAL of timeline " + Integer.toUnsignedString(pgTimeline())
                    + " is damaged before " + position + ", where the next one begins: " + stopped.describe());
        }
        intake.finish();
        intake.close();
        step++;
        intake = intake();
        byte[] history = histories.get(pgTimeline());
        if (history != null) {
            intake.keep(TimelineHistory.path(pgTimeline()), history);
        }
    }

    /**
     * All there is has come: waits until it is applied.
     *
     * @return from where on the branch can be read
     * @throws InvalidRequestException if it did not come to where it should end, or not to where it is consistent
     */
    Lsn finish() throws StorageException {
        intake.finish();
        StopReason stopped = intake.stopped();
        if (to instanceof Moment.AtLsn(Lsn lsn)) {
            Lsn known = stopped == null ? position : lastEnd;
            reached = reached || !known.isBefore(lsn);
        }
        String end = "the WAL ends at " + lastEnd + (stopped == null ? "" : " (" + stopped.describe() + ")");
        if (consistent == null) {
            String needed =
                    switch (header.consistency()) {
                        case AT_BACKUP_END -> "the record of the end of the backup that began at " + header.start();
                        case AT_LSN, AT_START -> header.consistentAt() + ", from where on the backup is consistent";
                    };
            throw new InvalidRequestException((reached ? to + " is before " : end + ", before ")
                    + needed
                    + (reached ? "" : ": more WAL of the time of the backup is needed"));
        }
        if (!reached && !(to instanceof Moment.Latest)) {
            Instant commit = lastCommit();
            throw new InvalidRequestException(end + (commit == null ? "" : ", the last commit in it was at " + commit)
                    + ": it does not reach " + to);
        }
        return Objects.requireNonNull(consistent);
    }

    /** Where the last record ended that was taken in. */
    Lsn lastEnd() {
        return lastEnd;
    }

    private @Nullable Instant lastCommit() {
        return lastCommit == 0 ? null : new TimestampTz(lastCommit).toInstant();
    }

    @Override
    public void close() {
        intake.close();
    }
}
