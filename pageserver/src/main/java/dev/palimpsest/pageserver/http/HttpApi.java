package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchService;
import java.io.IOException;
import java.time.Clock;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.thread.VirtualThreadPool;

/**
 * The management API, served over HTTP/1.1. It has no authentication: bind it to an address that only those reach who may do
 * everything. Each request runs on a virtual thread of its own. Safe for use by many threads.
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

    private static final long STOP_MS = 10_000;
    private static final long IDLE_MS = 300_000;

    private final Server server;
    private final ServerConnector connector;

    /**
     * Nothing is bound before {@link #start}.
     *
     * @param address what to listen on, a name or an IP address
     * @param port 0 for a free one
     */
    public HttpApi(BranchService service, String address, int port) {
        Clock clock = Clock.systemUTC();
        Router router = new Router();
        new TenantResource(service).addTo(router);
        new TimelineResource(service).addTo(router);
        new BranchResource(service).addTo(router);
        new AttachResource(service).addTo(router);
        new AdoptResource(service).addTo(router);
        new EndpointResource(service).addTo(router);
        new PageResource(service).addTo(router);
        new RestoreResource(service, clock).addTo(router);
        new VerifyResource(service).addTo(router);

        VirtualThreadPool threads = new VirtualThreadPool();
        threads.setName("http");
        server = new Server(threads);
        HttpConfiguration configuration = new HttpConfiguration();
        configuration.setSendServerVersion(false);
        connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(configuration));
        connector.setHost(address);
        connector.setPort(port);
        connector.setIdleTimeout(IDLE_MS);
        server.addConnector(connector);
        server.setHandler(new GracefulHandler(new RequestHandler(router, clock.instant())));
        server.setErrorHandler(new JsonErrors());
        server.setStopTimeout(STOP_MS);
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
