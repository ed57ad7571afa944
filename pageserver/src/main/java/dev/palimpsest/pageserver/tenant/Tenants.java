package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.config.ConfigurationException;
import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.WarmProgress;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tenants of a server.
 *
 * <pre>
 *            attach                    loaded               detach, delete, reset
 *   (none) ─────────► ATTACHING ──────────────► ACTIVE ──────────────────────────► STOPPING ─► (none)
 *                       │  ▲ store does not answer: again, after a pause               │ reset
 *                       │  └──────────────────────────────────────────────────────────┘
 *                       └─ damaged ─► BROKEN ─ detach, delete, reset ─► STOPPING
 * </pre>
 *
 * <p>What is said of a tenant's place is written down before it is done: after a crash the next start goes on from there. Safe for
 * use by many threads.
 */
public final class Tenants implements TenantService, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Tenants.class);

    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration FLUSH = Duration.ofSeconds(30);

    private final EmbeddedStore store;
    private final TenantBranches branches;
    private final TenantDefaults defaults;
    private final LocationFiles files;
    private final NavigableMap<TenantId, TenantSlot> slots = new ConcurrentSkipListMap<>();
    private final Cancellation cancellation = new Cancellation();
    private final RequestContext context = new RequestContext(TaskKind.LIFECYCLE, Clock.NEVER, cancellation);
    private final TenantThrottles throttles = new TenantThrottles(slots);
    private final TenantWaits waits = new TenantWaits();
    private final TenantLoading loading;
    private final TenantLoads loads;
    private final SecondaryWarmth warmth;
    private volatile boolean listed;

    /**
     * Knows of no tenant yet.
     *
     * @param directory where it is kept what this server was told to have of tenants
     */
    public Tenants(EmbeddedStore store, TenantBranches branches, TenantDefaults defaults, Path directory)
            throws IOException {
        this.store = store;
        this.branches = branches;
        this.defaults = defaults;
        this.files = new LocationFiles(directory);
        this.loading = new TenantLoading(store, branches, defaults, files, context);
        this.loads = new TenantLoads(waits);
        this.warmth = new SecondaryWarmth(store, slots::values, waits);
    }

    /**
     * Begins to load every tenant that is to be here, some at a time, and returns. One that cannot be loaded is nothing to the
     * others.
     *
     * @throws StorageException if it cannot be found out which there are
     */
    public void start() throws StorageException {
        SortedMap<TenantId, TenantLocation> told = new TreeMap<>();
        for (TenantId id : files.all()) {
            TenantLocation location = told(id);
            if (location != null) {
                told.put(id, location);
            }
        }
        store.tenants(context).forEach(id -> {
            if (!slots.containsKey(id)) {
                told.putIfAbsent(id, TenantLocation.FOUND);
            }
        });
        told.forEach((id, location) -> {
            if (location.mode() != TenantLocation.Mode.DETACHED) {
                slots.put(id, new TenantSlot(id, location));
            }
        });
        for (Map.Entry<TenantId, TenantLocation> entry : told.entrySet()) {
            TenantSlot slot = slots.get(entry.getKey());
            if (slot == null) {
                store.evict(entry.getKey(), context); // what a crash has left
            } else if (slot.isAttached()) {
                load(slot);
            } else {
                slot.secondary();
            }
        }
        listed = true;
        waits.changed();
        warmth.start();
        loads.whenAllLookedAt(slots.values(), branches::allLookedAt);
    }

    /** The same, and returns when every tenant was tried to load once. */
    public void startAndWait() throws StorageException {
        start();
        waits.await(this::areAllLookedAt, Duration.ofDays(1));
    }

    /** Has it shown how tenants are. */
    public void register(PrometheusRegistry metrics) {
        TenantMetrics.register(metrics, slots::values);
    }

    /** What was said of a tenant; null if that cannot be read, which makes it broken. */
    private @Nullable TenantLocation told(TenantId id) {
        try {
            return files.read(id);
        } catch (CorruptionException e) {
            TenantSlot slot = new TenantSlot(id, TenantLocation.FOUND);
            fail(slot, e);
            slots.put(id, slot);
            return null;
        }
    }

    private void load(TenantSlot slot) {
        slot.attaching();
        loads.begin(slot, this::loadOnce, Tenants::fail);
    }

    private void loadOnce(TenantSlot slot) throws StorageException {
        if (!loading.isLoaded(slot)) {
            slots.remove(slot.id(), slot);
            slot.leave();
        }
    }

    private static void fail(TenantSlot slot, Exception reason) {
        LOG.error("tenant {} is broken, the others are not", slot.id(), reason);
        slot.state(TenantState.broken(String.valueOf(reason.getMessage())));
    }

    /** A tenant that was made here, and is loaded. */
    public void made(TenantTimelines timelines) {
        TenantSlot slot = new TenantSlot(timelines.tenant(), TenantLocation.FOUND);
        timelines.use(defaults.engineSettings(TenantConfiguration.NONE));
        slot.active(timelines, TenantConfiguration.NONE);
        slots.put(timelines.tenant(), slot);
    }

    /** What of a tenant's history is kept. */
    public RetentionSettings retention(TenantId id) {
        TenantSlot slot = slots.get(id);
        return slot == null ? defaults.retention() : defaults.retention(slot.settings());
    }

    /** How many requests they may make. */
    public TenantThrottles throttles() {
        return throttles;
    }

    private TenantSlot slot(TenantId id) throws TenantException {
        waits.await(() -> listed, PATIENCE);
        TenantSlot slot = slots.get(id);
        if (slot == null) {
            throw listed
                    ? new TenantException(TenantException.Kind.NOT_FOUND, "tenant " + id + " not found")
                    : new TenantException(
                            TenantException.Kind.UNAVAILABLE, "it is not known yet which tenants there are");
        }
        return slot;
    }

    @Override
    public List<TenantView> list() {
        Map<TenantId, TenantBranches.Size> sizes = branches.sizes();
        List<TenantView> all = new ArrayList<>();
        for (TenantSlot slot : slots.values()) {
            TenantBranches.Size size = sizes.getOrDefault(slot.id(), TenantBranches.Size.NONE);
            boolean isEmpty = size.branches() == 0 && slot.state().equals(TenantState.ACTIVE);
            if (!isEmpty || !slot.location().equals(TenantLocation.FOUND)) {
                all.add(view(slot, size));
            }
        }
        return all;
    }

    private static TenantView view(TenantSlot slot, TenantBranches.Size size) {
        TenantState state = slot.state();
        TenantTimelines timelines = slot.timelines();
        return new TenantView(
                slot.id().toString(),
                slot.location().mode(),
                slot.isAttached() ? state.phase() : null,
                slot.isAttached() ? state.reason() : null,
                timelines == null ? null : timelines.life().generation().number(),
                size.branches(),
                size.layerBytes(),
                size.residentBytes());
    }

    @Override
    public TenantView view(TenantId id) throws TenantException {
        TenantSlot slot = slot(id);
        waits.await(() -> slot.state().phase() != TenantState.Phase.ATTACHING || slot.isGone(), PATIENCE);
        TenantBranches.Size size = branches.sizes().getOrDefault(id, TenantBranches.Size.NONE);
        if (slots.get(id) != slot) {
            throw new TenantException(TenantException.Kind.NOT_FOUND, "tenant " + id + " not found");
        }
        return view(slot, size);
    }

    @Override
    public void awaitActive(TenantId id) throws TenantException {
        TenantSlot slot = slot(id);
        if (!slot.isAttached()) {
            throw new TenantException(TenantException.Kind.NOT_FOUND, "tenant " + id + " is not attached here");
        }
        waits.await(() -> slot.state().phase() != TenantState.Phase.ATTACHING || slot.isGone(), PATIENCE);
        TenantState state = slot.state();
        String why = state.reason() == null ? "" : ": " + state.reason();
        switch (state.phase()) {
            case ACTIVE -> {}
            case ATTACHING ->
                throw slot.isGone()
                        ? new TenantException(TenantException.Kind.NOT_FOUND, "tenant " + id + " not found")
                        : new TenantException(
                                TenantException.Kind.UNAVAILABLE, "tenant " + id + " is still being loaded" + why);
            case STOPPING ->
                throw new TenantException(TenantException.Kind.UNAVAILABLE, "tenant " + id + " is on its way out");
            case BROKEN -> throw new TenantException(TenantException.Kind.FAILED, "tenant " + id + " is broken" + why);
        }
    }

    @Override
    public boolean awaitAllLookedAt() {
        return waits.await(this::areAllLookedAt, PATIENCE);
    }

    @Override
    public boolean areAllLookedAt() {
        return loads.isSettled() && slots.values().stream().allMatch(TenantSlot::isLookedAt);
    }

    @Override
    public Utilization utilization() throws TenantException {
        TenantBranches.Size all = TenantBranches.Size.NONE;
        for (TenantBranches.Size size : branches.sizes().values()) {
            all = all.plus(size);
        }
        try {
            return new Utilization(all.residentBytes(), store.usableBytes(), all.layerBytes(), slots.size());
        } catch (StorageException e) {
            throw new TenantException(TenantException.Kind.FAILED, "how full the disk is: " + e.getMessage(), e);
        }
    }

    @Override
    public List<String> notServing() {
        List<String> all = new ArrayList<>();
        for (TenantSlot slot : slots.values()) {
            TenantState state = slot.state();
            if (slot.isAttached() && state.reason() != null) {
                String phase = state.phase() == TenantState.Phase.BROKEN ? "is broken" : "cannot be loaded yet";
                all.add("tenant " + slot.id() + " " + phase + ": " + state.reason());
            }
        }
        return all;
    }

    @Override
    public SortedMap<TenantId, TenantLocation> locations() {
        SortedMap<TenantId, TenantLocation> all = new TreeMap<>();
        slots.forEach((id, slot) -> {
            TenantLocation location = slot.location();
            String settings = slot.isAttached() ? slot.settings().toJson() : location.settings();
            all.put(id, new TenantLocation(location.mode(), location.generation(), settings));
        });
        return all;
    }

    /** To do something with a tenant that is there; nobody else does meanwhile. */
    @FunctionalInterface
    private interface Step {
        void run(TenantSlot slot) throws StorageException, TenantException, IOException;
    }

    private void inTransition(TenantSlot slot, String what, Step step) throws TenantException {
        if (!isLocked(slot)) {
            throw new TenantException(
                    TenantException.Kind.CONFLICT,
                    "something else is done with tenant " + slot.id() + " at the moment, try again");
        }
        try {
            if (slot.isGone()) {
                throw new TenantException(TenantException.Kind.NOT_FOUND, "tenant " + slot.id() + " not found");
            }
            step.run(slot);
        } catch (StorageException | IOException | UncheckedIOException e) {
            TenantException.Kind kind =
                    e instanceof ConfigurationException ? TenantException.Kind.INVALID : TenantException.Kind.FAILED;
            throw new TenantException(kind, what + ": " + e.getMessage(), e);
        } finally {
            slot.transition.unlock();
            waits.changed();
        }
    }

    private static boolean isLocked(TenantSlot slot) {
        try {
            return slot.transition.tryLock(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public boolean relocate(TenantId id, TenantLocation wanted) throws TenantException {
        TenantSlot slot = slots.get(id);
        if (wanted.mode() == TenantLocation.Mode.DETACHED) {
            return detach(id, slot, wanted);
        }
        if (slot == null) {
            TenantSlot fresh = new TenantSlot(id, wanted);
            inTransition(fresh, "tenant " + id + " cannot be attached", one -> {
                TenantConfiguration.ofJson(wanted.settings()); // refuses what makes no sense
                if (slots.putIfAbsent(id, one) != null) {
                    throw new TenantException(
                            TenantException.Kind.CONFLICT, "tenant " + id + " is just being placed, try again");
                }
                place(one, wanted);
            });
            return true;
        }
        boolean[] changed = new boolean[1];
        inTransition(slot, "tenant " + id + " cannot be moved", one -> changed[0] = move(one, wanted));
        return changed[0];
    }

    /** To be called by the owner of the transition. */
    private boolean move(TenantSlot slot, TenantLocation wanted) throws TenantException, StorageException, IOException {
        TenantLocation before = slot.location();
        Long given = before.generation();
        if (given != null && wanted.generation() != null && wanted.generation() < given) {
            throw new TenantException(
                    TenantException.Kind.INVALID,
                    "generation " + wanted.generation() + " of tenant " + slot.id() + " is older than " + given
                            + ", which was given before");
        }
        boolean newer = given != null && wanted.generation() != null && wanted.generation() > given;
        if (wanted.mode() == before.mode() && !newer && slot.state().phase() != TenantState.Phase.BROKEN) {
            return settle(slot, wanted);
        }
        TenantConfiguration.ofJson(wanted.settings()); // refuses what makes no sense
        if (slot.isAttached()) {
            // Whoever gives a newer generation takes what is durable; what is not is taken in again.
            branches.checkMayGo(slot.id());
            stop(slot, wanted.mode() != TenantLocation.Mode.ATTACHED);
            store.release(slot.id(), context);
        }
        place(slot, wanted);
        return true;
    }

    /** It stays where it is; only what it has of settings may be other. */
    private boolean settle(TenantSlot slot, TenantLocation wanted)
            throws StorageException, IOException, TenantException {
        if (!slot.isAttached()) {
            boolean changed = !wanted.equals(slot.location());
            write(slot, wanted);
            return changed;
        }
        TenantConfiguration own =
                wanted.settings() == null ? slot.settings() : TenantConfiguration.ofJson(wanted.settings());
        boolean changed = !own.equals(slot.settings());
        if (changed) {
            keep(slot, own);
        }
        Long given = wanted.generation();
        if (given != null && !given.equals(slot.location().generation())) {
            write(slot, wanted.withoutSettings());
            changed = true;
        }
        return changed;
    }

    /** Of a tenant that is not loaded. */
    private void place(TenantSlot slot, TenantLocation wanted) {
        write(slot, wanted);
        warmth.moved(slot);
        if (slot.isAttached()) {
            load(slot);
        } else {
            slot.secondary();
        }
    }

    private void write(TenantSlot slot, TenantLocation wanted) {
        files.write(slot.id(), wanted);
        slot.location(wanted);
    }

    private boolean detach(TenantId id, @Nullable TenantSlot slot, TenantLocation wanted) throws TenantException {
        if (slot == null) {
            try {
                boolean changed = !wanted.equals(files.read(id));
                files.write(id, wanted);
                store.evict(id, context);
                return changed;
            } catch (StorageException | UncheckedIOException e) {
                throw new TenantException(
                        TenantException.Kind.FAILED, "tenant " + id + " cannot be detached: " + e.getMessage(), e);
            }
        }
        inTransition(slot, "tenant " + id + " cannot be detached", one -> {
            branches.checkMayGo(id);
            stop(one, true);
            files.write(id, wanted);
            slots.remove(id, one);
            one.leave();
            warmth.moved(one);
            store.evict(id, context);
        });
        LOG.info("tenant {} is detached", id);
        return true;
    }

    /** Ends what goes on with a tenant; it is loaded still, or broken. To be called by the owner of the transition. */
    private void stop(TenantSlot slot, boolean flush) {
        TenantTimelines timelines = slot.timelines();
        slot.state(TenantState.STOPPING);
        if (timelines != null && flush) {
            long deadline = store.clock().nanos() + FLUSH.toNanos();
            flush(timelines, context.withDeadline(deadline)); // most of it while it is still served
            branches.letGo(slot.id());
            flush(timelines, context.withDeadline(deadline));
        } else {
            branches.letGo(slot.id());
        }
        slot.unloaded();
    }

    /** What is not flushed is not acknowledged to whom it came from, and taken in again by who has the tenant then. */
    private void flush(TenantTimelines timelines, RequestContext until) {
        try {
            branches.flush(timelines, until);
        } catch (StorageException e) {
            LOG.warn(
                    "tenant {} stops without the last of what it has taken in: {}", timelines.tenant(), e.getMessage());
        }
    }

    @Override
    public void reset(TenantId id, boolean dropCache) throws TenantException {
        inTransition(slot(id), "tenant " + id + " cannot be reset", slot -> {
            if (!slot.isAttached()) {
                throw new TenantException(TenantException.Kind.CONFLICT, "tenant " + id + " is not attached here");
            }
            branches.checkMayGo(id);
            stop(slot, true);
            if (dropCache) {
                store.evict(id, context);
            } else {
                store.release(id, context);
            }
            load(slot);
        });
    }

    @Override
    public void delete(TenantId id) throws TenantException {
        TenantSlot slot = slots.get(id);
        if (slot == null) {
            finishDeletion(id);
            return;
        }
        inTransition(slot, "tenant " + id + " is not deleted, or not all of it; try again", one -> {
            if (!one.isAttached()) {
                throw new TenantException(
                        TenantException.Kind.CONFLICT,
                        "tenant " + id + " is only secondary here: delete it where it is attached");
            }
            branches.checkMayGo(id);
            one.state(TenantState.STOPPING);
            branches.forget(id);
            one.unloaded();
            try {
                store.delete(id, context);
            } catch (StorageException e) {
                one.state(TenantState.broken("its deletion was not finished: " + e.getMessage()));
                throw e;
            }
            files.delete(id);
            slots.remove(id, one);
            one.leave();
        });
        LOG.info("tenant {} is deleted", id);
    }

    private void finishDeletion(TenantId id) throws TenantException {
        try {
            TenantLocation told = files.read(id);
            if (told != null && store.tenants(context).contains(id)) {
                throw new TenantException(
                        TenantException.Kind.CONFLICT,
                        "tenant " + id + " is detached here, and may be another server's: attach it to delete it");
            }
            if (store.tenants(context).contains(id)) {
                loading.isThere(id);
            }
            files.delete(id);
        } catch (StorageException | UncheckedIOException e) {
            throw new TenantException(
                    TenantException.Kind.FAILED,
                    "what is left of tenant " + id + " cannot be deleted: " + e.getMessage(),
                    e);
        }
    }

    @Override
    public TenantConfiguration configuration(TenantId id) throws TenantException {
        awaitActive(id);
        return slot(id).settings();
    }

    @Override
    public Map<String, Object> effectiveConfiguration(TenantId id) throws TenantException {
        awaitActive(id);
        Map<String, Object> all = defaults.effective(slot(id).settings());
        all.put("timeline_get_throttle", throttles.effective(slot(id)));
        return all;
    }

    @Override
    public void configure(TenantId id, Change change) throws TenantException {
        awaitActive(id);
        inTransition(
                slot(id), "the settings of tenant " + id + " stay", slot -> keep(slot, change.of(slot.settings())));
    }

    private void keep(TenantSlot slot, TenantConfiguration own) throws StorageException, TenantException {
        TenantTimelines timelines = slot.timelines();
        if (timelines == null) {
            throw new TenantException(TenantException.Kind.UNAVAILABLE, "tenant " + slot.id() + " is not loaded");
        }
        timelines.life().keepSettings(own.toJson(), context);
        timelines.use(defaults.engineSettings(own));
        slot.settings(own);
    }

    @Override
    public void tellResident(TenantId id) throws TenantException {
        awaitActive(id);
        inTransition(slot(id), "the heatmap of tenant " + id + " cannot be written", warmth::tell);
    }

    @Override
    public WarmProgress warmth(TenantId id, boolean bring) throws TenantException {
        TenantSlot slot = slot(id);
        if (slot.isAttached()) {
            throw new TenantException(TenantException.Kind.NOT_FOUND, "tenant " + id + " is not secondary here");
        }
        try {
            return bring ? warmth.warm(slot) : warmth.progress(slot);
        } catch (StorageException e) {
            throw new TenantException(
                    TenantException.Kind.FAILED, "tenant " + id + " cannot be warmed: " + e.getMessage(), e);
        }
    }

    /** Loads no more. What is loaded stays the store's. */
    @Override
    public void close() {
        cancellation.cancel();
        warmth.close();
        loads.close();
    }
}
