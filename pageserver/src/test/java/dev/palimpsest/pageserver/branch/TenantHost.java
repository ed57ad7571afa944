package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.DenseClusterKeys;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.pageserver.tenant.Tenants;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tenants of a server, with the API in front of them, whose branches have no PostgreSQL behind them: pages are put into them by
 * the test. Each page has one byte in it, over and over.
 */
final class TenantHost implements AutoCloseable {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.LIFECYCLE);
    private static final Lsn FIRST = new Lsn(0x1000);

    final PrometheusRegistry metrics = new PrometheusRegistry();
    final EmbeddedStore store;
    final Branches branches;
    private final PostgresRedo redo = new PostgresRedo();
    private final HttpApi api;
    private final HttpClient client = HttpClient.newHttpClient();

    /** What came back. */
    record Answer(int status, String body) {}

    /**
     * @param directory the server's
     * @param objects where history is kept
     */
    TenantHost(Path directory, Path objects) throws StorageException, IOException {
        this(directory, (disk, _) -> LocalDirectoryStore.open(disk, objects));
    }

    TenantHost(Path directory, EmbeddedStore.Objects<RuntimeException> objects) throws StorageException, IOException {
        store = EmbeddedStore.open(directory, objects, StoreSettings.DEFAULT, redo, new DenseClusterKeys(), metrics);
        branches = new Branches(
                store,
                new DataDirectoryWriter(new VirtualThreadTasks(new SystemClock()), new SystemClock()),
                directory,
                null,
                Map.of("HOME", directory.toString()),
                Clock.systemUTC(),
                RetentionSettings.DEFAULT);
        branches.tenants().register(metrics);
        api = new HttpApi(branches, "127.0.0.1", 0);
        api.start();
        tenants().start();
    }

    Tenants tenants() {
        return branches.tenants();
    }

    static Key page(int block) {
        return new RelTag(1663, 5, 16384, 0).blockKey(block);
    }

    /** Makes a branch in a tenant that is attached. */
    static TimelineId makeBranch(EmbeddedStore store, TenantId tenant, String name) throws StorageException {
        TimelineId id = TimelineId.parse(String.format("%032x", name.hashCode() & 0xFFFF_FFFFL));
        BranchRecord record = BranchRecord.branched(name, Instant.EPOCH, FIRST, 1);
        TenantTimelines timelines = store.tenant(tenant, CONTEXT);
        timelines.create(id, FIRST, 17, IndexPart.State.NONE.withExtension(record.encode()), CONTEXT);
        put(timelines.timeline(id), 0, (byte) 1);
        return id;
    }

    /** Puts a page, durable on return. */
    static void put(Timeline timeline, int block, byte value) throws StorageException {
        byte[] page = new byte[8192];
        Arrays.fill(page, value);
        Lsn lsn = timeline.lastRecordLsn().isValid() ? timeline.lastRecordLsn().plus(8) : FIRST.plus(8);
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        batch.put(page(block), lsn, new Value.Image(page));
        try (TimelineWriter writer = timeline.writer(CONTEXT)) {
            writer.put(batch.build());
            writer.finish(lsn);
        }
        timeline.freezeAndFlush(CONTEXT);
    }

    void put(TenantId tenant, TimelineId timeline, int block, int value) throws StorageException {
        put(store.tenant(tenant, CONTEXT).timeline(timeline), block, (byte) value);
    }

    int read(TenantId tenant, TimelineId id, int block) throws StorageException {
        Timeline timeline = store.tenant(tenant, CONTEXT).timeline(id);
        byte[] page = timeline.get(page(block), timeline.lastRecordLsn(), CONTEXT);
        assertThat(page).hasSize(8192).containsOnly(page[0]);
        return page[0];
    }

    Answer send(String method, String path, @Nullable String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path));
        HttpResponse<String> response = client.send(
                (body == null
                                ? request.method(method, HttpRequest.BodyPublishers.noBody())
                                : request.header("Content-Type", "application/json")
                                        .method(method, HttpRequest.BodyPublishers.ofString(body)))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body());
    }

    Answer get(String path) throws IOException, InterruptedException {
        return send("GET", path, null);
    }

    @Override
    public void close() throws StorageException {
        client.close();
        api.close();
        branches.close();
        store.close();
        redo.close();
    }
}
