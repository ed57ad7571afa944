package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens for clients of the page service. Each has a platform thread: reads are work for the processor, and on virtual threads
 * they would keep everybody else's from running. Who comes when there are as many as there may be is told so and sent away.
 * Safe for use by many threads.
 */
public final class PageService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PageService.class);

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration WATCH = Duration.ofSeconds(1);
    private static final int BACKLOG = 512;

    private final ServedTimelines timelines;
    private final InterfaceSecurity security;
    private final PageServiceMetrics metrics;
    private final Clock clock;
    private final ServerSocket listener = new ServerSocket();
    /** The clients that there are. */
    private final AtomicInteger taken = new AtomicInteger();

    private final Cancellation cancellation = new Cancellation();
    private final Map<Socket, Client> clients = new ConcurrentHashMap<>();
    private final Thread accepting;
    private final Thread watching;
    private volatile boolean closing;
    private volatile PageServiceSettings settings;

    /** A client and who serves it. */
    private record Client(ClientConnection connection, Thread thread) {}

    /**
     * Nothing is bound before {@link #start}.
     *
     * @param clock the engine's
     */
    public PageService(
            ServedTimelines timelines,
            PageServiceSettings settings,
            InterfaceSecurity security,
            Clock clock,
            PrometheusRegistry registry)
            throws IOException {
        this.timelines = timelines;
        this.security = security;
        this.settings = settings;
        this.clock = clock;
        this.metrics = new PageServiceMetrics(registry);
        this.accepting = Thread.ofPlatform().name("page service").unstarted(this::accept);
        this.watching = Thread.ofVirtual().name("page service watch").unstarted(this::watch);
    }

    /** Begins to listen. */
    public void start() throws IOException {
        try {
            listener.setReuseAddress(true);
            listener.bind(new InetSocketAddress(InetAddress.getByName(settings.host()), settings.port()), BACKLOG);
        } catch (IOException e) {
            throw new IOException(
                    "cannot listen on " + settings.host() + ":" + settings.port() + ": " + e.getMessage(), e);
        }
        accepting.start();
        watching.start();
    }

    /** Other limits, for clients that come from now on; where it listens stays. */
    public void limits(PageServiceSettings limits) {
        settings = limits;
    }

    /** Of which requests it is said from now on where their time went. */
    public void tracing(TraceSettings traces) {
        metrics.traces().settings(traces);
    }

    /** Where it listens, once started. */
    public int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        while (!closing) {
            Socket socket;
            try {
                socket = listener.accept();
            } catch (SocketException e) {
                if (!closing) {
                    LOG.error("the page service takes no more clients: {}", e.getMessage());
                }
                return;
            } catch (IOException e) {
                LOG.warn("a client could not connect: {}", e.getMessage());
                continue;
            }
            welcome(socket);
        }
    }

    private void welcome(Socket socket) {
        PageServiceSettings settings = this.settings;
        if (taken.incrementAndGet() > settings.maxConnections()) {
            taken.decrementAndGet();
            LOG.warn(
                    "client {} is sent away: there are {} already",
                    socket.getRemoteSocketAddress(),
                    settings.maxConnections());
            closeQuietly(socket);
            return;
        }
        try {
            socket.setTcpNoDelay(true);
            socket.setKeepAlive(true);
            socket.setSoTimeout((int) settings.idleTimeout().toMillis());
            ClientConnection connection =
                    new ClientConnection(socket, timelines, settings, security, metrics, this::context);
            Thread thread =
                    Thread.ofPlatform().name("client " + connection.name()).unstarted(() -> serve(socket, connection));
            clients.put(socket, new Client(connection, thread));
            thread.start();
        } catch (IOException e) {
            clients.remove(socket);
            taken.decrementAndGet();
            closeQuietly(socket);
        }
    }

    private RequestContext context() {
        return new RequestContext(
                TaskKind.PAGE_SERVICE, clock.nanos() + settings.waitLsnTimeout().toNanos(), cancellation);
    }

    private void serve(Socket socket, ClientConnection connection) {
        metrics.connected();
        try (socket) {
            connection.run();
        } catch (IOException e) {
            LOG.debug("client {} has gone: {}", connection.name(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("client {} is disconnected, by a fault of the server", connection.name(), e);
        } finally {
            metrics.disconnected();
            clients.remove(socket);
            taken.decrementAndGet();
        }
    }

    /** Cuts off those who do not take what they are sent, or do not come in. */
    private void watch() {
        while (!closing) {
            PageServiceSettings limits = settings;
            long limit = limits.writeTimeout().toNanos();
            long login = limits.loginTimeout().toNanos();
            try {
                TimeUnit.NANOSECONDS.sleep(Math.min(WATCH.toNanos(), login));
            } catch (InterruptedException e) {
                return;
            }
            long now = System.nanoTime();
            clients.forEach((socket, client) -> {
                long comingSince = client.connection().loggingInSince();
                if (comingSince != 0 && now - comingSince > login) {
                    LOG.info(
                            "client {} has not logged in within {} s, and is disconnected",
                            client.connection().name(),
                            limits.loginTimeout().toSeconds());
                    closeQuietly(socket);
                }
                long since = client.connection().output().writingSince();
                if (since != 0 && now - since > limit) {
                    LOG.warn(
                            "client {} has taken nothing for {} s, and is disconnected",
                            client.connection().name(),
                            limits.writeTimeout().toSeconds());
                    closeQuietly(socket);
                }
            });
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is of no use any more, whatever the reason.
        }
    }

    /**
     * Takes no more clients, ends waits for LSNs, and lets those that are here have what was read for them; whoever is still
     * here after ten seconds is cut off.
     */
    @Override
    public void close() {
        closing = true;
        try {
            listener.close();
        } catch (IOException e) {
            LOG.debug("the listener did not end as it should", e);
        }
        cancellation.cancel();
        watching.interrupt();
        clients.forEach((socket, _) -> {
            try {
                socket.shutdownInput(); // who waits for a client finds its end
            } catch (IOException e) {
                closeQuietly(socket);
            }
        });
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        boolean interrupted = false;
        for (Client client : clients.values()) {
            interrupted |= !join(client.thread(), deadline);
        }
        clients.keySet().forEach(PageService::closeQuietly);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean join(Thread thread, long deadline) {
        try {
            thread.join(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }
}
