package dev.palimpsest.storage.index;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TimelineId;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one life of a tenant says of the tenant as a whole: who claimed this generation, which timelines there are, and which
 * generation of each one's index part is in force. Immutable. {@link TenantManifestCodec} owns its bytes.
 *
 * @param stripeSize Neon's stripe size of a sharded tenant, in pages; null if it is not said
 * @param offloaded timelines that Neon has offloaded; kept as they were read
 * @param life null in a manifest that Neon wrote
 */
public record TenantManifest(
        @Nullable Long stripeSize,
        List<OffloadedTimeline> offloaded,
        @Nullable Life life) {
    /** Keeps a copy of the list. */
    public TenantManifest {
        offloaded = List.copyOf(offloaded);
    }

    /** Of a tenant that nothing is known of. */
    public static final TenantManifest EMPTY = new TenantManifest(null, List.of(), null);

    /** The same, written by another life. */
    public TenantManifest with(Life other) {
        return new TenantManifest(stripeSize, offloaded, other);
    }

    /**
     * A timeline that is archived and of which nothing is kept locally.
     *
     * @param ancestor the timeline it branched off from; null if it has none
     * @param ancestorRetainLsn what it needs of the ancestor; null if nothing
     * @param archivedAt since when it is archived
     */
    public record OffloadedTimeline(
            TimelineId timeline,
            @Nullable TimelineId ancestor,
            @Nullable Lsn ancestorRetainLsn,
            Instant archivedAt) {}

    /**
     * Who wrote it, and what Palimpsest adds.
     *
     * @param owner drawn at random when the generation was claimed; tells the claims of two processes apart
     * @param indexParts every timeline of the tenant, and the generation of its index part in force; null as long as the
     *     generation is only claimed, and the manifest of the life before counts
     * @param settings what counts for this tenant other than for others, a JSON object in UTF-8 that those read who gave it;
     *     null for nothing
     * @param deletedAt since when the tenant is deleted: it has no timelines then, and what else there is of it is to go; null if
     *     it is not
     */
    public record Life(
            String owner,
            @Nullable SortedMap<TimelineId, Generation> indexParts,
            @Nullable String settings,
            @Nullable Instant deletedAt) {
        /** Keeps a copy of the map. */
        public Life {
            indexParts = indexParts == null ? null : Collections.unmodifiableSortedMap(new TreeMap<>(indexParts));
        }

        /** Of a tenant that is not deleted and has no settings of its own. */
        public Life(String owner, @Nullable SortedMap<TimelineId, Generation> indexParts) {
            this(owner, indexParts, null, null);
        }
    }
}
