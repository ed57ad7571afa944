package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.Timeline;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What can be read on a branch: its own history, and before that what the branches it came from had up to where it left them.
 * A snapshot; safe for use by several threads at once.
 */
final class History {
    /** Why there is nothing older; an end of a sentence. */
    static final String WHY_NOT_OLDER = "older history is kept as far as the settings pitr_interval and gc_horizon say";

    /** The branch, then the one it came from, and so on. */
    private final List<Branch> line;

    private final RequestContext context;

    /** @param all every branch there is */
    History(Branch branch, OpenBranches all, RequestContext context) {
        this.context = context;
        this.line = new ArrayList<>(List.of(branch));
        Branch ancestor = all.parent(branch);
        while (ancestor != null) {
            line.add(ancestor);
            ancestor = all.parent(ancestor);
        }
    }

    /** The first of the line that a branch ends: the one that was attached, or made independent. */
    static Branch origin(Branch branch, OpenBranches all) {
        Branch origin = branch;
        for (Branch above = all.parent(branch); above != null; above = all.parent(above)) {
            origin = above;
        }
        return origin;
    }

    private Branch branch() {
        return line.getFirst();
    }

    /** The first LSN that can be read. */
    Lsn first() {
        return Lsn.max(
                line.getLast().record().readableFromLsn(), branch().timeline().gcCutoffLsn());
    }

    private Lsn last() {
        return branch().timeline().lastRecordLsn();
    }

    /** Whose own history has this LSN: a new branch from there begins on that branch. */
    Branch at(Lsn lsn) {
        for (Branch each : line) {
            Timeline.BranchPoint point = each.timeline().branchPoint();
            if (point == null || !lsn.isBefore(point.lsn())) {
                return each;
            }
        }
        return line.getLast();
    }

    /** The LSN that a moment is, readable. INVALID if the history does not reach there. */
    Lsn resolve(Moment moment) throws BranchException {
        return switch (moment) {
            case Moment.Latest() -> last();
            case Moment.AtLsn(Lsn lsn) -> {
                boolean held = branch().timeline().heldLsns().contains(lsn);
                if ((!held && lsn.isBefore(first())) || lsn.isAfter(last())) {
                    throw new BranchException(
                            BranchException.Kind.INVALID,
                            lsn + " is not in the history of branch " + branch().name() + ", which goes from " + first()
                                    + " to " + last() + (lsn.isBefore(first()) ? "; " + WHY_NOT_OLDER : ""));
                }
                yield lsn;
            }
            case Moment.AtTime(Instant time) -> {
                try {
                    yield at(time);
                } catch (StorageException e) {
                    throw new BranchException(
                            e instanceof InvalidRequestException
                                    ? BranchException.Kind.INVALID
                                    : BranchException.Kind.FAILED,
                            "the LSN of " + time + " on branch " + branch().name() + " cannot be found: "
                                    + e.getMessage(),
                            e);
                }
            }
        };
    }

    private Lsn at(Instant time) throws BranchException, StorageException {
        Instant begins = begins();
        Lsn found = time.isBefore(begins) ? null : commits().lastBefore(time, first(), last());
        if (found == null) {
            throw new BranchException(
                    BranchException.Kind.INVALID,
                    time + " is before the history of branch " + branch().name() + ", which begins at " + first() + ", "
                            + begins + "; " + WHY_NOT_OLDER);
        }
        return found;
    }

    /**
     * When the history begins, by the clock of what was attached: at the last commit before the base backup was consistent, or,
     * if none is known, at the checkpoint that it began with. Of what was before, nobody knows here what was committed when.
     */
    private Instant begins() throws StorageException {
        Instant commit = commits().latestCommit(first());
        if (commit != null) {
            return commit;
        }
        try {
            byte[] control = branch().reader(first(), context).controlFile();
            return Instant.ofEpochSecond(ControlFile.parse(control).checkPoint().time());
        } catch (MalformedFileException e) {
            throw new CorruptionException(ControlFile.PATH, 0, String.valueOf(e.getMessage()), e);
        }
    }

    private CommitTimes commits() {
        return new CommitTimes(branch().timeline(), context);
    }

    /** When the last commit at or before an LSN was; null if none is known. */
    @Nullable
    Instant timeOf(Lsn lsn) throws BranchException, StorageException {
        return commits().latestCommit(resolve(new Moment.AtLsn(lsn)));
    }
}
