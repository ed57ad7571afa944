package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The index parts of a tenant, as lives before have left them.
 *
 * @param upTo the greatest generation that is looked at
 */
record StoredIndexes(ObjectStore objects, TenantId tenant, Generation upTo) {
    /** Of one tenant; how many of all tenants, the object store's own limits say. */
    private static final int READ_AT_ONCE = 16;

    /** Which index part of each timeline is in force, as a manifest says; or, where it does not, as is listed. */
    SortedMap<TimelineId, Generation> inForce(TenantManifest manifest, RequestContext context) throws StorageException {
        TenantManifest.Life life = manifest.life();
        SortedMap<TimelineId, Generation> named = life == null ? null : life.indexParts();
        return named == null ? listIndexes(context) : named;
    }

    /** Reads index parts, several at once. */
    SortedMap<TimelineId, TimelineIndex.Stored> readAll(
            Engine engine, SortedMap<TimelineId, Generation> which, RequestContext context) throws StorageException {
        SortedMap<TimelineId, TimelineIndex.Stored> indexes = new ConcurrentSkipListMap<>();
        LayerWorkers.forEach(
                engine,
                "index parts of tenant " + tenant,
                READ_AT_ONCE,
                which.entrySet(),
                entry -> indexes.put(entry.getKey(), read(entry.getKey(), entry.getValue(), context)));
        return indexes;
    }

    TimelineIndex.Stored read(TimelineId id, Generation generation, RequestContext context) throws StorageException {
        return TimelineIndex.read(objects, key(tenant, id, generation), context);
    }

    static ObjectKey key(TenantId tenant, TimelineId id, Generation generation) {
        return new ObjectKey(RemotePaths.indexPart(tenant, ShardIndex.UNSHARDED, id, generation));
    }

    /** Where nobody has written a manifest that names them: the newest index part of each timeline that is listed. */
    private SortedMap<TimelineId, Generation> listIndexes(RequestContext context) throws StorageException {
        SortedMap<TimelineId, Generation> newest = new TreeMap<>();
        for (TimelineId id : listTimelines(context)) {
            newestIndex(id, context).ifPresent(generation -> newest.put(id, generation));
        }
        return newest;
    }

    /** The timelines that anything is listed of. */
    List<TimelineId> listTimelines(RequestContext context) throws StorageException {
        List<TimelineId> ids = new ArrayList<>();
        String prefix = RemotePaths.timelines(tenant, ShardIndex.UNSHARDED);
        ListRequest request = ListRequest.one(prefix);
        while (true) {
            Listing page = objects.list(request, context);
            for (String folder : page.folders()) {
                String name = folder.substring(prefix.length(), folder.length() - 1);
                try {
                    ids.add(TimelineId.parse(name));
                } catch (IllegalArgumentException e) {
                    throw new CorruptionException(folder, 0, "not the folder of a timeline", e);
                }
            }
            if (page.next().isEmpty()) {
                return ids;
            }
            request = request.withAfter(page.next().get());
        }
    }

    private Optional<Generation> newestIndex(TimelineId id, RequestContext context) throws StorageException {
        List<String> names = new ArrayList<>();
        ListRequest request = ListRequest.one(RemotePaths.indexParts(tenant, ShardIndex.UNSHARDED, id));
        while (true) {
            Listing page = objects.list(request, context);
            for (ObjectInfo object : page.objects()) {
                names.add(object.key().value());
            }
            if (page.next().isEmpty()) {
                return RemotePaths.newestIndexPart(names, upTo);
            }
            request = request.withAfter(page.next().get());
        }
    }
}
