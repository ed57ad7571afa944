package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.protocol.FrontendMessage;
import dev.palimpsest.postgres.protocol.ServerError;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Finds the server to talk to: each address, each of its IP addresses, encrypted or not, until one will do. */
final class Connector {
    /** The limit where the settings have none, so that nothing waits without an end. */
    private static final Duration LONGEST_CONNECT = Duration.ofMinutes(2);

    private final ConnectionSettings settings;

    Connector(ConnectionSettings settings) {
        this.settings = settings;
    }

    /**
     * A connection that is logged in.
     *
     * @param encrypted whether it is encrypted
     */
    record Connected(Wire wire, boolean encrypted, String serverVersion, PostgresVersion version) {}

    /** How one attempt goes about encryption. */
    private enum Encryption {
        NONE,
        IF_OFFERED,
        ALWAYS
    }

    Connected connect() throws UpstreamException {
        List<UpstreamException> failures = new ArrayList<>();
        boolean secondChoice = settings.targetSession() == TargetSession.PREFER_STANDBY;
        for (int round = 0; round < (secondChoice ? 2 : 1); round++) {
            TargetSession target =
                    secondChoice ? (round == 0 ? TargetSession.STANDBY : TargetSession.ANY) : settings.targetSession();
            for (ServerAddress address : addresses()) {
                try {
                    Connected connected = connect(address);
                    String mismatch = mismatch(connected.wire(), target);
                    if (mismatch == null) {
                        return connected;
                    }
                    connected.wire().terminate();
                    failures.add(new CannotConnectException(
                            address + " " + mismatch + ", and target_session_attrs is " + settings.targetSession()));
                } catch (AuthenticationException e) {
                    // As libpq: a server that turns us down is an answer, not a reason to ask elsewhere.
                    throw e;
                } catch (UpstreamException e) {
                    failures.add(e);
                }
            }
        }
        throw summary(failures);
    }

    private static UpstreamException summary(List<UpstreamException> failures) {
        if (failures.size() == 1) {
            return failures.getFirst();
        }
        StringBuilder text = new StringBuilder("none of the servers will do");
        for (UpstreamException failure : failures) {
            text.append("; ").append(failure.getMessage());
        }
        CannotConnectException summary = new CannotConnectException(text.toString(), failures.getFirst());
        failures.stream().skip(1).forEach(summary::addSuppressed);
        return summary;
    }

    private List<ServerAddress> addresses() {
        if (!settings.addresses().isEmpty()) {
            return settings.addresses();
        }
        for (String directory : ConnectionSettings.SOCKET_DIRECTORIES) {
            ServerAddress address = new ServerAddress(directory, null, settings.defaultPort());
            if (Files.exists(address.socketFile())) {
                return List.of(address);
            }
        }
        return List.of(new ServerAddress("localhost", null, settings.defaultPort()));
    }

    private static @Nullable String mismatch(Wire wire, TargetSession target) {
        boolean standby = "on".equals(wire.reported("in_hot_standby"));
        boolean readOnly = standby || "on".equals(wire.reported("default_transaction_read_only"));
        return switch (target) {
            case ANY, PREFER_STANDBY -> null;
            case PRIMARY -> standby ? "is a standby" : null;
            case STANDBY -> standby ? null : "is no standby";
            case READ_WRITE -> readOnly ? (standby ? "is a standby" : "is read-only by default") : null;
            case READ_ONLY -> readOnly ? null : "takes writes";
        };
    }

    private Connected connect(ServerAddress address) throws UpstreamException {
        List<SocketAddress> sockets = resolve(address);
        UpstreamException first = null;
        for (SocketAddress socket : sockets) {
            try {
                return connect(address, socket);
            } catch (CannotConnectException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        throw first == null ? new CannotConnectException(address + " has no address") : first;
    }

    private static List<SocketAddress> resolve(ServerAddress address) throws CannotConnectException {
        if (address.isUnixSocket()) {
            try {
                return List.of(UnixDomainSocketAddress.of(address.socketFile()));
            } catch (IllegalArgumentException e) {
                throw new CannotConnectException(address + " is no Unix socket", e);
            }
        }
        String name = address.hostAddress() == null ? address.host() : address.hostAddress();
        try {
            List<SocketAddress> sockets = new ArrayList<>();
            for (InetAddress ip : InetAddress.getAllByName(name)) {
                sockets.add(new InetSocketAddress(ip, address.port()));
            }
            return sockets;
        } catch (UnknownHostException e) {
            throw new CannotConnectException("the host \"" + name + "\" is not known", e);
        }
    }

    /** Tries the ways that {@code sslmode} allows, one after the other. */
    private Connected connect(ServerAddress address, SocketAddress socket) throws UpstreamException {
        if (address.isUnixSocket()) {
            if (settings.tls().mode().compareTo(SslMode.REQUIRE) >= 0) {
                throw new CannotConnectException(address + " is a Unix socket, which is not encrypted, and sslmode is "
                        + settings.tls().mode());
            }
            return attempt(address, socket, Encryption.NONE);
        }
        return switch (settings.tls().mode()) {
            case DISABLE -> attempt(address, socket, Encryption.NONE);
            case ALLOW -> either(address, socket, Encryption.NONE, Encryption.ALWAYS);
            case PREFER -> either(address, socket, Encryption.IF_OFFERED, Encryption.NONE);
            case REQUIRE, VERIFY_CA, VERIFY_FULL -> attempt(address, socket, Encryption.ALWAYS);
        };
    }

    private Connected either(ServerAddress address, SocketAddress socket, Encryption first, Encryption second)
            throws UpstreamException {
        try {
            return attempt(address, socket, first);
        } catch (UpstreamException e) {
            if (!isWorthAnotherTry(e)) {
                throw e;
            }
            try {
                return attempt(address, socket, second);
            } catch (UpstreamException again) {
                e.addSuppressed(again);
                throw e;
            }
        }
    }

    /** Whether the other kind of connection may fare better: pg_hba.conf can tell them apart, and TLS can fail. */
    private static boolean isWorthAnotherTry(UpstreamException e) {
        return switch (e) {
            case AuthenticationException refused -> {
                ServerError error = refused.serverError();
                yield error != null && error.sqlState().equals(ServerError.INVALID_AUTHORIZATION);
            }
            case CannotConnectException cannot -> cannot.getCause() instanceof SSLException;
            case ServerRefusedException refused -> false;
            case ConnectionLostException lost -> false;
            case ProtocolBrokenException broken -> false;
        };
    }

    private Connected attempt(ServerAddress address, SocketAddress socket, Encryption encryption)
            throws UpstreamException {
        long limit = settings.connectTimeout().isZero()
                ? LONGEST_CONNECT.toNanos()
                : settings.connectTimeout().toNanos();
        long deadline = System.nanoTime() + limit;
        Transport transport = open(address, socket, encryption, deadline);
        Wire wire = new Wire(transport, address);
        try {
            X509Certificate certificate = transport instanceof TlsTransport tls ? peer(tls) : null;
            PasswordFile.Lookup password = PasswordFile.find(settings, address);
            new Login(wire, settings, password, certificate, deadline).run();
            String text = wire.reported("server_version");
            if (text == null) {
                throw wire.broken("it does not say its version");
            }
            PostgresVersion version = version(wire, text);
            return new Connected(wire, transport instanceof TlsTransport, text, version);
        } catch (ConnectionLostException e) {
            wire.close();
            throw new CannotConnectException("cannot log in: " + e.getMessage(), e);
        } catch (UpstreamException | RuntimeException e) {
            wire.close();
            throw e;
        }
    }

    private static PostgresVersion version(Wire wire, String text) throws UpstreamException {
        int end = 0;
        while (end < text.length() && end < 4 && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
            end++;
        }
        if (end == 0) {
            throw wire.broken("its version is \"" + text + "\"");
        }
        try {
            return PostgresVersion.ofMajor(Integer.parseInt(text.substring(0, end)));
        } catch (IllegalArgumentException e) {
            wire.terminate();
            throw new CannotConnectException(
                    wire.address() + " is PostgreSQL " + text + ", and only 14 to 18 are supported", e);
        }
    }

    private static @Nullable X509Certificate peer(TlsTransport tls) throws CannotConnectException {
        try {
            Certificate[] chain = tls.session().getPeerCertificates();
            return chain.length > 0 && chain[0] instanceof X509Certificate certificate ? certificate : null;
        } catch (SSLException e) {
            throw new CannotConnectException("the server shows no certificate", e);
        }
    }

    private Transport open(ServerAddress address, SocketAddress socket, Encryption encryption, long deadline)
            throws CannotConnectException {
        Transport plain;
        try {
            plain = SocketTransport.connect(socket, deadline - System.nanoTime());
        } catch (IOException | UnsupportedOperationException e) {
            throw new CannotConnectException("cannot connect to " + address + ": " + reason(e), e);
        }
        if (encryption == Encryption.NONE) {
            return plain;
        }
        try {
            if (settings.tls().negotiation() == TlsSettings.Negotiation.POSTGRES
                    && !offersTls(plain, address, deadline)) {
                if (encryption == Encryption.ALWAYS) {
                    throw new CannotConnectException(address + " does not offer TLS (its ssl is off), and sslmode is "
                            + settings.tls().mode());
                }
                return plain;
            }
            return TlsTransport.connect(
                    plain, new TlsClient(settings.tls()).engine(address), deadline - System.nanoTime());
        } catch (IOException e) {
            plain.close();
            throw new CannotConnectException("no TLS with " + address + ": " + reason(e), e);
        } catch (GeneralSecurityException e) {
            plain.close();
            throw new CannotConnectException("no TLS with " + address + ": " + e.getMessage(), e);
        } catch (CannotConnectException | RuntimeException e) {
            plain.close();
            throw e;
        }
    }

    private static String reason(Exception e) {
        String message = e.getMessage();
        return e instanceof ConnectException && message != null
                ? message
                : e.getClass().getSimpleName() + (message == null ? "" : ": " + message);
    }

    /** Asks for TLS. Takes exactly one byte as the answer: more would be what somebody slipped in before the encryption. */
    private static boolean offersTls(Transport plain, ServerAddress address, long deadline)
            throws IOException, CannotConnectException {
        plain.write(ByteBuffer.wrap(FrontendMessage.sslRequest()), deadline - System.nanoTime());
        ByteBuffer answer = ByteBuffer.allocate(1);
        int count = plain.read(answer, deadline - System.nanoTime());
        if (count < 0) {
            throw new EOFException("the server closed the connection");
        }
        if (count == 0) {
            throw new SocketTimeoutException("no answer in time");
        }
        return switch (answer.get(0)) {
            case 'S' -> true;
            case 'N' -> false;
            default ->
                throw new CannotConnectException(address + " answers a request for TLS with byte " + answer.get(0)
                        + ": it is no PostgreSQL, or in trouble");
        };
    }
}
