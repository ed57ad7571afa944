package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.timeline.ArchivedTimeline;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How branches go: away for good, into the archive and back, or from the branch they came from. Safe for use by many threads. */
final class Departures {
    private final OpenBranches branches;
    private final ArchivedBranches archive;
    private final Endpoints endpoints;
    private final Sources sources;
    private final BranchUpkeep upkeep;
    private final RequestContext context;

    /** @param branches those that go are taken out, those that come back are put in */
    Departures(
            OpenBranches branches,
            ArchivedBranches archive,
            Endpoints endpoints,
            Sources sources,
            BranchUpkeep upkeep,
            RequestContext context) {
        this.branches = branches;
        this.archive = archive;
        this.endpoints = endpoints;
        this.sources = sources;
        this.upkeep = upkeep;
        this.context = context;
    }

    /** The branches that came from a timeline and are not archived. */
    private List<String> children(TimelineId ancestor) {
        List<String> names = new ArrayList<>();
        for (Branch other : branches.all()) {
            Timeline.BranchPoint at = other.timeline().branchPoint();
            if (at != null && at.ancestor().id().equals(ancestor)) {
                names.add(other.name());
            }
        }
        return names;
    }

    private static void refuseIfAny(List<String> children, String what) throws BranchException {
        if (!children.isEmpty()) {
            throw new BranchException(
                    BranchException.Kind.CONFLICT, what + ": " + String.join(", ", children) + " came from it");
        }
    }

    private Branch branch(String name) throws BranchException {
        Branch branch = branches.get(name);
        if (branch == null) {
            throw archive.missing(name);
        }
        return branch;
    }

    /** What the store refuses though we did not is in the way since a moment ago, such as a branch that somebody has just made. */
    private static BranchException refused(String what, StorageException e) {
        return e instanceof InvalidRequestException
                ? new BranchException(BranchException.Kind.CONFLICT, what + ": " + e.getMessage(), e)
                : Branches.failed(what, e);
    }

    /** As {@link BranchService#delete}, of what is not being attached. */
    List<String> delete(String name) throws BranchException {
        ArchivedBranches.Archived archived = archive.get(name);
        if (archived != null) {
            deleteArchived(archived);
            return List.of();
        }
        Branch branch = branch(name);
        List<String> left = new ArrayList<>();
        branch.lifecycle.lock();
        try {
            List<String> children = children(branch.timeline().id());
            children.addAll(archive.from(branch.timeline().id()));
            refuseIfAny(children, "branch " + name + " cannot be deleted");
            BranchRecord.Source source = branch.record().source();
            BranchesOfTenants.stopFollowing(branch);
            endpoints.remove(branch);
            if (source != null && !source.endpoint()) {
                String undropped = sources.dropSlot(branch);
                if (undropped != null) {
                    left.add(undropped);
                }
            }
            branch.tenant().delete(branch.timeline().id(), context);
            branches.remove(branch);
            upkeep.forget(branch);
            sources.secrets().forget(branch.timeline().id());
            return left;
        } catch (StorageException e) {
            throw refused("branch " + name + " cannot be deleted", e);
        } finally {
            branch.lifecycle.unlock();
        }
    }

    private void deleteArchived(ArchivedBranches.Archived archived) throws BranchException {
        String name = archived.record().name();
        refuseIfAny(archive.from(archived.id()), "branch " + name + " cannot be deleted");
        try {
            archived.tenant().delete(archived.id(), context);
            archive.remove(name);
        } catch (StorageException e) {
            throw refused("branch " + name + " cannot be deleted", e);
        }
    }

    /** As {@link BranchService#detach}. */
    List<String> detach(Branch branch) throws BranchException {
        try {
            inheritBeginning(branch);
            List<TimelineId> moved = branch.tenant().detach(branch.timeline().id(), context);
            List<String> names = new ArrayList<>();
            for (Branch other : branches.all()) {
                if (moved.contains(other.timeline().id())) {
                    names.add(other.name());
                }
            }
            for (TimelineId id : moved) {
                ArchivedBranches.Archived archived = archive.of(id);
                if (archived != null) {
                    names.add(archived.record().name());
                }
            }
            return names;
        } catch (StorageException e) {
            throw Branches.failed("branch " + branch.name() + " cannot be detached", e);
        }
    }

    /** Where its history begins is said by the first of its line, which it will be; until then nobody asks it. */
    private void inheritBeginning(Branch branch) throws StorageException {
        branch.lifecycle.lock();
        try {
            Lsn first = History.origin(branch, branches).record().readableFromLsn();
            if (!first.equals(branch.record().readableFromLsn())) {
                branch.update(branch.record().inheriting(first), context);
            }
        } finally {
            branch.lifecycle.unlock();
        }
    }

    /** As {@link BranchService#archive}. */
    List<String> archive(String name, boolean force) throws BranchException {
        if (archive.get(name) != null) {
            return List.of();
        }
        Branch branch = branch(name);
        List<String> left = new ArrayList<>();
        branch.lifecycle.lock();
        try {
            refuseIfAny(children(branch.timeline().id()), "branch " + name + " cannot be archived before its branches");
            BranchRecord.Source source = branch.record().source();
            if (source != null && source.endpoint()) {
                endpoints.stop(branch, context);
            } else if (source != null) {
                if (!force) {
                    throw new BranchException(
                            BranchException.Kind.CONFLICT,
                            "branch " + name + " follows " + source.connection()
                                    + ", which archiving it would end for good:"
                                    + " the slot " + source.slot()
                                    + " is dropped, so that it holds no WAL there, and what is"
                                    + " written from then on is not in the branch; say --force if that is meant");
                }
                giveUpSource(branch, left);
            }
            branch.tenant().archive(branch.timeline().id(), context);
            archive.add(new ArchivedBranches.Archived(
                    branch.tenant(), branch.timeline().id(), branch.record()));
            branches.remove(branch);
            upkeep.forget(branch);
            return left;
        } catch (StorageException e) {
            throw refused("branch " + name + " cannot be archived", e);
        } finally {
            branch.lifecycle.unlock();
        }
    }

    /** What was received is kept; the slot goes once the branch does not say any more that it follows anything. */
    private void giveUpSource(Branch branch, List<String> left) throws StorageException {
        BranchRecord before = branch.record();
        BranchesOfTenants.stopFollowing(branch);
        branch.timeline().freezeAndFlush(context);
        branch.update(before.following(null), context);
        String undropped = sources.dropSlot(branch.timeline().id(), before);
        if (undropped != null) {
            left.add(undropped);
        }
        sources.secrets().forget(branch.timeline().id());
    }

    /** As {@link BranchService#unarchive}. */
    void unarchive(String name) throws BranchException {
        ArchivedBranches.Archived archived = archive.get(name);
        if (archived == null) {
            branch(name);
            return;
        }
        ArchivedTimeline timeline = archived.timeline();
        TimelineMetadata.@Nullable Ancestor at = timeline == null ? null : timeline.ancestor();
        ArchivedBranches.Archived parent = at == null ? null : archive.of(at.timeline());
        if (parent != null) {
            throw new BranchException(
                    BranchException.Kind.CONFLICT,
                    "branch " + name + " came from " + parent.record().name()
                            + ", which is archived: take that back first");
        }
        try {
            Timeline back = archived.tenant().unarchive(archived.id(), context);
            branches.addIfNew(new Branch(archived.tenant(), back, archived.record()));
            archive.remove(name);
        } catch (StorageException e) {
            throw refused("branch " + name + " cannot be taken back from the archive", e);
        }
    }
}
