package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.DenseClusterKeys;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server: the store in a directory, the branches in it, and the management API. At most one has a directory at a time, in
 * whatever process. What it has is followed, and can be asked for, from {@link #open} to {@link #close}.
 */
public final class Server implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);

    private final ServerOptions options;
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private @Nullable HttpApi api;
    private @Nullable PageService pages;
    private @Nullable Branches branches;

    private Server(ServerOptions options) {
        this.options = options;
    }

    /**
     * Opens the directory and begins to listen. If that fails, nothing is left open.
     *
     * @throws IOException if another server has the directory, or the address cannot be listened on
     * @throws StorageException if what is in the directory cannot be read
     */
    public static Server open(ServerOptions options) throws IOException, StorageException {
        return open(options, new PrometheusRegistry());
    }

    /**
     * As the other one.
     *
     * @param metrics where its metrics are registered, for those in the same process
     */
    public static Server open(ServerOptions options, PrometheusRegistry metrics) throws IOException, StorageException {
        Server server = new Server(options);
        try {
            server.start(metrics);
        } catch (IOException | StorageException | RuntimeException e) {
            server.closeParts(e);
            throw e;
        }
        return server;
    }

    private void start(PrometheusRegistry metrics) throws IOException, StorageException {
        keep(DirectoryLock.take(options.directory()));
        LOG.info("starting in {}", options.directory());
        PostgresRedo redo = keep(new PostgresRedo());
        EmbeddedStore store = keep(EmbeddedStore.open(
                options.directory(),
                (disk, environment) -> objects(disk, environment, metrics),
                StoreSettings.DEFAULT.withBackground(BackgroundSettings.DEFAULT),
                redo,
                new DenseClusterKeys(),
                metrics));
        Clock clock = new SystemClock();
        Branches opened = keep(Branches.open(
                store,
                new DataDirectoryWriter(new VirtualThreadTasks(clock), clock),
                options.directory(),
                options.pgBinaries(),
                System.getenv(),
                java.time.Clock.systemUTC()));
        PageService pageService = keep(new PageService(opened.served(), options.pageService(), store.clock(), metrics));
        pageService.start();
        HttpApi http = keep(new HttpApi(opened, options.listenHost(), options.listenPort()));
        http.start();
        branches = opened;
        api = http;
        pages = pageService;
        LOG.info("serving pages on {}:{}", options.pageService().host(), pageService.port());
        LOG.info("listening on http://{}:{}", options.listenHost(), http.port());
    }

    private ObjectStore objects(Disk disk, Environment environment, PrometheusRegistry metrics)
            throws IOException, StorageException {
        StorageLocation location = options.storage();
        if (location == null) {
            return LocalDirectoryStore.open(disk, options.directory().resolve("objects"));
        }
        LOG.info("history is kept in {}", location);
        RequestContext context = RequestContext.of(TaskKind.LIFECYCLE);
        return keep(OpenObjectStore.open(location, disk, environment, RemoteSettings.DEFAULT, metrics, context))
                .objects();
    }

    private <T extends AutoCloseable> T keep(T part) {
        parts.push(part);
        return part;
    }

    /** Where the management API listens. */
    public int httpPort() {
        return opened(api).port();
    }

    /** Where pages are served. */
    public int pageServicePort() {
        return opened(pages).port();
    }

    /** Its branches: what the API serves, for those in the same process. */
    public Branches branches() {
        return opened(branches);
    }

    private static <T> T opened(@Nullable T part) {
        if (part == null) {
            throw new IllegalStateException("the server is not open");
        }
        return part;
    }

    /**
     * Ends everything, the last that was started first: the API, endpoints and following, the store. What was taken in is on
     * disk then. Only the first failure is thrown; all parts are ended anyway.
     */
    @Override
    public void close() throws IOException, StorageException {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        LOG.info("stopping");
        Exception first = closeParts(null);
        LOG.info("stopped");
        switch (first) {
            case null -> {}
            case IOException e -> throw e;
            case StorageException e -> throw e;
            case RuntimeException e -> throw e;
            case Exception e -> throw new IllegalStateException(e);
        }
    }

    /** Ends what there is; what fails is added to {@code first}, or is the result if that is null. */
    private @Nullable Exception closeParts(@Nullable Exception first) {
        Exception result = first;
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                LOG.warn("something did not end as it should: {}", e.getMessage());
                if (result == null) {
                    result = e;
                } else {
                    result.addSuppressed(e);
                }
            }
        }
        return result;
    }
}
