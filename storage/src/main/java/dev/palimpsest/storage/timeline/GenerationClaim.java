package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.GenerationsCodec;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.index.TenantManifestCodec;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectBytes;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims the next generation of a tenant, and reads what the lives before have left. Used once, by one task.
 *
 * <p>The claimed generations of a tenant are a row without a gap, and their manifests are never deleted: so the next free one
 * is found by asking for single objects, however much listings lag. Where the row begins is said in an object that never
 * changes, {@code generations.json}: see {@link GenerationsCodec}. It is put by whoever claims the first one, after a look at all
 * generations that are listed: in a bucket that Neon has written, or an older Palimpsest, there are some that nobody claimed.
 */
final class GenerationClaim {
    private static final Logger LOG = LoggerFactory.getLogger(GenerationClaim.class);
    private static final int OWNER_BYTES = 16;

    private final ObjectStore objects;
    private final TenantId tenant;
    private final RequestContext context;

    /**
     * What was claimed.
     *
     * @param first where the row of claimed generations begins
     * @param manifest the claim, as it is in the store
     */
    record Claimed(Generation first, Generation generation, String owner, ObjectInfo manifest) {}

    GenerationClaim(ObjectStore objects, TenantId tenant, RequestContext context) {
        this.objects = objects;
        this.tenant = tenant;
        this.context = context;
    }

    static ObjectKey manifestKey(TenantId tenant, Generation generation) {
        return new ObjectKey(RemotePaths.tenantManifest(tenant, ShardIndex.UNSHARDED, generation));
    }

    private ObjectKey manifestKey(Generation generation) {
        return manifestKey(tenant, generation);
    }

    /**
     * Claims the next free generation. Durable on return: whoever has a lesser one finds out before it acknowledges anything.
     *
     * @param random makes the claim differ from all others
     * @throws InvalidRequestException if the store cannot put an object on the condition that there is none: then nothing
     *     keeps two servers from claiming the same
     */
    Claimed claim(RandomGenerator random) throws StorageException {
        if (!objects.capabilities().contains(ObjectStore.Capability.PUT_IF_ABSENT)) {
            throw new InvalidRequestException(
                    "the object store cannot put an object only if it is absent, so two servers that"
                            + " both believe they own tenant " + tenant
                            + " could overwrite each other's data there. A server may be allowed to use it all the"
                            + " same, see its --allow-unguarded-store");
        }
        byte[] id = new byte[OWNER_BYTES];
        random.nextBytes(id);
        String owner = HexFormat.of().formatHex(id);
        byte[] claim = TenantManifestCodec.encode(TenantManifest.EMPTY.with(new TenantManifest.Life(owner, null)));
        Generation first = first();
        for (Generation next = firstFree(first); ; next = next.next()) {
            Optional<ObjectInfo> own = claim(next, owner, claim);
            if (own.isPresent()) {
                LOG.info("tenant {}: this is generation {}", tenant, next);
                return new Claimed(first, next, owner, own.get());
            }
            checkNotUsedUp(next.hasNext());
        }
    }

    /** The claim, if it is this one's; empty if somebody else was there first. */
    private Optional<ObjectInfo> claim(Generation generation, String owner, byte[] claim) throws StorageException {
        ObjectKey key = manifestKey(generation);
        try {
            return Optional.of(objects.put(key, ObjectSource.of(claim), OwnObject.ifAbsent(objects), context));
        } catch (ObjectStoreException e) {
            if (e.kind() == ObjectStoreException.Kind.REFUSED) {
                throw e;
            }
            Optional<ObjectBytes> found = read(key, TenantManifestCodec.MAX_BYTES);
            if (found.isEmpty()) {
                // It may still come. Then it is the claim of a life that came no further.
                throw e;
            }
            TenantManifest.Life life =
                    TenantManifestCodec.decode(found.get().bytes(), key.value()).life();
            return life != null && life.owner().equals(owner)
                    ? Optional.of(found.get().info())
                    : Optional.empty();
        }
    }

    /** Where the row of claimed generations begins. */
    private Generation first() throws StorageException {
        ObjectKey key = new ObjectKey(RemotePaths.generations(tenant, ShardIndex.UNSHARDED));
        Optional<ObjectBytes> found = read(key, GenerationsCodec.MAX_BYTES);
        if (found.isPresent()) {
            return GenerationsCodec.decode(found.get().bytes(), key.value());
        }
        Generation first = greatestListed().next();
        if (first.number() == 0) {
            first = first.next(); // Neon counts from 1
        }
        byte[] bytes = GenerationsCodec.encode(first);
        try {
            objects.put(key, ObjectSource.of(bytes), OwnObject.ifAbsent(objects), context);
            return first;
        } catch (ObjectStoreException e) {
            if (e.kind() != ObjectStoreException.Kind.PRECONDITION_FAILED) {
                throw e;
            }
            ObjectBytes others = objects.read(key, GenerationsCodec.MAX_BYTES, context);
            return GenerationsCodec.decode(others.bytes(), key.value());
        }
    }

    /** The greatest generation that anything of the tenant has in a listing. */
    private Generation greatestListed() throws StorageException {
        Generation greatest = Generation.NONE;
        for (ObjectInfo object : list(RemotePaths.tenant(tenant, ShardIndex.UNSHARDED))) {
            Optional<Generation> found =
                    RemotePaths.manifestGeneration(object.key().value());
            if (found.isEmpty()) {
                found = RemotePaths.indexPartGeneration(object.key().value());
            }
            if (found.isPresent() && found.get().compareTo(greatest) > 0) {
                greatest = found.get();
            }
        }
        return greatest;
    }

    private List<ObjectInfo> list(String prefix) throws StorageException {
        List<ObjectInfo> found = new ArrayList<>();
        ListRequest request = ListRequest.all(prefix);
        while (true) {
            Listing page = objects.list(request, context);
            found.addAll(page.objects());
            if (page.next().isEmpty()) {
                return found;
            }
            request = request.withAfter(page.next().get());
        }
    }

    /** The first one that is not claimed: strides that double until there is none, then halves. */
    private Generation firstFree(Generation first) throws StorageException {
        long claimed = first.number() - 1;
        long stride = 1;
        while (isClaimed(claimed + stride)) {
            claimed += stride;
            stride *= 2;
        }
        long free = claimed + stride;
        while (free - claimed > 1) {
            long middle = (claimed + free) / 2;
            if (isClaimed(middle)) {
                claimed = middle;
            } else {
                free = middle;
            }
        }
        checkNotUsedUp(free <= Generation.LAST.number());
        return new Generation(free);
    }

    private void checkNotUsedUp(boolean isOneLeft) throws InvalidRequestException {
        if (!isOneLeft) {
            throw new InvalidRequestException("tenant " + tenant + " has used up all its generations");
        }
    }

    private boolean isClaimed(long number) throws StorageException {
        return number <= Generation.LAST.number()
                && objects.head(manifestKey(new Generation(number)), context).isPresent();
    }

    private Optional<ObjectBytes> read(ObjectKey key, int maxBytes) throws StorageException {
        try {
            return Optional.of(objects.read(key, maxBytes, context));
        } catch (ObjectStoreException e) {
            if (e.kind() == ObjectStoreException.Kind.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /**
     * What the newest life before has published. If none has, a manifest without a {@link TenantManifest.Life}: the one that
     * Neon has left, or an empty one.
     *
     * @throws CorruptionException if a manifest is missing that must be there
     */
    TenantManifest newestBefore(Claimed claimed) throws StorageException {
        for (long number = claimed.generation().number() - 1;
                number >= claimed.first().number();
                number--) {
            ObjectKey key = manifestKey(new Generation(number));
            ObjectBytes found = read(key, TenantManifestCodec.MAX_BYTES)
                    .orElseThrow(() -> new CorruptionException(
                            key.value(),
                            0,
                            "this manifest is missing, and so it is not known which index parts of tenant " + tenant
                                    + " are in force"));
            TenantManifest manifest = TenantManifestCodec.decode(found.bytes(), key.value());
            TenantManifest.Life life = manifest.life();
            if (life != null && life.indexParts() != null) {
                return manifest;
            }
        }
        return neons(claimed.first());
    }

    /** As {@link EmbeddedStore#presence}. */
    TenantPresence presence() throws StorageException {
        Optional<ObjectBytes> row =
                read(new ObjectKey(RemotePaths.generations(tenant, ShardIndex.UNSHARDED)), GenerationsCodec.MAX_BYTES);
        if (row.isEmpty()) {
            return TenantPresence.PRESENT;
        }
        Generation first = GenerationsCodec.decode(row.get().bytes(), "the generations of tenant " + tenant);
        for (long number = firstFree(first).number() - 1; number >= first.number(); number--) {
            ObjectKey key = manifestKey(new Generation(number));
            Optional<ObjectBytes> found = read(key, TenantManifestCodec.MAX_BYTES);
            TenantManifest manifest = found.isEmpty()
                    ? TenantManifest.EMPTY
                    : TenantManifestCodec.decode(found.get().bytes(), key.value());
            TenantManifest.Life life = manifest.life();
            if (life != null && life.indexParts() != null) {
                if (life.deletedAt() != null) {
                    return TenantPresence.DELETED;
                }
                return life.indexParts().isEmpty() && hasNothingOfTimelines()
                        ? TenantPresence.DESERTED
                        : TenantPresence.PRESENT;
            }
        }
        return TenantPresence.PRESENT;
    }

    private boolean hasNothingOfTimelines() throws StorageException {
        Listing page = objects.list(ListRequest.one(RemotePaths.timelines(tenant, ShardIndex.UNSHARDED)), context);
        return page.folders().isEmpty() && page.next().isEmpty();
    }

    private TenantManifest neons(Generation first) throws StorageException {
        Optional<ObjectInfo> newest = Optional.empty();
        Generation greatest = Generation.NONE;
        for (ObjectInfo object : list(RemotePaths.tenantManifests(tenant, ShardIndex.UNSHARDED))) {
            Optional<Generation> found =
                    RemotePaths.manifestGeneration(object.key().value());
            if (found.isPresent()
                    && found.get().compareTo(first) < 0
                    && (newest.isEmpty() || found.get().compareTo(greatest) > 0)) {
                newest = Optional.of(object);
                greatest = found.get();
            }
        }
        if (newest.isEmpty()) {
            return TenantManifest.EMPTY;
        }
        ObjectKey key = newest.get().key();
        return TenantManifestCodec.decode(
                objects.read(key, TenantManifestCodec.MAX_BYTES, context).bytes(), key.value());
    }
}
