package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageserver.pageservice.PageServiceMetrics;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.SocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connections that there are, up to a limit: whoever comes then is sent away. Safe for use by many threads. */
final class Connections {
    private static final Logger LOG = LoggerFactory.getLogger(Connections.class);

    private final int most;
    private final PageServiceMetrics metrics;
    private final Map<SocketAddress, Channel> open = new ConcurrentHashMap<>();

    Connections(int most, PageServiceMetrics metrics) {
        this.most = most;
        this.metrics = metrics;
    }

    /** What takes them. */
    NioServerSocketChannel listener() {
        return new Listener();
    }

    private boolean take(Channel connection) {
        SocketAddress client = connection.remoteAddress();
        if (open.size() >= most) {
            LOG.warn("gRPC client {} is sent away: there are {} connections already", client, most);
            return false;
        }
        open.put(client, connection);
        metrics.grpcConnected();
        var _ = connection.closeFuture().addListener(_ -> {
            open.remove(client);
            metrics.grpcDisconnected();
        });
        return true;
    }

    /** Cuts a client off, whatever it is at; nothing if it has gone. */
    void close(@Nullable SocketAddress client) {
        Channel connection = client == null ? null : open.get(client);
        if (connection != null) {
            // Not by its handlers, which would wait for the calls in it to end.
            connection
                    .eventLoop()
                    .execute(() -> connection.unsafe().close(connection.unsafe().voidPromise()));
        }
    }

    /** One thread takes connections, so none comes between counting and adding. */
    private final class Listener extends NioServerSocketChannel {
        @Override
        protected int doReadMessages(List<Object> taken) throws Exception {
            int count = super.doReadMessages(taken);
            if (count > 0 && taken.getLast() instanceof Channel connection && !take(connection)) {
                taken.removeLast();
                connection.unsafe().closeForcibly();
                return 0;
            }
            return count;
        }
    }
}
