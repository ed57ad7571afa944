package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.index.TimelineMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The timelines of a tenant that are archived: that their index part says so makes them so. Who changes one holds the tenant's
 * lifecycle mutex; anybody may look.
 */
final class ArchivedTimelines {
    private final StoredIndexes stored;
    private final Attachment attachment;
    private final BiFunction<TimelineId, TimelineIndex.Stored, TimelineIndex> opening;
    private final Map<TimelineId, ArchivedTimeline> archived = new ConcurrentSkipListMap<>();
    /** Index parts that are being replaced, or could not be for certain: what may come of that is known to these only. */
    private final Map<TimelineId, TimelineIndex> open = new ConcurrentSkipListMap<>();

    ArchivedTimelines(
            StoredIndexes stored,
            Attachment attachment,
            BiFunction<TimelineId, TimelineIndex.Stored, TimelineIndex> opening) {
        this.stored = stored;
        this.attachment = attachment;
        this.opening = opening;
    }

    boolean contains(TimelineId id) {
        return archived.containsKey(id);
    }

    @Nullable
    ArchivedTimeline get(TimelineId id) {
        return archived.get(id);
    }

    List<ArchivedTimeline> all() {
        return List.copyOf(archived.values());
    }

    /** One is archived, as its index part says. */
    void note(TimelineId id, IndexPart part) {
        archived.put(id, ArchivedTimeline.of(id, part));
    }

    /** One is not archived any more, or there is no such timeline. */
    void forget(TimelineId id) {
        archived.remove(id);
        open.remove(id);
    }

    /** Those that branched off from a timeline. */
    List<TimelineId> branches(TimelineId ancestor) {
        return on(ancestor).stream().map(ArchivedTimeline::id).toList();
    }

    List<ArchivedTimeline> on(TimelineId ancestor) {
        List<ArchivedTimeline> found = new ArrayList<>();
        for (ArchivedTimeline one : archived.values()) {
            TimelineMetadata.Ancestor branched = one.ancestor();
            if (branched != null && branched.timeline().equals(ancestor)) {
                found.add(one);
            }
        }
        return found;
    }

    /** The index part of one, to be replaced. */
    TimelineIndex index(TimelineId id, RequestContext context) throws StorageException {
        TimelineIndex index = open.get(id);
        if (index == null) {
            index = opening.apply(id, stored.read(id, attachment.indexPartOf(id), context));
            open.put(id, index);
        }
        return index;
    }

    /** Replaces the index part of one that stays archived, and returns it. Durable on return. */
    IndexPart update(TimelineId id, UnaryOperator<IndexPart> change, RequestContext context) throws StorageException {
        TimelineIndex index = index(id, context);
        index.publish(change, context);
        note(id, index.current());
        open.remove(id);
        return index.current();
    }

    /** What Neon calls them in the manifest. */
    List<TenantManifest.OffloadedTimeline> offloaded() {
        return archived.values().stream()
                .map(one -> {
                    TimelineMetadata.Ancestor ancestor = one.ancestor();
                    return new TenantManifest.OffloadedTimeline(
                            one.id(),
                            ancestor == null ? null : ancestor.timeline(),
                            ancestor == null ? null : ancestor.lsn(),
                            one.archivedAt());
                })
                .toList();
    }

    /** Makes the manifest say which timelines are archived: for others to know, since the index parts decide. */
    void publish(RequestContext context) throws StorageException {
        attachment.offloaded(offloaded(), context);
    }
}
