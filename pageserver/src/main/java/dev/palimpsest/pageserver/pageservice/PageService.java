package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.postgres.protocol.ServerMessages;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens for clients of the page service. Each has a platform thread: reads are work for the processor, and on virtual threads
 * they would keep everybody else's from running. Who comes when there are as many as there may be is told so and sent away.
 * A client may be idle as long as the settings let him, but must end a message that he has begun, and take what he is sent;
 * that his machine is gone is found out by TCP within two minutes. Safe for use by many threads.
 */
public final class PageService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PageService.class);

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    /** How long a client's requests that were here before a shutdown are answered. */
    private static final Duration LAST_REQUESTS = Duration.ofSeconds(2);

    private static final Duration WATCH = Duration.ofSeconds(1);
    private static final int BACKLOG = 512;
    private static final long ACCEPT_PAUSE_MILLIS = 50;
    private static final int PROBE_AFTER_SECONDS = 60;
    private static final int PROBE_SECONDS = 15;
    private static final int PROBES = 4;
    private static final String TOO_MANY_CONNECTIONS = "53300";

    private final ServedTimelines timelines;
    private final InterfaceSecurity security;
    private final PageServiceMetrics metrics;
    private final TenantThrottle throttle;
    private final TenantClients tenantClients = new TenantClients();
    private final ServerSocketChannel listener = ServerSocketChannel.open();
    /** The clients that there are. */
    private final AtomicInteger taken = new AtomicInteger();

    private final RequestContexts contexts;
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
        this(timelines, settings, security, clock, registry, LoggerFactory.getLogger(RequestTraces.class));
    }

    /** @param traceLog where it is said where the time of requests went */
    PageService(
            ServedTimelines timelines,
            PageServiceSettings settings,
            InterfaceSecurity security,
            Clock clock,
            PrometheusRegistry registry,
            Logger traceLog)
            throws IOException {
        this.timelines = timelines;
        this.security = security;
        this.settings = settings;
        this.contexts =
                new RequestContexts(clock, () -> this.settings.waitLsnTimeout().toNanos());
        this.metrics = new PageServiceMetrics(registry, new RequestTraces(clock, traceLog));
        this.throttle = new TenantThrottle(
                tenant -> timelines.throttle(tenant).orElseGet(() -> this.settings.throttle()),
                clock,
                new VirtualThreadTasks(clock),
                registry);
        this.accepting = Thread.ofPlatform().name("page service").unstarted(this::accept);
        this.watching = Thread.ofVirtual().name("page service watch").unstarted(this::watch);
    }

    /** Begins to listen. */
    public void start() throws IOException {
        try {
            listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
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

    /** What clients may take, now. */
    public PageServiceSettings limits() {
        return settings;
    }

    /** What is counted of clients, of whichever protocol. */
    public PageServiceMetrics metrics() {
        return metrics;
    }

    /**
     * Waits until a tenant may make so many more requests, of whichever protocol.
     *
     * @param waits ends the wait
     * @throws CancelledException if that did
     */
    public void throttle(TenantId tenant, int requests, Cancellation waits) throws CancelledException {
        throttle.await(tenant, requests, waits);
    }

    /** Of which requests it is said from now on where their time went. */
    public void tracing(TraceSettings traces) {
        metrics.traces().settings(traces);
    }

    /** Where it listens, once started. */
    public int port() {
        return listener.socket().getLocalPort();
    }

    private void accept() {
        while (!closing) {
            Socket socket;
            try {
                socket = listener.accept().socket();
            } catch (ClosedChannelException e) {
                if (!closing) {
                    LOG.error("the page service takes no more clients: {}", e.getMessage());
                }
                return;
            } catch (IOException e) {
                LOG.warn("a client could not connect: {}", e.getMessage());
                if (!pauseAfterFailure()) {
                    return;
                }
                continue;
            }
            welcome(socket);
        }
    }

    /** Without descriptors, say, the next client fails as fast; false if this thread is to end. */
    private static boolean pauseAfterFailure() {
        try {
            TimeUnit.MILLISECONDS.sleep(ACCEPT_PAUSE_MILLIS);
            return true;
        } catch (InterruptedException e) {
            return false;
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
            sendAway(socket);
            return;
        }
        try {
            socket.setTcpNoDelay(true);
            keepAlive(socket);
            ClientConnection connection = new ClientConnection(
                    socket, timelines, settings, security, metrics, throttle, tenantClients, contexts);
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

    /** Tells a client that there are too many. What he has sent already is not read, so that the message may be lost. */
    private static void sendAway(Socket socket) {
        try (socket) {
            socket.getOutputStream().write(ServerMessages.error(TOO_MANY_CONNECTIONS, "too many clients already"));
        } catch (IOException e) {
            LOG.debug("client {} did not wait to be sent away: {}", socket.getRemoteSocketAddress(), e.getMessage());
        }
    }

    private static void keepAlive(Socket socket) throws IOException {
        socket.setKeepAlive(true);
        if (socket.supportedOptions().contains(ExtendedSocketOptions.TCP_KEEPIDLE)) {
            socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, PROBE_AFTER_SECONDS);
            socket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, PROBE_SECONDS);
            socket.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, PROBES);
        }
    }

    /** Cuts off those who do not take what they are sent, do not end what they begin, or do not come in. */
    private void watch() {
        while (!closing) {
            PageServiceSettings limits = settings;
            List<Limit> all = List.of(
                    new Limit("has not logged in within", limits.loginTimeout(), ClientConnection::loggingInSince),
                    new Limit(
                            "has been silent for",
                            limits.idleTimeout(),
                            client -> client.input().silentSince()),
                    new Limit(
                            "has not ended a message within",
                            limits.messageTimeout(),
                            client -> client.input().stuckSince()),
                    new Limit(
                            "has taken nothing for",
                            limits.writeTimeout(),
                            client -> client.output().writingSince()));
            long pause = WATCH.toNanos();
            for (Limit limit : all) {
                pause = limit.exists() ? Math.min(pause, limit.length().toNanos()) : pause;
            }
            try {
                TimeUnit.NANOSECONDS.sleep(pause);
            } catch (InterruptedException e) {
                return;
            }
            long now = System.nanoTime();
            clients.forEach((socket, client) -> {
                for (Limit limit : all) {
                    if (limit.isOver(client.connection(), now)) {
                        LOG.info(
                                "client {} {} {}, and is disconnected",
                                client.connection().name(),
                                limit.what(),
                                limit.length().toMillis() + " ms");
                        closeQuietly(socket);
                    }
                }
            });
        }
    }

    /**
     * How long something may take.
     *
     * @param what of a sentence about the client that ends with the length
     * @param length zero for ever
     * @param since when, by {@link System#nanoTime}, it began; 0 if it has not
     */
    private record Limit(String what, Duration length, ToLongFunction<ClientConnection> since) {
        boolean exists() {
            return !length.isZero();
        }

        boolean isOver(ClientConnection client, long now) {
            long began = since.applyAsLong(client);
            return exists() && began != 0 && now - began > length.toNanos();
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
     * Takes no more clients. Those that are here are answered what they have asked, unless it would have to be waited for; then
     * they are told of the shutdown. Whoever is still here after ten seconds is cut off.
     */
    @Override
    public void close() {
        closing = true;
        try {
            listener.close();
        } catch (IOException e) {
            LOG.debug("the listener did not end as it should", e);
        }
        contexts.cancelWaits();
        watching.interrupt();
        clients.forEach((socket, client) -> {
            try {
                if (client.connection().input().stop(LAST_REQUESTS.toNanos())) {
                    socket.shutdownInput(); // who waits for a client finds its end
                }
            } catch (IOException e) {
                closeQuietly(socket);
            }
        });
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        boolean interrupted = false;
        for (Client client : clients.values()) {
            interrupted |= !join(client.thread(), deadline);
        }
        contexts.cancelAll();
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
