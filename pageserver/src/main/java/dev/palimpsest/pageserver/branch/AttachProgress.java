package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far attaching or adopting got.
 *
 * @param branch the name of the branch
 * @param step what it does, for people
 * @param receivedBytes of the base backup
 * @param estimatedBytes of the whole base backup, 0 if not known
 * @param pages taken in
 * @param startLsn where the base backup begins; null if not known yet
 * @param endLsn where it is consistent; null if not known yet
 * @param reached where following or replaying is; null if it has not begun
 * @param warnings what should be known about the source
 * @param done whether it came to its end
 * @param failure why it failed; null if it did not
 */
public record AttachProgress(
        String branch,
        String step,
        long receivedBytes,
        long estimatedBytes,
        long pages,
        @Nullable Lsn startLsn,
        @Nullable Lsn endLsn,
        @Nullable Lsn reached,
        List<String> warnings,
        boolean done,
        @Nullable String failure) {}
