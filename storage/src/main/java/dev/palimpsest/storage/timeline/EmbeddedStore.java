package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.BlockCacheMetrics;
import dev.palimpsest.storage.blob.ReadBuffers;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.compaction.BackgroundCompaction;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.eviction.BackgroundEviction;
import dev.palimpsest.storage.eviction.EvictionSettings;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.DiskMetrics;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.memory.DirtyBytes;
import dev.palimpsest.storage.layer.memory.InMemoryLayers;
import dev.palimpsest.storage.layer.memory.L0Flush;
import dev.palimpsest.storage.layer.residency.DownloadQueue;
import dev.palimpsest.storage.layer.residency.ResidentBytes;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.ResourceGauges;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store in one local directory, for a process that has no server: {@code DIR/tenants} has the layers, {@code DIR/objects} is
 * the object store. One process at a time may have a directory open. Safe for use by many threads.
 *
 * <p>With another object store, see {@link #open(Path, Objects, StoreSettings, WalRedo, DenseKeys, PrometheusRegistry)}, the
 * directory is a cache of what that has, and many directories may be opened on it one after the other.
 *
 * {@snippet :
 * try (EmbeddedStore store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, redo)) {
 *     TenantTimelines tenant = store.tenant(tenantId, RequestContext.of(TaskKind.LIFECYCLE));
 *     Timeline main = tenant.create(timelineId, new Lsn(0x1000), 17, RequestContext.of(TaskKind.LIFECYCLE));
 *     try (TimelineWriter writer = main.writer(RequestContext.of(TaskKind.INGEST))) {
 *         writer.put(batch);
 *         writer.finish(lsn);
 *     }
 *     main.freezeAndFlush(RequestContext.of(TaskKind.FLUSH));
 *     byte[] page = main.get(key, lsn, RequestContext.of(TaskKind.PAGE_SERVICE));
 * }
 * }
 */
public final class EmbeddedStore implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedStore.class);

    private static final Duration HOUSEKEEPING = Duration.ofSeconds(1);
    private static final int ZSTD_CONTEXTS = 4;

    private final Engine engine;
    private final Path directory;
    private final Map<TenantId, TenantTimelines> tenants = new ConcurrentHashMap<>();
    private final Map<TenantId, Mutex> loading = new ConcurrentHashMap<>();
    private final Cancellation cancellation = new Cancellation();
    private final Task housekeeping;
    private final Optional<BackgroundCompaction> compaction;
    private final Optional<BackgroundEviction> eviction;
    private final CompactionSettings compactionSettings;

    private EmbeddedStore(Engine engine, Path directory, StoreSettings settings, PrometheusRegistry metrics) {
        this.engine = engine;
        this.directory = directory;
        this.housekeeping = engine.environment().tasks().start("housekeeping", this::keepHouse);
        this.compactionSettings =
                settings.background().map(BackgroundSettings::compaction).orElse(CompactionSettings.DEFAULT);
        this.compaction = settings.background()
                .map(background -> new BackgroundCompaction(engine.environment(), background, this::upkeeps, metrics));
        this.eviction = settings.eviction()
                .map(limits -> new BackgroundEviction(
                        engine.environment(),
                        limits,
                        engine.disk(),
                        directory,
                        engine.downloads().resident(),
                        this::evictable,
                        metrics));
    }

    /** Opens a directory, creating it if it is not there. */
    public static EmbeddedStore open(Path directory, StoreSettings settings, WalRedo redo) throws StorageException {
        return open(directory, settings, redo, DenseKeys.NONE, new PrometheusRegistry());
    }

    /**
     * Opens a directory, creating it if it is not there.
     *
     * @param denseKeys names the keys of timelines, for images that compaction makes in the background
     * @param metrics where metrics are registered
     */
    public static EmbeddedStore open(
            Path directory, StoreSettings settings, WalRedo redo, DenseKeys denseKeys, PrometheusRegistry metrics)
            throws StorageException {
        return open(
                directory,
                (disk, _) -> LocalDirectoryStore.open(disk, directory.resolve("objects")),
                settings,
                redo,
                denseKeys,
                metrics);
    }

    /**
     * Opens the object store of an {@link EmbeddedStore}.
     *
     * @param <X> what else may go wrong
     */
    @FunctionalInterface
    public interface Objects<X extends Exception> {
        /**
         * Opens it; it stays the caller's to close, once the store is closed.
         *
         * @param disk the local one
         * @param environment the engine's
         */
        ObjectStore open(Disk disk, Environment environment) throws StorageException, X;
    }

    /**
     * Opens a directory as the cache of an object store, creating it if it is not there. What the object store has of any
     * tenant is there at once, whatever is in the directory.
     *
     * @param <X> what else may go wrong in opening the object store
     * @param denseKeys names the keys of timelines, for images that compaction makes in the background
     * @param metrics where metrics are registered
     */
    public static <X extends Exception> EmbeddedStore open(
            Path directory,
            Objects<X> opening,
            StoreSettings settings,
            WalRedo redo,
            DenseKeys denseKeys,
            PrometheusRegistry metrics)
            throws StorageException, X {
        Clock clock = new SystemClock();
        Environment environment = new Environment(clock, new VirtualThreadTasks(clock), new SplittableRandom());
        LocalDisk disk = new LocalDisk(settings.disk(), environment.tasks());
        disk.createDirectories(directory);
        DiskMetrics.register(disk, directory, metrics);
        ObjectStore objects = opening.open(disk, environment);
        return new EmbeddedStore(
                engine(environment, disk, objects, redo, settings, metrics, denseKeys), directory, settings, metrics);
    }

    /** Puts an engine together of its parts: for those who bring their own disk, object store or environment. */
    public static Engine engine(
            Environment environment,
            Disk disk,
            ObjectStore objects,
            WalRedo redo,
            StoreSettings settings,
            PrometheusRegistry metrics) {
        return engine(environment, disk, objects, redo, settings, metrics, DenseKeys.NONE);
    }

    /** The same for timelines of which somebody knows the keys, so that images can be made of them. */
    public static Engine engine(
            Environment environment,
            Disk disk,
            ObjectStore objects,
            WalRedo redo,
            StoreSettings settings,
            PrometheusRegistry metrics,
            DenseKeys denseKeys) {
        DirtyBytes dirtyBytes = new DirtyBytes(settings.maxDirtyBytes(), metrics);
        BlockCache blocks = BlockCache.withValues((int) Math.max(1, settings.blockCacheBytes() / Block.SIZE));
        BlockCacheMetrics.register(blocks, metrics);
        ReadBuffers buffers =
                new ReadBuffers(settings.maxReadBytes(), settings.readBuffers(), disk.alignment(), environment.tasks());
        LayerIo layerIo = new LayerIo(
                disk,
                environment.tasks(),
                blocks,
                buffers,
                new ZstdContexts(ZSTD_CONTEXTS),
                settings.maxReadBytes(),
                settings.maxValueBytes(),
                settings.writeBackBytes());
        L0Flush flushes = new L0Flush(
                settings.l0FlushConcurrency(),
                settings.l0FlushBufferBytes(),
                environment.tasks().newSignal());
        LayerUploads uploads =
                new LayerUploads(settings.uploads(), environment.tasks().newSignal(), metrics);
        long maxLocalBytes =
                settings.eviction().map(EvictionSettings::maxLocalBytes).orElse(Long.MAX_VALUE);
        ResidentBytes resident =
                new ResidentBytes(maxLocalBytes, environment.tasks().newSignal(), metrics);
        DownloadQueue downloads = new DownloadQueue(environment, settings.downloads(), resident, metrics);
        new ResourceGauges(metrics)
                .watch("block_cache_bytes", blocks::bytes, blocks.maxBytes())
                .watch("read_buffers", buffers::inUse, settings.readBuffers())
                .watch("dirty_bytes", dirtyBytes::bytes, unlimitedIfZero(settings.maxDirtyBytes()))
                .watch("flushes", flushes::inUse, settings.l0FlushConcurrency())
                .watch("uploads", uploads.permits()::inUse, settings.uploads().concurrency())
                .watch("downloads", downloads::running, settings.downloads().concurrency())
                .watch("resident_bytes", resident::bytes, maxLocalBytes);
        return new Engine(
                environment,
                disk,
                objects,
                layerIo,
                new InMemoryLayers(disk, environment, dirtyBytes),
                flushes,
                uploads,
                redo,
                new LiveSettings(settings.timelines()),
                denseKeys,
                new LayerGauges(metrics),
                new OperationMetrics(environment.clock(), metrics),
                downloads,
                new AtomicLong());
    }

    private static long unlimitedIfZero(long limit) {
        return limit == 0 ? Long.MAX_VALUE : limit;
    }

    /**
     * The timelines of a tenant; loads them the first time. A tenant that nobody has written to has none. Several tenants may be
     * loaded at once; if one cannot be, that is nothing to the others.
     */
    public TenantTimelines tenant(TenantId id, RequestContext context) throws StorageException {
        TenantTimelines loaded = tenants.get(id);
        if (loaded != null) {
            return loaded;
        }
        try (Mutex.Held _ = exclusively(id, context)) {
            TenantTimelines tenant = tenants.get(id);
            if (tenant == null) {
                tenant = TenantTimelines.load(engine, id, directory, context);
                tenants.put(id, tenant);
            }
            return tenant;
        }
    }

    private Mutex.Held exclusively(TenantId id, RequestContext context) throws StorageException {
        return loading.computeIfAbsent(id, _ -> new Mutex("loading tenant " + id, engine.newSignal()))
                .acquire(context);
    }

    /**
     * Shuts a tenant's timelines down, if they are loaded, and forgets them; they may be loaded again then. Does not flush: what
     * is not durable is lost.
     */
    public void release(TenantId id, RequestContext context) throws StorageException {
        try (Mutex.Held _ = exclusively(id, context)) {
            shutdown(id, context);
        }
    }

    private void shutdown(TenantId id, RequestContext context) throws StorageException {
        TenantTimelines tenant = tenants.get(id);
        if (tenant != null) {
            tenant.shutdown(context);
            tenants.remove(id);
        }
    }

    /** Releases a tenant, and deletes its local files. The object store keeps all that was durable. Durable on return. */
    public void evict(TenantId id, RequestContext context) throws StorageException {
        try (Mutex.Held _ = exclusively(id, context)) {
            shutdown(id, context);
            TenantDirectory.in(directory, engine.disk(), id).deleteAll();
        }
    }

    /** Writes into the object store which layers of a tenant are on the local disk, for {@link #warm} of another server. */
    public void tellResident(TenantTimelines tenant, RequestContext context) throws StorageException {
        WarmCopy.tell(engine, tenant, context);
    }

    /**
     * Has those layer files of a tenant on the local disk that the server has on its own that has the tenant, as it {@linkplain
     * #tellResident told}; when the tenant is loaded here they are there.
     *
     * @param progress told after each layer
     * @throws InvalidRequestException if the tenant is loaded here
     */
    public WarmProgress warm(TenantId id, Consumer<WarmProgress> progress, RequestContext context)
            throws StorageException {
        try (Mutex.Held _ = exclusively(id, context)) {
            if (tenants.containsKey(id)) {
                throw new InvalidRequestException("tenant " + id + " is attached here");
            }
            return new WarmCopy(engine, id, directory).bring(progress, context);
        }
    }

    /**
     * Deletes a tenant for good, here and in the object store, whether it can be loaded or not. Durable on return. If it throws,
     * or the process dies, either nothing was deleted, or it was and a part of its objects may be left: then {@link #presence}
     * says so, and this is called again.
     */
    public void delete(TenantId id, RequestContext context) throws StorageException {
        try (Mutex.Held _ = exclusively(id, context)) {
            shutdown(id, context);
            if (new GenerationClaim(engine.objects(), id, context).presence() == TenantPresence.DELETED) {
                TenantDeletion.finish(engine, id, directory, context);
            } else {
                TenantDeletion.run(engine, id, directory, context);
            }
        }
    }

    /**
     * The tenants that the object store has something of, in ascending order. What lies among them and is none is passed over; the
     * check of the store tells of it.
     */
    public List<TenantId> tenants(RequestContext context) throws StorageException {
        List<TenantId> ids = new ArrayList<>();
        ListRequest request = ListRequest.one(RemotePaths.TENANTS);
        while (true) {
            Listing page = engine.objects().list(request, context);
            for (String folder : page.folders()) {
                String name = folder.substring(RemotePaths.TENANTS.length(), folder.length() - 1);
                try {
                    ids.add(TenantId.parse(name));
                } catch (IllegalArgumentException e) {
                    LOG.warn("{} in the object store is not the folder of a tenant, and is left alone", folder);
                }
            }
            if (page.next().isEmpty()) {
                return ids;
            }
            request = request.withAfter(page.next().get());
        }
    }

    /**
     * What the object store has of a tenant, for those who need not load it if there is nothing: to load it would claim one more
     * generation and put one more object each time. Looks, and writes nothing.
     *
     * <p>What a tenant has put of manifests stays: by them its lives know of each other. A process that still believes it owns
     * the tenant, or a put of it that comes late, looks for the claim after its own; were that deleted, it would acknowledge
     * what it writes into a tenant of which everything was deleted, and its generation would be claimed a second time. So a
     * tenant without timelines costs the few objects that it has, and no more with the time. If such a process makes a timeline
     * all the same, because nobody has claimed the tenant since, that is named in its manifest, and the next look finds it.
     */
    public TenantPresence presence(TenantId id, RequestContext context) throws StorageException {
        return tenants.containsKey(id)
                ? TenantPresence.PRESENT
                : new GenerationClaim(engine.objects(), id, context).presence();
    }

    /** Its clock: what deadlines of requests are counted by. */
    public Clock clock() {
        return engine.environment().clock();
    }

    /** How compaction in the background fares on a timeline; well, as long as nothing else is known. */
    public JobState compactionState(TimelineId id) {
        return compaction.map(background -> background.state(id)).orElse(JobState.WELL);
    }

    /** Whether timelines have more L0 layers than compaction has got to, so that what is less urgent had better wait. */
    public boolean isCompactionBehind() {
        return compaction.isPresent() && compaction.get().isBehind();
    }

    /** How much room the file system has that the local files are in, in bytes. */
    public long usableBytes() throws StorageException {
        return engine.disk().space(directory).usableBytes();
    }

    /** How timelines of tenants write and read that have no settings of their own. */
    public TimelineConfig timelineConfig() {
        return engine.config();
    }

    /** When timelines are compacted, and what layers become. */
    public CompactionSettings compactionSettings() {
        return compactionSettings;
    }

    /** What it takes from outside: for those who do work of their own on its timelines. */
    public Environment environment() {
        return engine.environment();
    }

    /** Those there can be something to compact of: a branch that nobody has written to has no layers of its own. */
    private List<TimelineUpkeep> upkeeps() {
        List<TimelineUpkeep> all = new ArrayList<>();
        for (TenantTimelines tenant : tenants.values()) {
            for (Timeline timeline : tenant.all()) {
                if (timeline.layers().hasHistoricLayers()) {
                    all.add(timeline.upkeep());
                }
            }
        }
        return all;
    }

    private List<BackgroundEviction.EvictableTimeline> evictable() {
        return tenants.values().stream()
                .flatMap(tenant -> tenant.evictable().stream())
                .toList();
    }

    private void keepHouse() {
        RequestContext context = new RequestContext(TaskKind.LIFECYCLE, Clock.NEVER, cancellation);
        while (!cancellation.isCancelled()) {
            engine.environment().tasks().sleep(HOUSEKEEPING.toNanos(), cancellation);
            for (TenantTimelines tenant : tenants.values()) {
                try {
                    tenant.tick(context);
                } catch (CancelledException e) {
                    return;
                } catch (StorageException e) {
                    LOG.warn("housekeeping of tenant {}: {}", tenant.tenant(), e.getMessage());
                }
            }
        }
    }

    /** Shuts all timelines down and frees memory and files. Does not flush: what is not durable is lost. */
    @Override
    public void close() throws StorageException {
        cancellation.cancel();
        compaction.ifPresent(BackgroundCompaction::close);
        eviction.ifPresent(BackgroundEviction::close);
        housekeeping.join();
        for (TenantTimelines tenant : tenants.values()) {
            tenant.shutdown(RequestContext.of(TaskKind.LIFECYCLE));
        }
        engine.downloads().close(RequestContext.of(TaskKind.LIFECYCLE));
        engine.l0Flush().close();
        engine.layerIo().zstd().close();
    }
}
