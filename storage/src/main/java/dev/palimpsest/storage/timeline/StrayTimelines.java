package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.SupersededException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what earlier lives have left of timelines that are not there: of those that they deleted, if they ended between the
 * manifest without the timeline and the deletion of its last object, and of those that never came to be named in a manifest.
 *
 * <p>An object is deleted only if an earlier life has written it, no manifest names its timeline, and nobody had claimed the
 * tenant since when it was listed: so it is none of a later life. What Neon has left is not touched.
 */
final class StrayTimelines {
    private static final Logger LOG = LoggerFactory.getLogger(StrayTimelines.class);

    private final ObjectStore objects;
    private final TenantId tenant;
    private final Attachment attachment;

    StrayTimelines(ObjectStore objects, TenantId tenant, Attachment attachment) {
        this.objects = objects;
        this.tenant = tenant;
        this.attachment = attachment;
    }

    /**
     * Deletes them, once what this life starts from is in force. What cannot be deleted is left to the next life: it costs
     * nothing but its space.
     *
     * @param before what the life before has published
     * @return timelines of which objects were, or may have been, deleted
     */
    Set<TimelineId> delete(TenantManifest before, StoredIndexes stored, RequestContext context)
            throws StorageException {
        Set<TimelineId> strays = new TreeSet<>();
        TenantManifest.Life life = before.life();
        if (life == null || life.indexParts() == null) {
            return strays; // no manifest says which timelines there are
        }
        Set<TimelineId> known = new TreeSet<>(life.indexParts().keySet());
        before.offloaded().forEach(timeline -> known.add(timeline.timeline()));
        try {
            for (TimelineId id : stored.listTimelines(context)) {
                if (!known.contains(id)) {
                    strays.add(id);
                    delete(id, context);
                }
            }
        } catch (SupersededException | CancelledException e) {
            throw e;
        } catch (StorageException e) {
            LOG.warn("tenant {}: what is left of deleted timelines stays for now: {}", tenant, e.getMessage());
        }
        return strays;
    }

    private void delete(TimelineId id, RequestContext context) throws StorageException {
        List<ObjectKey> keys = new ArrayList<>();
        ListRequest request = ListRequest.all(RemotePaths.timeline(tenant, ShardIndex.UNSHARDED, id));
        while (true) {
            Listing page = objects.list(request, context);
            page.objects().stream()
                    .filter(this::isOfEarlierLife)
                    .map(ObjectInfo::key)
                    .forEach(keys::add);
            if (page.next().isEmpty()) {
                break;
            }
            request = request.withAfter(page.next().get());
        }
        if (!keys.isEmpty()) {
            attachment.check(context); // after the listing: see above
            LOG.info("tenant {}: deleting {} objects of timeline {}, which no manifest names", tenant, keys.size(), id);
            RemoteLayers.deleteAll(objects, keys, context);
        }
    }

    private boolean isOfEarlierLife(ObjectInfo object) {
        String path = object.key().value();
        Optional<Generation> index = RemotePaths.indexPartGeneration(path);
        if (index.isPresent()) {
            return attachment.isOfEarlierLife(index.get());
        }
        try {
            LayerFileName layer = LayerFileName.parse(path.substring(path.lastIndexOf('/') + 1));
            return attachment.isOfEarlierLife(layer.generation());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
