package dev.palimpsest.pageserver.security;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys and the certificate of a server, and who keeps them fresh: a thread that looks from time to time whether their files
 * have changed. Safe for use by many threads.
 */
public final class ServerSecurity implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServerSecurity.class);

    private final SecuritySettings settings;
    private final Optional<TokenVerifier> tokens;
    private final Optional<ServerTls> tls;
    private final Thread watching;
    private volatile Runnable certificateChanged = () -> {};

    private ServerSecurity(SecuritySettings settings, Optional<TokenVerifier> tokens, Optional<ServerTls> tls) {
        this.settings = settings;
        this.tokens = tokens;
        this.tls = tls;
        this.watching = Thread.ofVirtual().name("key files").unstarted(this::watch);
    }

    /**
     * Reads keys and certificate.
     *
     * @throws IOException if one cannot be read, or does not hold what it should
     */
    public static ServerSecurity open(SecuritySettings settings, InstantSource clock) throws IOException {
        try {
            Optional<TokenVerifier> tokens = settings.publicKeys().isEmpty()
                    ? Optional.empty()
                    : Optional.of(TokenVerifier.open(settings.publicKeys().get(), clock));
            Optional<ServerTls> tls =
                    settings.certificate().isEmpty() || settings.key().isEmpty()
                            ? Optional.empty()
                            : Optional.of(ServerTls.load(
                                    settings.certificate().get(), settings.key().get()));
            return new ServerSecurity(settings, tokens, tls);
        } catch (GeneralSecurityException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /**
     * Begins to look whether files have changed.
     *
     * @param whenCertificateChanged is run after another certificate was loaded
     */
    public void start(Runnable whenCertificateChanged) {
        certificateChanged = whenCertificateChanged;
        watching.start();
    }

    /** How the management API is protected. */
    public InterfaceSecurity http() {
        return security(settings.httpTokens(), settings.httpTls());
    }

    /** How the page service is protected. */
    public InterfaceSecurity pageService() {
        return security(settings.pageServiceTokens(), settings.pageServiceTls());
    }

    /** How the gRPC page API is protected. */
    public InterfaceSecurity grpc() {
        return security(settings.grpcTokens(), settings.grpcTls() ? TlsMode.REQUIRED : TlsMode.OFF);
    }

    private InterfaceSecurity security(boolean byToken, TlsMode mode) {
        return new InterfaceSecurity(
                byToken ? Authentication.byToken(tokens.orElseThrow()) : Authentication.trusting(), mode, tls);
    }

    /**
     * Refuses to let everybody in from everywhere.
     *
     * @param name of the interface, for the message
     * @param host where it is to listen
     * @throws IOException if other machines may reach it, it asks for no token, and nobody said that this may be
     */
    public void refuseExposure(String name, String host, InterfaceSecurity security) throws IOException {
        if (security.authentication().isRequired()) {
            if (security.mode() != TlsMode.REQUIRED
                    && !InetAddress.getByName(host).isLoopbackAddress()) {
                LOG.warn("{} takes tokens in plain text from other machines: let it require TLS", name);
            }
            return;
        }
        if (InetAddress.getByName(host).isLoopbackAddress()) {
            return;
        }
        if (!settings.insecure()) {
            throw new IOException(
                    name + " is not to listen on " + host + ", which other machines may reach, as long as it"
                            + " asks for no tokens: whoever reaches it may do everything. Let it ask for tokens, or say that it"
                            + " may be insecure");
        }
        LOG.warn("{} listens on {} and asks for no tokens: whoever reaches it may do everything", name, host);
    }

    /**
     * Reads keys and certificate again.
     *
     * @return what there is now, a line each
     * @throws IOException if one cannot be read or does not hold what it should; then all stay as they are
     */
    public synchronized List<String> reload() throws IOException {
        List<String> done = new ArrayList<>();
        try {
            // All are read before the first is exchanged.
            Optional<TokenKeys> keys = tokens.isEmpty()
                    ? Optional.empty()
                    : Optional.of(TokenKeys.load(tokens.get().path()));
            Optional<SSLContext> context = tls.isEmpty()
                    ? Optional.empty()
                    : Optional.of(
                            ServerTls.read(tls.get().certificate(), tls.get().key()));
            keys.ifPresent(read -> {
                tokens.orElseThrow().use(read);
                done.add(read.count() + " public keys from "
                        + tokens.orElseThrow().path());
            });
            context.ifPresent(read -> {
                tls.orElseThrow().use(read);
                certificateChanged.run();
                done.add("the certificate in " + tls.orElseThrow().certificate());
            });
            return done;
        } catch (GeneralSecurityException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private List<Path> files() {
        return Stream.of(settings.publicKeys(), settings.certificate(), settings.key())
                .flatMap(Optional::stream)
                .toList();
    }

    private void watch() {
        List<Path> files = files();
        FileState seen = FileState.of(files);
        while (true) {
            try {
                TimeUnit.NANOSECONDS.sleep(settings.reloadPeriod().toNanos());
            } catch (InterruptedException e) {
                return;
            }
            FileState now = FileState.of(files);
            if (!now.equals(seen)) {
                seen = now;
                reloadChanged();
            }
        }
    }

    private void reloadChanged() {
        try {
            LOG.info("reloaded {}", String.join(", ", reload()));
        } catch (IOException | RuntimeException e) {
            LOG.error("keys and certificate stay as they were: {}", e.getMessage());
        }
    }

    @Override
    public void close() {
        watching.interrupt();
    }
}
