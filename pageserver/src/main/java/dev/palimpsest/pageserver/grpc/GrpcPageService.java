package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.pageservice.ServedTimelines;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.pageserver.security.TlsMode;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens for clients of the page API over gRPC. What is read, how long is waited for WAL, how much a tenant may ask for and what is
 * counted is as in the page service, whose limits count here too. Safe for use by many threads.
 */
public final class GrpcPageService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GrpcPageService.class);

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration WATCH = Duration.ofSeconds(1);
    private static final int STREAMS_PER_CONNECTION = 256;
    /** The largest request names some hundred blocks. */
    private static final int MAX_REQUEST = 64 << 10;

    private static final int MAX_METADATA = 16 << 10;
    /** What a connection may send ahead of what is read of it. */
    private static final int WINDOW = 64 << 10;

    private static final int PING_SECONDS = 30;
    private static final int PING_TIMEOUT_SECONDS = 20;
    /** Neon's clients ping every 30 s; who does it much more often is sent away. */
    private static final int MIN_PING_SECONDS = 5;
    /** How many calls a connection may give up in so many seconds. */
    private static final int MAX_RESETS = 1000;

    private static final int RESET_SECONDS = 10;
    private static final int MAX_LOOPS = 4;

    private final GrpcSettings settings;
    private final Connections connections;
    private final CallThreads threads;
    private final CallGate gate;
    private final CallContexts contexts;
    private final PageApi api;
    private final EventLoopGroup accepting = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(
            Math.min(MAX_LOOPS, Runtime.getRuntime().availableProcessors()), NioIoHandler.newFactory());
    private final Server server;
    private final Thread watching;

    /**
     * Nothing is bound before {@link #start}.
     *
     * @param pages whose limits and metrics these clients share; need not have been started
     * @param security with TLS always or never: gRPC knows no way to begin without and go on with it
     * @param clock the engine's
     * @throws IOException if the address is none
     */
    public GrpcPageService(
            ServedTimelines timelines,
            PageService pages,
            GrpcSettings settings,
            InterfaceSecurity security,
            Clock clock,
            PrometheusRegistry registry)
            throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(settings.host()), settings.port());
        this.settings = settings;
        this.connections = new Connections(settings.maxConnections(), pages.metrics());
        this.threads = new CallThreads(settings.maxCalls());
        this.gate = new CallGate(settings.maxCalls(), security.authentication(), pages, new GrpcMetrics(registry));
        this.contexts = new CallContexts(clock);
        this.api = new PageApi(timelines, pages, contexts, new ReaderWait(new VirtualThreadTasks(clock)), threads);
        this.server = builder(address, pages.limits(), security).build();
        this.watching = Thread.ofVirtual().name("grpc watch").unstarted(this::watch);
    }

    private NettyServerBuilder builder(
            InetSocketAddress address, PageServiceSettings limits, InterfaceSecurity security) {
        ZstdCodec zstd = new ZstdCodec();
        CompressorRegistry compressors = CompressorRegistry.newEmptyInstance();
        compressors.register(new io.grpc.Codec.Gzip());
        compressors.register(io.grpc.Codec.Identity.NONE);
        compressors.register(zstd);
        NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                .channelFactory(connections::listener)
                .bossEventLoopGroup(accepting)
                .workerEventLoopGroup(loops)
                .withChildOption(ChannelOption.TCP_NODELAY, true)
                .withChildOption(ChannelOption.SO_KEEPALIVE, true)
                .executor(threads)
                .intercept(gate)
                .addService(api)
                .addService(ProtoReflectionServiceV1.newInstance())
                .compressorRegistry(compressors)
                .decompressorRegistry(DecompressorRegistry.getDefaultInstance().with(zstd, true))
                .maxInboundMessageSize(MAX_REQUEST)
                .maxInboundMetadataSize(MAX_METADATA)
                .flowControlWindow(WINDOW)
                .maxConcurrentCallsPerConnection(STREAMS_PER_CONNECTION)
                .maxRstFramesPerWindow(MAX_RESETS, RESET_SECONDS)
                .handshakeTimeout(limits.loginTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveTime(PING_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(PING_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .permitKeepAliveTime(MIN_PING_SECONDS, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true);
        if (limits.idleTimeout().isPositive()) {
            builder.maxConnectionIdle(limits.idleTimeout().toMillis(), TimeUnit.MILLISECONDS);
        }
        if (security.mode() != TlsMode.OFF) {
            builder.sslContext(new ReloadedTls(security.tls().orElseThrow()));
        }
        return builder;
    }

    /** Begins to listen. */
    public void start() throws IOException {
        try {
            server.start();
        } catch (IOException e) {
            @Nullable Throwable cause = e.getCause();
            throw new IOException(
                    "cannot listen on " + settings.host() + ":" + settings.port() + ": "
                            + (cause == null ? e : cause).getMessage(),
                    e);
        }
        watching.start();
        LOG.info("serving pages over gRPC on {}:{}", settings.host(), port());
    }

    /** Where it listens, once started. */
    public int port() {
        return server.getPort();
    }

    private void watch() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                TimeUnit.NANOSECONDS.sleep(WATCH.toNanos());
            } catch (InterruptedException e) {
                return;
            }
            gate.endStuck(connections);
        }
    }

    /**
     * Takes no more calls, ends waits for LSNs, lets requests that are being answered have their answers, and ends streams; whoever
     * is still here after ten seconds is cut off.
     */
    @Override
    public void close() {
        watching.interrupt();
        server.shutdown();
        contexts.endWaits();
        api.end();
        boolean interrupted = !ended();
        contexts.endReads();
        server.shutdownNow();
        threads.shutdown();
        var _ = accepting.shutdownGracefully(0, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        var _ = loops.shutdownGracefully(0, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for whoever is here; false if that was interrupted. */
    private boolean ended() {
        try {
            if (!server.awaitTermination(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("gRPC clients are still here after {} s, and are cut off", PATIENCE.toSeconds());
            }
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }
}
