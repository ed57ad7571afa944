package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.datadir.PreviousRecord;
import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.Listings;
import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.pageserver.retention.LsnLeases;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.key.SlruKeys;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** A page service over a timeline whose content a test makes up. */
public final class ServedPages implements AutoCloseable, ServedTimelines {
    public static final String TENANT = "0123456789abcdef0123456789abcdef";
    /** Has the same timeline, so that one can tell how two tenants are served. */
    public static final String OTHER_TENANT = "fedcba9876543210fedcba9876543210";

    public static final String TIMELINE = "00000000000000000000000000000001";
    public static final int SPC = 1663;
    public static final int DB = 5;
    public static final Lsn START = new Lsn(0x1000);
    public static final Instant LEASED_UNTIL = Instant.ofEpochMilli(1_893_456_000_123L);

    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.INGEST);

    public final PrometheusRegistry metrics = new PrometheusRegistry();
    public final PageService service;
    /** What is logged of where the time of requests went; nothing, until it is wanted. */
    public final TraceLines traces = new TraceLines();

    private final PostgresRedo redo = new PostgresRedo();
    private final EmbeddedStore store;
    public final Timeline timeline;
    final RelationLengths lengths;
    final LsnLeases leases;
    public volatile Lsn readableFrom = START;
    public volatile boolean failing;
    public volatile boolean archived;
    public volatile int directorySize = 100_000;
    /** What tenants have of their own. */
    public final Map<TenantId, ThrottleSettings> throttles = new ConcurrentHashMap<>();

    public ServedPages(Path directory, PageServiceSettings settings) throws StorageException, IOException {
        this(directory, settings, InterfaceSecurity.NONE);
    }

    public ServedPages(Path directory, PageServiceSettings settings, InterfaceSecurity security)
            throws StorageException, IOException {
        store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, redo);
        TenantTimelines tenant = store.tenant(TenantId.parse(TENANT), CONTEXT);
        boolean isNew = tenant.all().isEmpty();
        timeline = isNew
                ? tenant.create(TimelineId.parse(TIMELINE), START, 17, CONTEXT)
                : tenant.timeline(TimelineId.parse(TIMELINE));
        lengths = new RelationLengths(timeline);
        leases = new LsnLeases(timeline);
        if (isNew) {
            fill();
        }
        service = new PageService(this, settings, security, store.clock(), metrics, traces);
        service.start();
    }

    private void fill() throws StorageException {
        TreeMap<DatabaseId, Boolean> databases = new TreeMap<>();
        databases.put(new DatabaseId(SPC, DB), true);
        databases.put(new DatabaseId(1700, DB), false);
        TreeSet<Integer> segments = new TreeSet<>();
        segments.add(3);
        write(START)
                .put(RelationKeys.DATABASE_DIRECTORY, Listings.databases(databases))
                .put(SlruKeys.directory(SlruKind.XACT), Listings.segments(segments))
                .put(SlruKeys.segmentSize(SlruKind.XACT, 3), Listings.length(2))
                .put(SlruKeys.block(SlruKind.XACT, 3, 0), page("clog 0"))
                .put(SlruKeys.block(SlruKind.XACT, 3, 1), page("clog 1"))
                .finish();
    }

    /** Has everything that was written survive the end of the process. */
    void flush() throws StorageException {
        timeline.freezeAndFlush(CONTEXT);
    }

    /** A page that one can tell from others. */
    public static byte[] page(String text) {
        byte[] page = new byte[8192];
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int at = 0; at + bytes.length <= page.length; at += 512) {
            System.arraycopy(bytes, 0, page, at, bytes.length);
        }
        return page;
    }

    public static RelTag fork(int rel) {
        return new RelTag(SPC, DB, rel, RelTag.MAIN);
    }

    /** What a record at an LSN changes. */
    public final class Change {
        private final Lsn lsn;
        private final SerializedBatch.Builder batch = new SerializedBatch.Builder();

        private Change(Lsn lsn) {
            this.lsn = lsn;
        }

        public Change put(Key key, byte[] value) throws StorageException {
            batch.put(key, lsn, new Value.Image(value));
            return this;
        }

        /** A fork of so many pages, each with its number and the LSN. */
        public Change create(RelTag fork, int blocks) throws StorageException {
            put(fork.directoryEntryKey(), Listings.entry(true));
            return resize(fork, 0, blocks);
        }

        public Change resize(RelTag fork, int from, int blocks) throws StorageException {
            put(fork.sizeKey(), Listings.length(blocks));
            lengths.changed(fork, blocks, lsn);
            for (int block = from; block < blocks; block++) {
                put(fork.blockKey(block), page(text(fork, block, lsn)));
            }
            return this;
        }

        public Change drop(RelTag fork) throws StorageException {
            put(fork.directoryEntryKey(), Listings.entry(false));
            lengths.dropped(fork, lsn);
            return this;
        }

        public void finish() throws StorageException {
            try (TimelineWriter writer = timeline.writer(CONTEXT)) {
                writer.put(batch.build());
                writer.finish(lsn);
            }
        }
    }

    public static String text(RelTag fork, int block, Lsn lsn) {
        return fork + " " + block + " " + lsn;
    }

    public Change write(Lsn lsn) {
        return new Change(lsn);
    }

    public double batches() {
        return ((HistogramSnapshot)
                        metrics.scrape(name -> name.equals("pageserver_page_service_batch_size_global")).stream()
                                .findFirst()
                                .orElseThrow())
                .getDataPoints()
                .getFirst()
                .getCount();
    }

    private static boolean isOurs(TenantId tenant, TimelineId id) {
        return (tenant.toString().equals(TENANT) || tenant.toString().equals(OTHER_TENANT))
                && id.toString().equals(TIMELINE);
    }

    @Override
    public boolean isArchived(TenantId tenant, TimelineId id) {
        return archived && isOurs(tenant, id);
    }

    /** The engine's. */
    public Clock clock() {
        return store.clock();
    }

    @Override
    public Optional<ServedTimeline> find(TenantId tenant, TimelineId id) {
        return !archived && isOurs(tenant, id)
                ? Optional.of(new ServedTimeline(timeline, readableFrom, lengths))
                : Optional.empty();
    }

    @Override
    public Optional<ThrottleSettings> throttle(TenantId tenant) {
        return Optional.ofNullable(throttles.get(tenant));
    }

    @Override
    public void writeDataDirectory(TimelineId id, Lsn lsn, OutputStream target, RequestContext context)
            throws StorageException {
        byte[] content = new byte[directorySize];
        Arrays.fill(content, (byte) 7);
        try {
            target.write(content);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void writeForCompute(
            TimelineId id, Lsn lsn, PreviousRecord previous, OutputStream target, RequestContext context)
            throws StorageException {
        try {
            target.write(("compute " + lsn + " " + previous + " ").repeat(5000).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        if (failing) {
            throw new CorruptionException("a layer", 7, "it is torn");
        }
    }

    @Override
    public Instant lease(TimelineId id, Lsn lsn) throws InvalidRequestException {
        return leases.lease(lsn, LEASED_UNTIL);
    }

    /** Lets everything before an LSN go, but what is leased. */
    public void cutOff(Lsn lsn) throws StorageException {
        flush();
        store.tenant(TenantId.parse(TENANT), CONTEXT)
                .collectGarbage(
                        timeline.id(),
                        new GcInputs(lsn, lsn, List.of(), List.of()),
                        GarbageCollection.Mode.REMOVE,
                        CONTEXT);
    }

    @Override
    public void close() throws StorageException {
        service.close();
        store.close();
        redo.close();
    }
}
