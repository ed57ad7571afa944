package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A branch in the archive.
 *
 * @param name its name
 * @param tenant the tenant it belongs to
 * @param timeline its own ID
 * @param ancestor the timeline it left; null if none
 * @param branchedAt where; null if it left none
 * @param archivedAt since when it is archived
 */
public record ArchivedView(
        String name,
        String tenant,
        String timeline,
        @Nullable String ancestor,
        @Nullable Lsn branchedAt,
        Instant archivedAt) {}
