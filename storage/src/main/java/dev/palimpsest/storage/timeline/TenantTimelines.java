package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.eviction.BackgroundEviction;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.RemotePaths;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The timelines of one tenant in this process: loads what the object store knows, creates new ones, branches, shuts down.
 * Safe for use by many threads; timelines are created and loaded one at a time.
 */
public final class TenantTimelines {
    private static final Logger LOG = LoggerFactory.getLogger(TenantTimelines.class);

    private static final int MADE_AT_ONCE = 16;

    private final Engine engine;
    private final TenantId tenant;
    private final Attachment attachment;
    private final TenantDirectory directory;
    private final Mutex lifecycle;
    private final Map<TimelineId, Timeline> timelines = new ConcurrentSkipListMap<>();
    private final StoredIndexes stored;
    private final ArchivedTimelines archived;
    private final Detachments detachments;
    /** Deleted in this life: a deletion that was not answered may still come, and must not meet a new index part. */
    private final Set<TimelineId> deleted = ConcurrentHashMap.newKeySet();
    /** Branches that could not be created for certain, and not be denied either. */
    private final Map<TimelineId, Timeline.BranchPoint> doubtful = new ConcurrentSkipListMap<>();

    private Instant loadedAt = Instant.MAX;

    private TenantTimelines(Engine engine, TenantId tenant, Attachment attachment, Path workDirectory) {
        this.engine = engine;
        this.tenant = tenant;
        this.attachment = attachment;
        this.directory = TenantDirectory.in(workDirectory, engine.disk(), tenant);
        this.stored = new StoredIndexes(engine.objects(), tenant, attachment.generation());
        this.archived = new ArchivedTimelines(stored, attachment, this::index);
        this.detachments = new Detachments(engine, timelines, archived);
        this.lifecycle = new Mutex("creating and loading timelines of tenant " + tenant, engine.newSignal());
    }

    /**
     * Loads every timeline of the tenant that the object store has, ancestors first, and deletes local directories of those
     * it does not have. Each is then where its {@code disk_consistent_lsn} was when the tenant was last stopped or crashed.
     * From here on, whoever had the tenant before can write nothing that counts, and delete nothing.
     *
     * @param workDirectory the server's directory
     */
    public static TenantTimelines load(Engine engine, TenantId tenant, Path workDirectory, RequestContext context)
            throws StorageException {
        GenerationClaim claim = new GenerationClaim(engine.objects(), tenant, context);
        GenerationClaim.Claimed claimed = claim.claim(engine.environment().random());
        TenantManifest before = claim.newestBefore(claimed);
        Mutex publishing = new Mutex("the right to replace the manifest of tenant " + tenant, engine.newSignal());
        Attachment attachment = new Attachment(engine.objects(), tenant, claimed, before, publishing);
        TenantTimelines loaded = new TenantTimelines(engine.ofTenant(), tenant, attachment, workDirectory);
        boolean done = false;
        try {
            loaded.load(before, context);
            loaded.loadedAt = engine.environment().clock().now();
            done = true;
            return loaded;
        } finally {
            if (!done) {
                loaded.shutdown(RequestContext.of(context.taskKind()));
            }
        }
    }

    private void load(TenantManifest before, RequestContext context) throws StorageException {
        SortedMap<TimelineId, Generation> inForce = stored.inForce(before, context);
        Map<TimelineId, TimelineIndex.Stored> indexes = stored.readAll(engine, inForce, context);
        indexes.forEach((id, index) -> {
            if (index.part().state().archivedAt() != null) {
                archived.note(id, index.part());
            }
        });
        attachment.begin(inForce, archived.offloaded(), context);
        directory.create();
        Set<TimelineId> known = new TreeSet<>(indexes.keySet());
        known.removeIf(archived::contains);
        Set<TimelineId> missing = directory.deleteUnknown(known);
        LayerWorkers.forEach(engine, "directories of tenant " + tenant, MADE_AT_ONCE, missing, this::createDirectory);
        for (Map.Entry<TimelineId, TimelineIndex.Stored> entry : List.copyOf(indexes.entrySet())) {
            if (entry.getValue().part().state().deletedAt() != null) {
                LOG.info("tenant {}: finishing the deletion of timeline {}", tenant, entry.getKey());
                deleteWhatIsLeft(entry.getKey(), entry.getValue().part(), context);
                archived.forget(entry.getKey());
                known.remove(entry.getKey());
                indexes.remove(entry.getKey());
            }
        }
        for (TimelineId id : known) {
            loadWithAncestors(id, indexes, new ArrayList<>(), context);
        }
        for (Timeline timeline : timelines.values()) {
            if (archived.contains(timeline.id())) {
                LOG.info("tenant {}: timeline {} is not archived any more: a branch needs it", tenant, timeline.id());
                timeline.updateState(state -> state.archivedAt(null), context);
                archived.forget(timeline.id());
            }
        }
        detachments.finishAll(context);
        deleted.addAll(new StrayTimelines(engine.objects(), tenant, attachment).delete(before, stored, context));
    }

    private Timeline loadWithAncestors(
            TimelineId id,
            Map<TimelineId, TimelineIndex.Stored> indexes,
            List<TimelineId> children,
            RequestContext context)
            throws StorageException {
        Timeline loaded = timelines.get(id);
        if (loaded != null) {
            return loaded;
        }
        TimelineIndex.Stored stored = indexes.get(id);
        if (stored == null || children.contains(id)) {
            throw new CorruptionException(
                    RemotePaths.timeline(tenant, ShardIndex.UNSHARDED, id),
                    0,
                    stored == null
                            ? "timeline " + children.getLast()
                                    + " has this one as its ancestor, but there is no index part"
                            : "timelines are each other's ancestors: " + children);
        }
        children.add(id);
        TimelineMetadata metadata = stored.part().metadata();
        Timeline.@Nullable BranchPoint branchPoint = null;
        TimelineMetadata.Ancestor branched = metadata.ancestor();
        if (branched != null) {
            Timeline ancestor = loadWithAncestors(branched.timeline(), indexes, children, context);
            branchPoint = new Timeline.BranchPoint(ancestor, branched.lsn());
        }
        if (archived.contains(id)) {
            createDirectory(id); // a branch needs it
        }
        TimelineFiles files = files(id);
        Timeline timeline = new Timeline(
                engine, files, index(id, stored), remote(id, branchPoint), files.load(stored.part()), branchPoint);
        adopt(timeline);
        return timeline;
    }

    private void adopt(Timeline timeline) {
        timelines.put(timeline.id(), timeline);
        engine.layerGauges().add(timeline);
    }

    private void createDirectory(TimelineId id) throws StorageException {
        engine.disk().createDirectories(directory.of(id));
    }

    private TimelineFiles files(TimelineId id) {
        return new TimelineFiles(engine, tenant, id, attachment.generation(), directory.of(id));
    }

    private RemoteLayers remote(TimelineId id, Timeline.@Nullable BranchPoint branchPoint) {
        return new RemoteLayers(engine, tenant, id, branchPoint == null ? Lsn.INVALID : branchPoint.lsn(), attachment);
    }

    private TimelineIndex index(TimelineId id, TimelineIndex.Stored stored) {
        Mutex publishing = new Mutex("the right to replace the index part of timeline " + id, engine.newSignal());
        return new TimelineIndex(engine.objects(), id, attachment, indexKey(id), stored, publishing);
    }

    private ObjectKey indexKey(TimelineId id) {
        return StoredIndexes.key(tenant, id, attachment.generation());
    }

    /** Which tenant. */
    public TenantId tenant() {
        return tenant;
    }

    /** Which life of it this is, and what it keeps for those to come. */
    public TenantLife life() {
        return attachment;
    }

    /** Has other settings count from now on. */
    public void use(TenantSettings settings) {
        engine.settings().exchange(settings);
        timelines.values().forEach(timeline -> timeline.flushLoop().layersChanged());
    }

    /**
     * A timeline.
     *
     * @throws InvalidRequestException if there is none of that id, or it is archived
     */
    public Timeline timeline(TimelineId id) throws InvalidRequestException {
        Timeline timeline = timelines.get(id);
        if (timeline == null) {
            throw new InvalidRequestException(
                    archived.contains(id)
                            ? "timeline " + id + " of tenant " + tenant + " is archived"
                            : "tenant " + tenant + " has no timeline " + id);
        }
        return timeline;
    }

    /** When it was loaded. */
    public Instant loadedAt() {
        return loadedAt;
    }

    /** All timelines that are not archived, by id. */
    public List<Timeline> all() {
        return List.copyOf(timelines.values());
    }

    /**
     * Creates a timeline without an ancestor. That it exists is durable on return.
     *
     * @param start the LSN of its first values, a multiple of 8
     * @param pgVersion PostgreSQL's major version, 14 to 18
     */
    public Timeline create(TimelineId id, Lsn start, int pgVersion, RequestContext context) throws StorageException {
        return create(id, start, pgVersion, IndexPart.State.NONE, context);
    }

    /**
     * As the other one.
     *
     * @param state what applies to it for a time, from the beginning
     */
    public Timeline create(TimelineId id, Lsn start, int pgVersion, IndexPart.State state, RequestContext context)
            throws StorageException {
        if (!start.isValid() || !start.isAligned()) {
            throw new InvalidRequestException("a timeline cannot start at " + start + ": not where a record can start");
        }
        TimelineMetadata metadata = new TimelineMetadata(Lsn.INVALID, null, null, start, start, pgVersion);
        try (Mutex.Held _ = lifecycle.acquire(context)) {
            return add(id, IndexPart.of(Map.of(), metadata).with(state), null, context);
        }
    }

    /**
     * Creates a branch: a timeline that shares its history up to {@code lsn} with another, and goes on alone. Copies nothing.
     * That it exists is durable on return; what the ancestor has up to {@code lsn} is as durable as it is there: after a crash
     * reads of the branch wait until the ancestor has taken in again what it had lost.
     *
     * @param lsn the last LSN that is shared, rounded up to where a record can end
     * @throws InvalidRequestException if {@code lsn} is beyond the ancestor's last record, or out of its history: below its
     *     cutoff, and not {@linkplain Timeline#hold held} either
     */
    public Timeline branch(TimelineId id, TimelineId ancestorId, Lsn lsn, RequestContext context)
            throws StorageException {
        return branch(id, ancestorId, lsn, IndexPart.State.NONE, context);
    }

    /**
     * As the other one.
     *
     * @param state what applies to the branch for a time, from the beginning
     */
    public Timeline branch(TimelineId id, TimelineId ancestorId, Lsn lsn, IndexPart.State state, RequestContext context)
            throws StorageException {
        Lsn at = new Lsn((lsn.value() + Lsn.RECORD_ALIGNMENT - 1) & -Lsn.RECORD_ALIGNMENT);
        try (Mutex.Held _ = lifecycle.acquire(context)) {
            Timeline ancestor = timeline(ancestorId);
            makeOwn(ancestor, context); // first: writes go on meanwhile
            Lsn last = ancestor.lastRecordLsn();
            // GC raises the cutoff under the same mutex: whatever branches off after that does so above it.
            Lsn cutoff = ancestor.gcCutoffLsn();
            Timeline.@Nullable BranchPoint branched = ancestor.branchPoint();
            Lsn first = branched == null ? Lsn.INVALID : branched.lsn();
            boolean retained =
                    ancestor.history().isReadable(at) || ancestor.history().isReadable(lsn);
            if (!at.isValid() || at.isAfter(last) || at.isBefore(first) || !retained) {
                throw new InvalidRequestException("timeline " + ancestorId + " has no branch point at " + at
                        + ": its own history goes from " + Lsn.max(cutoff, first) + " to " + last);
            }
            TimelineMetadata metadata = ancestor.indexPart()
                    .metadata()
                    .withGcCutoff(Lsn.min(cutoff, at)) // above it, if at is only leased
                    .branch(ancestorId, at, at.equals(last) ? ancestor.prevRecordLsn() : Lsn.INVALID);
            IndexPart part = IndexPart.of(Map.of(), metadata).with(state);
            return add(id, part, new Timeline.BranchPoint(ancestor, at), context);
        }
    }

    /** Makes sure that what this life has found of a timeline and its ancestors is what the next one finds, or newer. */
    private static void makeOwn(Timeline timeline, RequestContext context) throws StorageException {
        timeline.index().makeOwn(context);
        Timeline.BranchPoint branch = timeline.branchPoint();
        if (branch != null) {
            makeOwn(branch.ancestor(), context);
        }
    }

    /** To be called by the owner of the mutex. */
    private Timeline add(
            TimelineId id, IndexPart part, Timeline.@Nullable BranchPoint branchPoint, RequestContext context)
            throws StorageException {
        if (timelines.containsKey(id) || archived.contains(id)) {
            throw new InvalidRequestException("tenant " + tenant + " has a timeline " + id + " already");
        }
        if (deleted.contains(id)) {
            throw new InvalidRequestException("tenant " + tenant + " had a timeline " + id
                    + ", which was deleted: its id" + " cannot be used again before the tenant is loaded again");
        }
        TimelineFiles files = files(id);
        createDirectory(id);
        if (branchPoint != null) {
            // If this fails, the branch may count all the same, and the next start finds it.
            doubtful.put(id, branchPoint);
        }
        TimelineIndex.Stored stored = TimelineIndex.create(engine.objects(), indexKey(id), part, context);
        attachment.indexPartPut(id, context);
        Timeline timeline =
                new Timeline(engine, files, index(id, stored), remote(id, branchPoint), LayerMap.empty(), branchPoint);
        adopt(timeline);
        doubtful.remove(id);
        return timeline;
    }

    /**
     * Drops layers of a timeline that nothing retained needs: what is retained is what {@code inputs} say, and what branches
     * need. From here on its reads below the cutoff are refused, but for leased LSNs, and so are branches. Durable on return.
     *
     * @param inputs what is retained; what branches need and {@linkplain Timeline#hold held} LSNs are added. A cutoff beyond {@code disk_consistent_lsn} or before an
     *     earlier one counts as that
     */
    public GcReport collectGarbage(TimelineId id, GcInputs inputs, GarbageCollection.Mode mode, RequestContext context)
            throws StorageException {
        Timeline timeline = timeline(id);
        GcInputs retained;
        try (Mutex.Held _ = lifecycle.acquire(context)) {
            retained = inputs.notBeyond(timeline.diskConsistentLsn());
            if (mode == GarbageCollection.Mode.REMOVE) {
                retained = retained.withLeases(timeline.history().advance(retained.cutoff(), retained.leases()));
            } else {
                List<Lsn> leases = new ArrayList<>(retained.leases());
                leases.addAll(timeline.history().held());
                retained = retained.withLeases(leases);
            }
        }
        return timeline.upkeep()
                .collectGarbage(retainedReads().beside(timeline, retained, mode, context), mode, context);
    }

    /** At which LSNs its timelines are read. */
    RetainedReads retainedReads() {
        return new RetainedReads(timelines, archived, doubtful);
    }

    /** The timelines of now, as eviction sees them: what reads of the present, and of branches, may need goes last. */
    public List<BackgroundEviction.EvictableTimeline> evictable() {
        return LocalLayers.of(timelines.values(), doubtful.values(), archived.all());
    }

    /** Those that branched off from a timeline and are not archived; also those that may have, for all that is known. */
    private List<TimelineId> branches(Timeline ancestor) {
        Set<TimelineId> found = new TreeSet<>();
        for (Timeline other : timelines.values()) {
            Timeline.BranchPoint at = other.branchPoint();
            if (at != null && at.ancestor() == ancestor) {
                found.add(other.id());
            }
        }
        doubtful.forEach((id, at) -> {
            if (at.ancestor() == ancestor) {
                found.add(id);
            }
        });
        return List.copyOf(found);
    }

    /**
     * Makes a timeline independent of its ancestors: what it sees of them it gets in layers of its own, and then it has no
     * ancestor any more. Layers are copied by the object store, or linked on the local disk; only those that reach beyond the
     * branch point are written anew. Reads and writes go on meanwhile. Branches that left the ancestor at or before the same LSN
     * become branches of this timeline, so that in the end the ancestor may be free to be deleted.
     *
     * <p>Durable on return. If it throws, or the process dies, either nothing has changed, or the timeline is independent; then
     * what is left to do is done when this is called again or the tenant is loaded. Called for a timeline that is independent
     * already it does nothing else.
     *
     * @return the branches that were moved here from the ancestor
     * @throws InvalidRequestException if the timeline never had an ancestor, or one of its ancestors has not taken in again what
     *     a crash has taken from it
     */
    public List<TimelineId> detach(TimelineId id, RequestContext context) throws StorageException {
        return detachments.detach(timeline(id), lifecycle, context);
    }

    /** What is archived, by id. */
    public List<ArchivedTimeline> archived() {
        return archived.all();
    }

    /** One that is archived; empty if there is none of that id. */
    public Optional<ArchivedTimeline> archived(TimelineId id) {
        return Optional.ofNullable(archived.get(id));
    }

    /**
     * Archives a timeline: nothing of it is kept here but what {@link #archived} says, neither files nor memory; it holds its
     * branch point. Its history stays as it is until it is {@linkplain #unarchive taken back}. What was put before the call is
     * kept, what is put during the call may not be. Durable on return; if it throws, either may be so, and it may be called
     * again. Does nothing if it is archived.
     *
     * @throws InvalidRequestException if there is none of that id, or branches of it are not archived; names them
     */
    public void archive(TimelineId id, RequestContext context) throws StorageException {
        if (!archived.contains(id)) {
            Timeline open = timeline(id);
            if (open.indexPart().state().archivedAt() == null && !open.isVirgin()) {
                open.freezeAndFlush(context); // most of it while others may still use the tenant
            }
        }
        try (Mutex.Held _ = lifecycle.acquire(context)) {
            if (archived.contains(id)) {
                return;
            }
            Timeline timeline = timeline(id);
            detachments.checkNotBusy(id);
            List<TimelineId> branches = branches(timeline);
            if (!branches.isEmpty()) {
                throw new InvalidRequestException(
                        "timeline " + id + " cannot be archived before those that branched off from it: " + branches);
            }
            if (timeline.indexPart().state().archivedAt() == null) {
                if (!timeline.isVirgin()) {
                    timeline.freezeAndFlush(context);
                }
                Instant now = engine.environment().clock().now();
                timeline.updateState(state -> state.archivedAt(now), context);
            }
            timeline.shutdown(context);
            archived.note(id, timeline.indexPart());
            timelines.remove(id);
            engine.layerGauges().remove(timeline);
            directory.delete(id);
            archived.publish(context);
        }
    }

    /**
     * Takes a timeline back from the archive. Nothing of it is here at first: layers are downloaded when they are read. Durable
     * on return. Does nothing if it is not archived.
     *
     * @throws InvalidRequestException if there is none of that id, or its ancestor is archived
     */
    public Timeline unarchive(TimelineId id, RequestContext context) throws StorageException {
        try (Mutex.Held _ = lifecycle.acquire(context)) {
            if (!archived.contains(id)) {
                return timeline(id);
            }
            TimelineIndex index = archived.index(id, context);
            TimelineMetadata.Ancestor branched = index.current().metadata().ancestor();
            Timeline.@Nullable BranchPoint branchPoint =
                    branched == null ? null : new Timeline.BranchPoint(timeline(branched.timeline()), branched.lsn());
            createDirectory(id);
            TimelineFiles files = files(id);
            Timeline timeline = new Timeline(
                    engine, files, index, remote(id, branchPoint), files.load(index.current()), branchPoint);
            boolean done = false;
            try {
                timeline.updateState(state -> state.archivedAt(null), context);
                done = true;
            } finally {
                if (!done) {
                    timeline.shutdown(context);
                    directory.delete(id);
                }
            }
            adopt(timeline);
            archived.forget(id);
            archived.publish(context);
            return timeline;
        }
    }

    /**
     * Deletes a timeline that no other one has as its ancestor. What is left of a deletion that did not come to its end is
     * deleted when the tenant is loaded. Durable on return.
     *
     * @throws InvalidRequestException if there is none of that id, or it has branches; names them
     */
    public void delete(TimelineId id, RequestContext context) throws StorageException {
        try (Mutex.Held _ = lifecycle.acquire(context)) {
            detachments.checkNotBusy(id);
            Timeline timeline = archived.contains(id) ? null : timeline(id);
            List<TimelineId> branches = new ArrayList<>(archived.branches(id));
            if (timeline != null) {
                branches.addAll(branches(timeline));
            }
            if (!branches.isEmpty()) {
                throw new InvalidRequestException(
                        "timeline " + id + " cannot be deleted: it is the ancestor of " + branches);
            }
            Instant now = engine.environment().clock().now();
            if (timeline == null) {
                IndexPart last =
                        archived.update(id, part -> part.with(part.state().deletedAt(now)), context);
                deleteWhatIsLeft(id, last, context);
                archived.forget(id);
                archived.publish(context);
                return;
            }
            timeline.updateState(state -> state.deletedAt(now), context);
            timeline.shutdown(context);
            timelines.remove(id);
            engine.layerGauges().remove(timeline);
            deleteWhatIsLeft(id, timeline.indexPart(), context);
        }
    }

    private void deleteWhatIsLeft(TimelineId id, IndexPart last, RequestContext context) throws StorageException {
        directory.delete(id);
        attachment.remove(id, context);
        Set<ObjectKey> objects = new LinkedHashSet<>();
        objects.add(indexKey(id)); // a listing may not show it yet
        for (Map.Entry<String, LayerMetadata> layer : last.layers().entrySet()) {
            LayerFileName name = new LayerFileName(
                    LayerName.parse(layer.getKey()), layer.getValue().generation());
            objects.add(RemoteLayers.key(tenant, id, name));
        }
        ListRequest request = ListRequest.all(RemotePaths.timeline(tenant, ShardIndex.UNSHARDED, id));
        while (true) {
            Listing page = engine.objects().list(request, context);
            page.objects().forEach(object -> objects.add(object.key()));
            if (page.next().isEmpty()) {
                break;
            }
            request = request.withAfter(page.next().get());
        }
        deleted.add(id);
        RemoteLayers.deleteAll(engine.objects(), List.copyOf(objects), context);
    }

    /** Housekeeping of all timelines; see {@link Timeline#tick}. The first failure is thrown once all had their turn. */
    public void tick(RequestContext context) throws StorageException {
        StorageException first = null;
        for (Timeline timeline : timelines.values()) {
            try {
                timeline.tick(context);
            } catch (StorageException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }

    /** Shuts every timeline down; see {@link Timeline#shutdown}. Does not flush. */
    public void shutdown(RequestContext context) throws StorageException {
        for (Timeline timeline : timelines.values()) {
            timeline.shutdown(context);
            engine.layerGauges().remove(timeline);
        }
    }
}
