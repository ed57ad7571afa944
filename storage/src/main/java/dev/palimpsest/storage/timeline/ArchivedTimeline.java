package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.index.TimelineMetadata;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is kept in memory of a timeline that is archived.
 *
 * @param ancestor where it branched off; null if it has no ancestor
 * @param pgVersion PostgreSQL's major version
 * @param archivedAt since when it is archived
 * @param gcCutoffLsn where its history begins, inclusive
 * @param diskConsistentLsn where it ends, inclusive
 * @param layers how many layers of its own the object store has
 * @param layerBytes how large those are together
 * @param extension the JSON object of Palimpsest's own in its index part
 */
public record ArchivedTimeline(
        TimelineId id,
        TimelineMetadata.@Nullable Ancestor ancestor,
        int pgVersion,
        Instant archivedAt,
        Lsn gcCutoffLsn,
        Lsn diskConsistentLsn,
        int layers,
        long layerBytes,
        @Nullable String extension) {
    static ArchivedTimeline of(TimelineId id, IndexPart part) {
        TimelineMetadata metadata = part.metadata();
        Instant since = part.state().archivedAt();
        if (since == null) {
            throw new IllegalArgumentException("timeline " + id + " is not archived");
        }
        return new ArchivedTimeline(
                id,
                metadata.ancestor(),
                metadata.pgVersion(),
                since,
                metadata.latestGcCutoffLsn(),
                metadata.diskConsistentLsn(),
                part.layers().size(),
                part.layers().values().stream()
                        .mapToLong(LayerMetadata::fileSize)
                        .sum(),
                part.state().extension());
    }
}
