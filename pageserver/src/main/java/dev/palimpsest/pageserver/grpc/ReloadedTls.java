package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageserver.security.ServerTls;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2SecurityUtil;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolConfig;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.JdkSslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;

/** The server's certificate for Netty: each connection gets the one that counts when it begins. Safe for use by many threads. */
final class ReloadedTls extends SslContext {
    private static final ApplicationProtocolConfig HTTP_2 = new ApplicationProtocolConfig(
            ApplicationProtocolConfig.Protocol.ALPN,
            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
            "h2");

    private final ServerTls tls;
    private volatile Wrapped latest;

    /** A certificate, as Java and as Netty have it. */
    private record Wrapped(SSLContext context, JdkSslContext netty) {}

    ReloadedTls(ServerTls tls) {
        this.tls = tls;
        this.latest = wrap(tls.context());
    }

    private static Wrapped wrap(SSLContext context) {
        return new Wrapped(
                context,
                new JdkSslContext(
                        context,
                        false,
                        Http2SecurityUtil.CIPHERS,
                        SupportedCipherSuiteFilter.INSTANCE,
                        HTTP_2,
                        ClientAuth.NONE,
                        ServerTls.PROTOCOLS.toArray(String[]::new),
                        false));
    }

    private JdkSslContext now() {
        SSLContext context = tls.context();
        Wrapped known = latest;
        if (!known.context.equals(context)) {
            known = wrap(context);
            latest = known;
        }
        return known.netty;
    }

    @Override
    public boolean isClient() {
        return false;
    }

    @Override
    public List<String> cipherSuites() {
        return now().cipherSuites();
    }

    @Override
    @SuppressWarnings("deprecation") // there is no other way to say that it is HTTP/2
    public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
        return now().applicationProtocolNegotiator();
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator) {
        return now().newEngine(allocator);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
        return now().newEngine(allocator, peerHost, peerPort);
    }

    @Override
    public SSLSessionContext sessionContext() {
        return now().sessionContext();
    }
}
