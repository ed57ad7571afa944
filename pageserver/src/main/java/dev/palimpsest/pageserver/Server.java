package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.pageserver.config.Address;
import dev.palimpsest.pageserver.config.Configuration;
import dev.palimpsest.pageserver.config.ConfigurationSource;
import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.grpc.GrpcPageService;
import dev.palimpsest.pageserver.grpc.GrpcSettings;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.http.Responses;
import dev.palimpsest.pageserver.http.ServerOperations;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.redo.MeteredRedo;
import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.DenseClusterKeys;
import dev.palimpsest.pageserver.security.ServerSecurity;
import dev.palimpsest.pageserver.security.TlsMode;
import dev.palimpsest.pageserver.tenant.TenantService;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
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
    private final Reload reload;
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final PrometheusRegistry metrics = new PrometheusRegistry();
    private @Nullable ObjectStore objects;
    private @Nullable HttpApi api;
    private @Nullable PageService pages;
    private @Nullable GrpcPageService grpc;
    private @Nullable Branches branches;

    private Server(ServerOptions options, Reload reload) {
        this.options = options;
        this.reload = reload;
    }

    /**
     * Opens the directory and begins to listen. If that fails, nothing is left open.
     *
     * @throws IOException if another server has the directory, an address cannot or must not be listened on, or a key or
     *     certificate cannot be read
     * @throws StorageException if what is in the directory cannot be read
     */
    public static Server open(ServerOptions options) throws IOException, StorageException {
        return open(options, Reload.ofFilesOnly());
    }

    /**
     * The same with a configuration that can be read again.
     *
     * @param source what is read when somebody asks for it
     * @param configuration what it has said last, of which the options were made
     * @param applied is called with what it says then, for what is no matter of the server, such as the log
     */
    public static Server open(
            ServerOptions options,
            ConfigurationSource source,
            Configuration configuration,
            Consumer<Configuration> applied)
            throws IOException, StorageException {
        return open(options, new Reload(source, configuration, options.storage(), applied));
    }

    private static Server open(ServerOptions options, Reload reload) throws IOException, StorageException {
        Server server = new Server(options, reload);
        try {
            server.start();
        } catch (IOException | StorageException | RuntimeException e) {
            server.closeParts(e);
            throw e;
        }
        return server;
    }

    private void start() throws IOException, StorageException {
        ServerSecurity security = keep(ServerSecurity.open(options.security(), InstantSource.system()));
        security.refuseExposure("the management API", options.http().host(), security.http());
        security.refuseExposure("the page service", options.pageService().host(), security.pageService());
        GrpcSettings grpcSettings = options.grpc();
        if (grpcSettings != null) {
            security.refuseExposure("the gRPC page API", grpcSettings.host(), security.grpc());
        }
        keep(DirectoryLock.take(options.directory()));
        LOG.info("starting in {}", options.directory());
        ProcessMetricsOfJvm.register(metrics);
        WalRedo redo = new MeteredRedo(keep(new PostgresRedo()), metrics);
        EmbeddedStore store = keep(EmbeddedStore.open(
                options.directory(),
                (disk, environment) -> objects = objects(disk, environment),
                options.store().withEviction(options.evicting()),
                redo,
                new DenseClusterKeys(),
                metrics));
        Clock clock = new SystemClock();
        Branches opened = keep(new Branches(
                store,
                new DataDirectoryWriter(new VirtualThreadTasks(clock), clock),
                options.directory(),
                options.pgBinaries(),
                System.getenv(),
                java.time.Clock.systemUTC(),
                options.retention()));
        keep(opened.startGc(metrics));
        PageService pageService = keep(new PageService(
                opened.served(), options.pageService(), security.pageService(), store.clock(), metrics));
        opened.tenants().throttles().servers(() -> pageService.limits().throttle());
        GrpcPageService overGrpc = grpcSettings == null
                ? null
                : keep(new GrpcPageService(
                        opened.served(), pageService, grpcSettings, security.grpc(), store.clock(), metrics));
        ObjectStoreProbe probe = new ObjectStoreProbe(opened(objects), clock);
        HttpApi http = keep(
                new HttpApi(opened, new Operations(probe, opened.tenants()), options.http(), security.http(), metrics));
        pageService.tracing(options.traces());
        reload.start(security, http, pageService);
        pageService.start();
        if (overGrpc != null) {
            overGrpc.start();
        }
        http.start();
        opened.tenants().start();
        security.start(http::certificateChanged);
        branches = opened;
        api = http;
        pages = pageService;
        grpc = overGrpc;
        LOG.info("serving pages on {}:{}", options.pageService().host(), pageService.port());
        LOG.info("listening on {}", httpUrl());
    }

    /** What is asked of the server as a whole. */
    private final class Operations implements ServerOperations {
        private final ObjectStoreProbe probe;

        private final TenantService tenants;

        Operations(ObjectStoreProbe probe, TenantService tenants) {
            this.probe = probe;
            this.tenants = tenants;
        }

        @Override
        public List<String> problems() {
            if (closed.get()) {
                return List.of("the server is stopping");
            }
            List<String> all = new ArrayList<>(probe.problem().stream().toList());
            if (!tenants.areAllLookedAt()) {
                all.add("tenants are still being loaded");
            }
            return all;
        }

        @Override
        public List<String> tenantsNotServed() {
            return tenants.notServing();
        }

        @Override
        public Responses.Reloaded reload() throws IOException {
            return Server.this.reload();
        }
    }

    /**
     * Reads configuration, keys and certificate again, and goes on with them.
     *
     * @throws IOException if one cannot be read or makes no sense; then nothing has changed
     */
    public Responses.Reloaded reload() throws IOException {
        Responses.Reloaded done = reload.run();
        LOG.info(
                "reloaded{}{}",
                done.applied().isEmpty() ? "" : ": " + String.join(", ", done.applied()),
                done.needRestart().isEmpty() ? "" : "; needs a restart: " + String.join(", ", done.needRestart()));
        return done;
    }

    /** Where the management API is asked, from where it listens. */
    public String httpUrl() {
        String scheme = options.security().httpTls() == TlsMode.REQUIRED ? "https" : "http";
        return scheme + "://" + new Address(options.http().host(), httpPort());
    }

    private ObjectStore objects(Disk disk, Environment environment) throws IOException, StorageException {
        StorageLocation location = options.storage();
        if (location == null) {
            return LocalDirectoryStore.open(disk, options.directory().resolve("objects"));
        }
        LOG.info("history is kept in {}", location);
        RequestContext context = RequestContext.of(TaskKind.LIFECYCLE);
        return keep(OpenObjectStore.open(location, disk, environment, options.remote(), metrics, context))
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

    /** What is measured in it. */
    public PrometheusRegistry metrics() {
        return metrics;
    }

    /** Where pages are served. */
    public int pageServicePort() {
        return opened(pages).port();
    }

    /** Where pages are served over gRPC; empty if nowhere. */
    public OptionalInt grpcPort() {
        return grpc == null ? OptionalInt.empty() : OptionalInt.of(grpc.port());
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
