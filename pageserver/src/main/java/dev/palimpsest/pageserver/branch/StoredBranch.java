package dev.palimpsest.pageserver.branch;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.check.TimelineReport;
import java.util.Optional;

/** What the object store says of a branch, for tools that read it without a server. */
public final class StoredBranch {
    private StoredBranch() {}

    /** The branch that a timeline is; empty if it is none, or that cannot be read. */
    public static Optional<String> name(TimelineReport timeline) {
        String extension = timeline.extension();
        if (extension == null) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(
                    BranchRecord.decode(extension, timeline.id().toString()).name());
        } catch (CorruptionException e) {
            return Optional.empty();
        }
    }
}
