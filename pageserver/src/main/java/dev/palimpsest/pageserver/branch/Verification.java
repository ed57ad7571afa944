package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.Hold;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Compares a branch with a server's data directory, once it is sure that the two can be compared. */
final class Verification {
    private Verification() {}

    static DirectoryComparison.Result run(
            Branch branch, Path directory, PageComparison.Server server, RequestContext context)
            throws BranchException {
        try {
            ControlFile theirs = ControlFile.parse(Files.readAllBytes(directory.resolve(ControlFile.PATH)));
            Lsn last = branch.timeline().lastRecordLsn();
            ControlFile ours = ControlFile.parse(branch.reader(last, context).controlFile());
            if (theirs.systemIdentifier() != ours.systemIdentifier()) {
                throw new BranchException(
                        BranchException.Kind.INVALID,
                        directory + " is of the cluster with system identifier "
                                + Long.toUnsignedString(theirs.systemIdentifier()) + ", branch " + branch.name()
                                + " of " + Long.toUnsignedString(ours.systemIdentifier()));
            }
            Lsn stopped = stoppedAt(theirs, directory);
            if (stopped.isAfter(last) || stopped.isBefore(branch.record().readableFromLsn())) {
                throw new BranchException(
                        BranchException.Kind.UNAVAILABLE,
                        directory + " stopped at " + stopped + ", branch " + branch.name() + " has "
                                + branch.record().readableFrom() + " to " + last);
            }
            try (Hold _ = branch.timeline().hold(stopped)) {
                return DirectoryComparison.compare(directory, server, branch.reader(stopped, context));
            }
        } catch (IOException | MalformedFileException e) {
            throw new BranchException(
                    BranchException.Kind.INVALID, directory + " cannot be read as a data directory: " + e, e);
        } catch (StorageException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED, "branch " + branch.name() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Where the state of a directory's pages is. */
    private static Lsn stoppedAt(ControlFile control, Path directory) throws BranchException {
        if (Files.exists(directory.resolve("postmaster.pid"))) {
            throw new BranchException(
                    BranchException.Kind.INVALID,
                    "a server runs on " + directory + ", or crashed there: stop it first");
        }
        if (control.state() == ClusterState.SHUT_DOWN) {
            return control.checkPointLocation();
        }
        if (control.state() == ClusterState.SHUT_DOWN_IN_RECOVERY) {
            return control.minRecoveryPoint();
        }
        throw new BranchException(
                BranchException.Kind.INVALID,
                "the server of " + directory + " was not shut down cleanly: it is " + control.state());
    }
}
