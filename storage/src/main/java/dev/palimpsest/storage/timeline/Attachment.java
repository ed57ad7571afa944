package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.SupersededException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.index.TenantManifestCodec;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One life of a tenant, from when it was loaded to when it is shut down: it has a {@link Generation} of its own, claimed in the
 * object store, under which it writes whatever it writes, and a manifest that says which index part of each timeline is in
 * force. Safe for use by many threads.
 *
 * <p>Two servers that both believe they own a tenant, or a process and what is still on its way of the process before it,
 * can lose nothing by it, and no other service decides between them:
 *
 * <ol>
 *   <li>No two lives write the same object. Index parts, manifests and layers have the generation in their names, and a
 *       generation is claimed by putting its manifest on the condition that there is none. So what a life puts late, or after
 *       it has lost the tenant, overwrites nothing of another.
 *   <li>A life <em>claims</em> g + 1, and only then <em>reads</em> what the life before has in force: its manifest, and the
 *       index parts named there.
 *   <li>A life with generation g <em>puts</em> (layers, then the index part, then the manifest if that does not name it yet),
 *       only then <em>checks</em> that nobody has claimed g + 1, and only then <em>acknowledges</em> what it put: moves an LSN,
 *       reports a branch, deletes objects that the new index part does not name any more.
 * </ol>
 *
 * <p>If the check finds no claim, the claim is later than the check, the reading later than the claim, and the put earlier
 * than the check: so the next life reads what was acknowledged. If the check finds one, nothing is acknowledged and nothing
 * deleted: the next life finds every object that is named in what it has read, whether that is as before the put or as
 * after it. Generations are claimed one after the other without a gap, so whoever has claimed a greater one has found g + 1
 * claimed: it is enough to look for that.
 *
 * <p>An index part that was read may still be replaced by the life that has put it, until it notices. So what builds upon it, a
 * branch, comes only after this life has put it under its own generation ({@link TimelineIndex#makeOwn}): the life after this one
 * would find the ancestor with less history than the branch reads.
 *
 * <p>What a life reads is what the newest life before it has <em>published</em>; one that was claimed and came no further than
 * that has a manifest without timelines, which is passed over.
 */
final class Attachment implements TenantLife {
    private final ObjectStore objects;
    private final TenantId tenant;
    private final Generation generation;
    private final Generation first;
    private final String owner;
    private final TenantManifest inherited;
    private final OwnObject manifest;
    private final Mutex publishing;
    /** The generation of each timeline's index part that is there, and is to be in force. */
    private final SortedMap<TimelineId, Generation> wanted = new TreeMap<>();
    /** The timelines that are archived; guarded by {@link #wanted}. */
    private List<TenantManifest.OffloadedTimeline> offloaded = List.of();
    /** The tenant's own settings; guarded by {@link #wanted}. */
    private @Nullable String settings;
    /** Since when the tenant is deleted; guarded by {@link #wanted}. */
    private @Nullable Instant deletedAt;
    /** Counts changes of the four above; guarded by {@link #wanted}. */
    private long changes;
    /** Up to which change the manifest says it, as far as the store has answered. Only the holder of the mutex changes it. */
    private volatile long inForce;
    /** A put was not answered, or there was none yet: the manifest may say something else. */
    private volatile boolean uncertain = true;

    private volatile boolean superseded;

    /** What the manifest is to say after a change. */
    private record Content(
            long change,
            SortedMap<TimelineId, Generation> indexParts,
            List<TenantManifest.OffloadedTimeline> offloaded,
            @Nullable String settings,
            @Nullable Instant deletedAt) {}

    Attachment(
            ObjectStore objects,
            TenantId tenant,
            GenerationClaim.Claimed claimed,
            TenantManifest inherited,
            Mutex publishing) {
        this.objects = objects;
        this.tenant = tenant;
        this.generation = claimed.generation();
        this.first = claimed.first();
        this.owner = claimed.owner();
        this.inherited = inherited;
        this.manifest = OwnObject.present(
                objects,
                claimed.manifest().key(),
                TenantManifestCodec.MAX_BYTES,
                claimed.manifest().version());
        this.publishing = publishing;
        TenantManifest.Life before = inherited.life();
        this.settings = before == null ? null : before.settings();
    }

    @Override
    public Generation generation() {
        return generation;
    }

    /** Whether a generation was claimed by an earlier life: not by this one, nor handed out by somebody else. */
    boolean isOfEarlierLife(Generation other) {
        return other.compareTo(first) >= 0 && other.compareTo(generation) < 0;
    }

    /**
     * Publishes what this life starts from: until then the life before counts.
     *
     * @param indexParts every timeline, and the generation of the index part that was read
     * @param archived those that are archived
     */
    void begin(
            SortedMap<TimelineId, Generation> indexParts,
            List<TenantManifest.OffloadedTimeline> archived,
            RequestContext context)
            throws StorageException {
        synchronized (wanted) {
            wanted.putAll(indexParts);
            offloaded = List.copyOf(archived);
            changes++;
        }
        publish(context);
        check(context);
    }

    /**
     * The index part of a timeline was put under this generation: makes it the one in force. On return it counts, whatever
     * happens; if it throws, either may.
     *
     * @throws SupersededException if there is a newer life
     */
    void indexPartPut(TimelineId timeline, RequestContext context) throws StorageException {
        synchronized (wanted) {
            if (!generation.equals(wanted.put(timeline, generation))) {
                changes++; // most often it is in the manifest already
            }
        }
        publish(context);
        check(context);
    }

    /** The generation of a timeline's index part that is in force, or is to be. */
    Generation indexPartOf(TimelineId timeline) {
        synchronized (wanted) {
            Generation found = wanted.get(timeline);
            if (found == null) {
                throw new IllegalStateException("tenant " + tenant + " has no timeline " + timeline);
            }
            return found;
        }
    }

    /**
     * Says which timelines are archived: what their index parts say decides, this is for others to know. Durable on return.
     *
     * @throws SupersededException if there is a newer life
     */
    void offloaded(List<TenantManifest.OffloadedTimeline> archived, RequestContext context) throws StorageException {
        synchronized (wanted) {
            offloaded = List.copyOf(archived);
            changes++;
        }
        publish(context);
        check(context);
    }

    /**
     * There is no such timeline any more. Durable on return.
     *
     * @throws SupersededException if there is a newer life
     */
    void remove(TimelineId timeline, RequestContext context) throws StorageException {
        synchronized (wanted) {
            wanted.remove(timeline);
            changes++;
        }
        publish(context);
        check(context);
    }

    @Override
    public @Nullable String settings() {
        synchronized (wanted) {
            return settings;
        }
    }

    @Override
    public void keepSettings(@Nullable String json, RequestContext context) throws StorageException {
        synchronized (wanted) {
            settings = json;
            changes++;
        }
        publish(context);
        check(context);
    }

    /**
     * The tenant has no timelines any more, and is deleted. Durable on return.
     *
     * @throws SupersededException if there is a newer life
     */
    void delete(Instant now, RequestContext context) throws StorageException {
        synchronized (wanted) {
            wanted.clear();
            offloaded = List.of();
            settings = null;
            deletedAt = now;
            changes++;
        }
        publish(context);
        check(context);
    }

    @Override
    public boolean isSuperseded() {
        return superseded;
    }

    /** Makes the manifest say what is wanted; one put may do it for several who wait for it. */
    private void publish(RequestContext context) throws StorageException {
        if (isPublished()) {
            return;
        }
        try (Mutex.Held _ = publishing.acquire(context)) {
            if (isPublished()) {
                return;
            }
            Content now = content();
            uncertain = true;
            TenantManifest next = new TenantManifest(
                    inherited.stripeSize(),
                    now.offloaded,
                    new TenantManifest.Life(owner, now.indexParts, now.settings, now.deletedAt));
            manifest.put(TenantManifestCodec.encode(next), context);
            inForce = now.change;
            uncertain = false;
        }
    }

    private boolean isPublished() {
        if (uncertain) {
            return false;
        }
        synchronized (wanted) {
            return inForce == changes;
        }
    }

    private Content content() {
        synchronized (wanted) {
            List<TenantManifest.OffloadedTimeline> all = new ArrayList<>(offloaded);
            for (TenantManifest.OffloadedTimeline neons : inherited.offloaded()) {
                if (deletedAt == null && !wanted.containsKey(neons.timeline())) {
                    all.add(neons); // nothing is known of it here
                }
            }
            all.sort(Comparator.comparing(TenantManifest.OffloadedTimeline::timeline));
            return new Content(changes, new TreeMap<>(wanted), List.copyOf(all), settings, deletedAt);
        }
    }

    /**
     * Makes sure that what was put before the call is what the next life reads. To be called after every put, and before
     * anything is acknowledged or deleted because of it.
     *
     * @throws SupersededException if there is a newer life
     */
    void check(RequestContext context) throws StorageException {
        if (!superseded && generation.hasNext()) {
            ObjectKey next = GenerationClaim.manifestKey(tenant, generation.next());
            superseded = objects.head(next, context).isPresent();
        }
        if (superseded) {
            throw new SupersededException(
                    "tenant " + tenant + " was claimed by another server, or by a later start of this"
                            + " one: there is a generation after " + generation
                            + ", which is the one here. Nothing of it is written here any more");
        }
    }
}
