package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemotePaths;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;

/**
 * The layers of one timeline in the object store: what is known to be there, and how more gets there and what is not needed
 * goes. The publisher of the timeline is the only one to use it, but for what the timeline takes over from its ancestors.
 */
final class RemoteLayers {
    /** How many objects are deleted by one call. */
    private static final int DELETED_AT_ONCE = 1000;

    private final Engine engine;
    private final TenantId tenant;
    private final TimelineId timeline;
    private final Lsn branchedAt;
    private final Attachment attachment;
    /** Layers that are there for certain. */
    private final Set<LayerFileName> there = ConcurrentHashMap.newKeySet();
    /** Layers that are there, or may be because a put was not answered. */
    private final Set<LayerFileName> maybeThere = ConcurrentHashMap.newKeySet();
    /** What is not needed any more and still to be deleted. */
    private final List<Unneeded> unneeded = new CopyOnWriteArrayList<>();

    /** Layers of other timelines that were brought here and are not named yet, and their sizes. */
    private final Map<LayerFileName, Long> taken = new ConcurrentHashMap<>();

    private final Set<LayerName> forgotten = ConcurrentHashMap.newKeySet();

    private final Set<ObjectKey> leftovers = ConcurrentHashMap.newKeySet();
    private boolean looked;

    /** A layer that no index part in force names, and that somebody may still be reading. */
    private record Unneeded(LayerFileName name, PersistentLayer layer) {}

    /** @param branchedAt up to where it has its ancestor's history; 0/0 if it has no ancestor */
    RemoteLayers(Engine engine, TenantId tenant, TimelineId timeline, Lsn branchedAt, Attachment attachment) {
        this.engine = engine;
        this.tenant = tenant;
        this.timeline = timeline;
        this.branchedAt = branchedAt;
        this.attachment = attachment;
    }

    private ObjectKey key(LayerFileName name) {
        return key(tenant, timeline, name);
    }

    /** Where a layer is. */
    static ObjectKey key(TenantId tenant, TimelineId timeline, LayerFileName name) {
        return new ObjectKey(RemotePaths.layer(
                tenant, ShardIndex.UNSHARDED, timeline, name.name().toString(), name.generation()));
    }

    /** Deletes objects, some at a time. */
    static void deleteAll(ObjectStore objects, List<ObjectKey> keys, RequestContext context) throws StorageException {
        for (int from = 0; from < keys.size(); from += DELETED_AT_ONCE) {
            objects.deleteAll(keys.subList(from, Math.min(keys.size(), from + DELETED_AT_ONCE)), context);
        }
    }

    /**
     * Once in a life: looks which of the layers that are named are there, and what earlier lives have left behind.
     *
     * @param named the layers that the index part in force names
     */
    void look(Collection<LayerFileName> named, RequestContext context) throws StorageException {
        if (looked) {
            return;
        }
        // Not an immutable set, which probes linearly: the hashes of so many names of one pattern lie in long runs.
        Set<LayerFileName> wanted = new HashSet<>(named);
        ListRequest request = ListRequest.one(RemotePaths.timeline(tenant, ShardIndex.UNSHARDED, timeline));
        while (true) {
            Listing page = engine.objects().list(request, context);
            page.objects().forEach(object -> note(object, wanted));
            if (page.next().isEmpty()) {
                looked = true;
                return;
            }
            request = request.withAfter(page.next().get());
        }
    }

    private void note(ObjectInfo object, Set<LayerFileName> wanted) {
        String path = object.key().value();
        String name = path.substring(path.lastIndexOf('/') + 1);
        Optional<Generation> index = RemotePaths.indexPartGeneration(name);
        if (index.isPresent()) {
            if (attachment.isOfEarlierLife(index.get())) {
                leftovers.add(object.key());
            }
            return;
        }
        LayerFileName layer;
        try {
            layer = LayerFileName.parse(name);
        } catch (IllegalArgumentException e) {
            return; // something of Neon's
        }
        if (wanted.contains(layer)) {
            there.add(layer);
            maybeThere.add(layer);
        } else if (attachment.isOfEarlierLife(layer.generation())) {
            leftovers.add(object.key());
        }
    }

    /** How many of these layers are not there. */
    int missing(Collection<PersistentLayer> layers) {
        return (int) layers.stream()
                .filter(layer -> !there.contains(layer.fileName()))
                .count();
    }

    /** How many bytes of these layers are not there. */
    long missingBytes(Collection<PersistentLayer> layers) {
        return layers.stream()
                .filter(layer -> !there.contains(layer.fileName()))
                .mapToLong(PersistentLayer::size)
                .sum();
    }

    /** Uploads what of these layers is not there, several at once. On return all are there; if it throws, some may be. */
    void upload(List<PersistentLayer> layers, RequestContext context) throws StorageException {
        List<PersistentLayer> missing = new ArrayList<>();
        for (PersistentLayer layer : layers) {
            if (!there.contains(layer.fileName())) {
                missing.add(layer);
            }
        }
        LayerWorkers.forEach(engine, tenant, "upload " + timeline, missing, layer -> upload(layer, context), context);
    }

    private void upload(PersistentLayer layer, RequestContext context) throws StorageException {
        LayerFileName name = layer.fileName();
        // What another life has written is put only if it is not there: mostly a listing was late.
        boolean isOwn = name.generation().equals(attachment.generation());
        try (LayerUploads.Operation operation = engine.uploads().begin("layer", "upload")) {
            Optional<ObjectInfo> found =
                    isOwn ? Optional.empty() : engine.objects().head(key(name), context);
            if (found.isEmpty() || found.get().size() != layer.size()) {
                if (!layer.residency().resident()) {
                    throw new CorruptionException(
                            key(name).value(),
                            0,
                            "the index part of timeline " + timeline + " names this layer with " + layer.size()
                                    + " bytes; it is not here, and the object store has "
                                    + found.map(object -> object.size() + " bytes of it")
                                            .orElse("no such object"));
                }
                taken.remove(name);
                maybeThere.add(name);
                put(layer.path(), layer.size(), name, context);
            }
            operation.succeeded(layer.size());
        }
        maybeThere.add(name);
        there.add(name);
    }

    /**
     * The size of a layer that {@link #take} has brought here in this life, if it is not the timeline's yet. After a failure it
     * stays until the end of this life, for another attempt: a deletion that was not answered could come after that one's copy.
     * The next life deletes what no index part names.
     */
    OptionalLong taken(LayerFileName name) {
        Long size = taken.get(name);
        return size == null ? OptionalLong.empty() : OptionalLong.of(size);
    }

    /** Brings a layer of another timeline here, under another name. Durable on return, but no index part names it yet. */
    void take(TimelineId owner, PersistentLayer layer, LayerFileName as, RequestContext context)
            throws StorageException {
        try (LayerUploads.Operation operation = engine.uploads().begin("layer", "copy")) {
            if (layer.residency().uploaded()) {
                engine.objects().copy(key(tenant, owner, layer.fileName()), key(as), context);
            } else {
                put(layer.path(), layer.size(), as, context);
            }
            operation.succeeded(0);
        }
        taken.put(as, layer.size());
    }

    /** The same with a layer that was written for the timeline and is not its own yet. */
    void takeWritten(PersistentLayer layer, RequestContext context) throws StorageException {
        try (LayerUploads.Operation operation = engine.uploads().begin("layer", "upload")) {
            put(layer.path(), layer.size(), layer.fileName(), context);
            operation.succeeded(layer.size());
        }
        taken.put(layer.fileName(), layer.size());
    }

    private void put(Path path, long size, LayerFileName name, RequestContext context) throws StorageException {
        try (ReadableFile file = engine.disk().open(path)) {
            engine.objects().put(key(name), ObjectSource.ofDurable(file, size), PutCondition.ALWAYS, context);
        }
    }

    /**
     * Names that layers of the timeline had which began no later than where it branched off, and have gone in this life: their
     * deletion may still come.
     */
    Set<LayerName> forgotten() {
        return forgotten;
    }

    /** What was taken becomes the timeline's, and is named in its next index part. */
    void own(LayerFileName name) {
        taken.remove(name);
        maybeThere.add(name);
        there.add(name);
    }

    /** An index part without these is in force, for certain. */
    void forget(List<PersistentLayer> layers) {
        for (PersistentLayer layer : layers) {
            LayerFileName name = layer.fileName();
            there.remove(name);
            if (!name.name().lsnStart().isAfter(branchedAt)) {
                forgotten.add(name.name());
            }
            if (maybeThere.contains(name)) {
                unneeded.add(new Unneeded(name, layer));
            }
        }
    }

    /** Whether there is something that {@link #deleteUnneeded} would delete. */
    boolean hasUnneeded() {
        return !leftovers.isEmpty() || unneeded.stream().anyMatch(RemoteLayers::isUnread);
    }

    private static boolean isUnread(Unneeded one) {
        return one.layer().references().readers() == 0;
    }

    /**
     * Deletes objects that no index part in force names, and that nobody reads. To be called only once this life has an index
     * part in force. What could not be deleted is tried again the next time, in this life or the next.
     */
    void deleteUnneeded(RequestContext context) throws StorageException {
        List<ObjectKey> keys = new ArrayList<>(leftovers);
        Set<Unneeded> ready =
                unneeded.stream().filter(RemoteLayers::isUnread).collect(Collectors.toCollection(LinkedHashSet::new));
        ready.forEach(one -> keys.add(key(one.name())));
        if (!keys.isEmpty()) {
            try (LayerUploads.Operation operation = engine.uploads().begin("layer", "delete")) {
                deleteAll(engine.objects(), keys, context);
                operation.succeeded(0);
            }
        }
        leftovers.clear();
        unneeded.removeAll(ready);
        ready.forEach(one -> maybeThere.remove(one.name()));
    }
}
