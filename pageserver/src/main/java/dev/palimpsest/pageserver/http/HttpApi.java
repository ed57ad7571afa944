package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.pageserver.security.ServerTls;
import dev.palimpsest.pageserver.security.TlsMode;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.DetectorConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.VirtualThreadPool;

/**
 * The management API, served over HTTP/1.1, in plain text or with TLS on the same port. Each request runs on a virtual thread of
 * its own. Safe for use by many threads.
 */
public final class HttpApi implements AutoCloseable {
    /** The LSN that an answer is of. */
    public static final String LSN_HEADER = "Palimpsest-Lsn";

    /** The major version of PostgreSQL that an answer is for. */
    public static final String PG_VERSION_HEADER = "Palimpsest-Pg-Version";

    /** About how many bytes an archive has: those of all relations. */
    public static final String BYTES_HEADER = "Palimpsest-Bytes";

    /** The type of tar archives. */
    public static final String TAR_TYPE = "application/x-tar";

    private static final ServerOperations ALWAYS_READY = new ServerOperations() {
        @Override
        public List<String> problems() {
            return List.of();
        }

        @Override
        public Responses.Reloaded reload() {
            return new Responses.Reloaded(List.of(), List.of());
        }
    };

    private static final long STOP_MS = 10_000;
    private static final long IDLE_MS = 300_000;

    private final Server server;
    private final ServerConnector connector;
    private final Router router = new Router();
    private final InterfaceSecurity security;
    private final SslContextFactory.Server certificates = new SslContextFactory.Server();
    private final SlowClients slowClients;

    /**
     * Without authentication and TLS, with metrics of its own only. Nothing is bound before {@link #start}.
     *
     * @param address what to listen on, a name or an IP address
     * @param port 0 for a free one
     */
    public HttpApi(BranchService service, String address, int port) {
        this(service, ALWAYS_READY, HttpSettings.on(address, port), InterfaceSecurity.NONE, new PrometheusRegistry());
    }

    /**
     * Nothing is bound before {@link #start}.
     *
     * @param metrics what is shown as such, and where its own are registered
     */
    public HttpApi(
            BranchService service,
            ServerOperations operations,
            HttpSettings settings,
            InterfaceSecurity security,
            PrometheusRegistry metrics) {
        this.security = security;
        Clock clock = Clock.systemUTC();
        addRoutes(service, operations, settings, metrics, clock);
        VirtualThreadPool threads = new VirtualThreadPool();
        threads.setName("http");
        server = new Server(threads);
        HttpConfiguration configuration = new HttpConfiguration();
        configuration.setSendServerVersion(false);
        configuration.setRequestHeaderSize(settings.maxHeaderBytes());
        connector = new ServerConnector(server, 1, 1, protocols(configuration));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        connector.setIdleTimeout(IDLE_MS);
        HttpMetrics counted = new HttpMetrics(metrics);
        slowClients = new SlowClients(connector.getScheduler(), settings.requestTimeout(), counted);
        connector.addBean(slowClients);
        server.addBean(new NetworkConnectionLimit(settings.maxConnections(), connector));
        server.addConnector(connector);
        Admission admission = new Admission(security.authentication(), service, isLocal(settings.host()));
        server.setHandler(
                new GracefulHandler(new RequestHandler(router, admission, counted, slowClients, clock.instant())));
        server.setErrorHandler(new JsonErrors());
        server.setStopTimeout(STOP_MS);
    }

    private void addRoutes(
            BranchService service,
            ServerOperations operations,
            HttpSettings settings,
            PrometheusRegistry metrics,
            Clock clock) {
        new OpenApiResource(router).addTo();
        new OperationsResource(operations, metrics)
                .addTo(router, settings.metricsNeedToken() ? Access.SERVER : Access.OPEN);
        new TenantResource(service, settings.nodeId()).addTo(router);
        new LocationResource(service.tenants(), settings.nodeId()).addTo(router);
        new TenantConfigResource(service.tenants()).addTo(router);
        new UtilizationResource(service.tenants(), clock).addTo(router);
        new TimelineResource(service).addTo(router);
        new TimelineUpkeepResource(service).addTo(router);
        new LayerResource(service).addTo(router);
        new UpkeepResource(service).addTo(router);
        new BranchResource(service).addTo(router);
        new AttachResource(service).addTo(router);
        new AdoptResource(service).addTo(router);
        new EndpointResource(service).addTo(router);
        new PageResource(service).addTo(router);
        new RestoreResource(service, clock).addTo(router);
        new VerifyResource(service).addTo(router);
    }

    private ConnectionFactory[] protocols(HttpConfiguration configuration) {
        HttpConnectionFactory http = new HttpConnectionFactory(configuration);
        if (security.tls().isEmpty() || security.mode() == TlsMode.OFF) {
            return new ConnectionFactory[] {http};
        }
        certificates.setSslContext(security.tls().get().context());
        certificates.setIncludeProtocols(ServerTls.PROTOCOLS.toArray(String[]::new));
        SslConnectionFactory ssl = new SslConnectionFactory(certificates, http.getProtocol());
        return security.mode() == TlsMode.REQUIRED
                ? new ConnectionFactory[] {ssl, http}
                : new ConnectionFactory[] {new DetectorConnectionFactory(ssl), http};
    }

    private static boolean isLocal(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false; // and it will not be listened on
        }
    }

    /** All routes there are. */
    List<Route> routes() {
        return router.routes();
    }

    /** New connections are shown the certificate that was loaded last. */
    public void certificateChanged() {
        security.tls().filter(_ -> certificates.isStarted()).ifPresent(tls -> {
            try {
                certificates.reload(factory -> factory.setSslContext(tls.context()));
            } catch (Exception e) {
                throw new IllegalStateException("the certificate cannot be exchanged: " + e.getMessage(), e);
            }
        });
    }

    /** Another limit on how long requests may take to arrive, see {@link HttpSettings#requestTimeout}. */
    public void requestTimeout(Duration limit) {
        slowClients.limit(limit);
    }

    /** Begins to listen. */
    public void start() throws IOException {
        try {
            server.start();
        } catch (Exception e) {
            close();
            throw new IOException(
                    "cannot listen on " + connector.getHost() + ":" + connector.getPort() + ": " + reason(e), e);
        }
    }

    /** The first cause has it: what is around it only names the address again. */
    private static String reason(Throwable failure) {
        Throwable cause = failure.getCause();
        return cause == null ? String.valueOf(failure.getMessage()) : reason(cause);
    }

    /** Where it listens, once started. */
    public int port() {
        return connector.getLocalPort();
    }

    /** Takes no more requests, gives those that run ten seconds, and ends. */
    @Override
    public void close() {
        try {
            server.stop();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP server cannot be stopped: " + e.getMessage(), e);
        }
    }
}
