package dev.palimpsest.pageserver.http;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.util.component.AbstractLifeCycle;
import org.eclipse.jetty.util.thread.Scheduler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts off connections of which the next request does not arrive as a whole in time, however busily they send single bytes. The
 * time runs from when a connection is opened, with its TLS handshake, or its last answer ended; it stands while a request is
 * worked at. Of a body that is read as it comes, each part has that time. Safe for use by many threads.
 */
final class SlowClients extends AbstractLifeCycle implements Connection.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(SlowClients.class);
    private static final long LONGEST_LOOK_NANOS = 1_000_000_000;
    private static final int LOOKS = 4;

    private final Scheduler scheduler;
    private final HttpMetrics metrics;
    private final Map<Connection, Long> waiting = new ConcurrentHashMap<>();
    private volatile long limitNanos;

    SlowClients(Scheduler scheduler, Duration limit, HttpMetrics metrics) {
        this.scheduler = scheduler;
        this.limitNanos = limit.toNanos();
        this.metrics = metrics;
    }

    /** Another limit, for connections that are there too. */
    void limit(Duration limit) {
        limitNanos = limit.toNanos();
    }

    @Override
    protected void doStart() {
        next();
    }

    private void next() {
        scheduler.schedule(this::look, Math.min(LONGEST_LOOK_NANOS, limitNanos / LOOKS), TimeUnit.NANOSECONDS);
    }

    private void look() {
        if (!isRunning()) {
            return;
        }
        long now = System.nanoTime();
        waiting.forEach((connection, since) -> {
            if (now - since > limitNanos) {
                LOG.debug(
                        "client {} sent no request in time",
                        connection.getEndPoint().getRemoteSocketAddress());
                cut(connection);
            }
        });
        next();
    }

    /** At the socket: what is above may want to say goodbye to who does not listen. */
    private static void cut(Connection connection) {
        EndPoint end = connection.getEndPoint();
        while (end instanceof EndPoint.Wrapper wrapper) {
            end = wrapper.unwrap();
        }
        end.close();
    }

    @Override
    public void onOpened(Connection connection) {
        // What is within TLS is opened with it, and is what requests come from.
        if (!(connection instanceof SslConnection)) {
            waiting.put(connection, System.nanoTime());
            metrics.connections(1);
        }
    }

    @Override
    public void onClosed(Connection connection) {
        if (!(connection instanceof SslConnection)) {
            waiting.remove(connection);
            metrics.connections(-1);
        }
    }

    /** A request is here as a whole, or as much of it as was awaited. */
    void arrived(Connection connection) {
        waiting.remove(connection);
    }

    /** Something more is to come: the next part of a request, which {@link #arrived} ends, or another request. */
    void awaits(Connection connection) {
        if (connection.getEndPoint().isOpen()) {
            waiting.put(connection, System.nanoTime());
        }
    }
}
