package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.security.Authentication;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.pageserver.security.ServerTls;
import dev.palimpsest.pageserver.security.TlsMode;
import dev.palimpsest.pageserver.security.TokenVerifier;
import dev.palimpsest.pageserver.security.Tokens;
import dev.palimpsest.pageserver.upstream.Certificates;
import dev.palimpsest.postgres.protocol.FrontendMessage;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is let in to the page service, encrypted and not; what a hostile client gets. */
class PageServiceSecurityTest {
    private static final String STREAM = "pagestream_v3 " + ServedPages.TENANT + " " + ServedPages.TIMELINE;

    @TempDir
    private static Path keys;

    @TempDir
    private Path directory;

    private static Certificates certificates;
    private static Tokens signer;
    private static Authentication byToken;

    private ServedPages required;
    private ServedPages optional;

    @BeforeAll
    static void makeKeys() throws Exception {
        certificates = Certificates.shared();
        signer = Tokens.ed25519();
        byToken = Authentication.byToken(
                TokenVerifier.open(signer.publicKey(keys.resolve("tokens.pem")), InstantSource.system()));
    }

    @BeforeEach
    void open() throws Exception {
        Optional<ServerTls> tls =
                Optional.of(ServerTls.load(certificates.serverCertificateFile(), certificates.serverKeyFile()));
        required = new ServedPages(
                directory.resolve("required"),
                settings(Duration.ofMillis(400)),
                new InterfaceSecurity(byToken, TlsMode.REQUIRED, tls));
        optional = new ServedPages(
                directory.resolve("optional"),
                settings(Duration.ofMinutes(1)),
                new InterfaceSecurity(byToken, TlsMode.ON, tls));
    }

    private static PageServiceSettings settings(Duration login) {
        return new PageServiceSettings(
                "127.0.0.1",
                0,
                8,
                100,
                login,
                Duration.ofMinutes(5),
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                Duration.ofMillis(200),
                32,
                ThrottleSettings.NONE);
    }

    @AfterEach
    void close() throws Exception {
        required.close();
        optional.close();
    }

    private static Connection connect(ServedPages to, String token, String ssl) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", "anybody");
        properties.setProperty("password", token);
        properties.setProperty("sslmode", ssl);
        properties.setProperty("sslrootcert", certificates.authorityFile().toString());
        properties.setProperty("preferQueryMode", "simple");
        return DriverManager.getConnection("jdbc:postgresql://localhost:" + to.service.port() + "/x", properties);
    }

    @Test
    void aDriverLogsInWithATokenEncryptedAndNot() throws Exception {
        for (String ssl : new String[] {"verify-full", "disable"}) {
            try (Connection connection = connect(optional, signer.tenant(ServedPages.TENANT), ssl)) {
                connection.createStatement().execute("set x = y");
            }
        }
        connect(required, signer.server(), "verify-full").close();
        assertThatThrownBy(() -> connect(required, signer.server(), "disable"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28000"))
                .hasMessageContaining("must connect with TLS");
    }

    @Test
    void aTokenThatProvesNothingEndsTheConnection() throws Exception {
        String[] bad = {
            Tokens.ed25519().server(), "nonsense", signer.token("{\"scope\": \"pageserverapi\", \"exp\": 1000}")
        };
        for (String token : bad) {
            assertThatThrownBy(() -> connect(optional, token, "disable"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"))
                    .hasMessageContaining("JWT authentication error")
                    .message()
                    .doesNotContain(token);
        }
    }

    @Test
    void aTokenIsGoodForItsTenantOnly() throws Exception {
        for (String token : new String[] {
            signer.tenant("ffffffffffffffffffffffffffffffff"),
            signer.token("{\"scope\": \"safekeeperdata\"}"),
            signer.token("{\"scope\": \"admin\", \"tenant_id\": \"" + ServedPages.TENANT + "\"}")
        }) {
            for (String command :
                    new String[] {STREAM, "fullbackup " + ServedPages.TENANT + " " + ServedPages.TIMELINE}) {
                try (Connection connection = connect(optional, token, "disable")) {
                    assertThatThrownBy(() -> connection.createStatement().execute(command))
                            .isInstanceOfSatisfying(
                                    SQLException.class,
                                    e -> assertThat(e.getSQLState()).isEqualTo("42501"));
                }
            }
        }
    }

    private static SSLContext trusting() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream in = Files.newInputStream(certificates.authorityFile())) {
            store.setCertificateEntry(
                    "ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static SSLSocket direct(ServedPages to, String... protocols) throws Exception {
        SSLSocket socket = (SSLSocket) trusting().getSocketFactory().createSocket("localhost", to.service.port());
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(protocols);
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    /** Logs in, and says what comes after AuthenticationCleartextPassword. */
    private static int loggedIn(Socket socket) throws Exception {
        OutputStream out = socket.getOutputStream();
        out.write(FrontendMessage.startup(Map.of("user", "x")));
        InputStream in = socket.getInputStream();
        assertThat(HexFormat.of().formatHex(in.readNBytes(9))).isEqualTo("520000000800000003");
        out.write(FrontendMessage.password(signer.server()));
        assertThat(in.read()).isEqualTo('R');
        in.readNBytes(4);
        return in.readNBytes(4)[3];
    }

    @Test
    void tlsFromTheFirstByteNeedsItsProtocolNamed() throws Exception {
        try (SSLSocket socket = direct(optional, "postgresql")) {
            assertThat(loggedIn(socket)).isZero();
            assertThat(socket.getApplicationProtocol()).isEqualTo("postgresql");
        }
        try (SSLSocket socket = direct(required)) {
            assertThat(socket.getInputStream().read()).as("without ALPN").isEqualTo(-1);
        } catch (SSLException | SocketException e) {
            assertThat(e).as("cut off").isNotNull();
        }
        assertThatThrownBy(() -> direct(required, "http/1.1").close()).isInstanceOf(IOException.class);
    }

    @Test
    void whatCameBeforeTlsWasAgreedOnIsNotTakenForTheClients() throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), optional.service.port())) {
            byte[] request = FrontendMessage.sslRequest();
            byte[] stuffed = FrontendMessage.startup(Map.of("user", "x"));
            byte[] both = new byte[request.length + stuffed.length];
            System.arraycopy(request, 0, both, 0, request.length);
            System.arraycopy(stuffed, 0, both, request.length, stuffed.length);
            socket.getOutputStream().write(both);
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("E").contains("before TLS was agreed on");
        }
    }

    @Test
    void filesThatDoNotBelongTogetherOrAreOpenAreRefused() throws Exception {
        Path crt = Files.copy(certificates.serverCertificateFile(), directory.resolve("a.crt"));
        Path key = Files.copy(certificates.serverKeyFile(), directory.resolve("a.key"));
        assertThatThrownBy(() -> ServerTls.load(certificates.authorityFile(), key))
                .hasMessageContaining("is not that of the certificate");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> ServerTls.load(crt, key)).hasMessageContaining("chmod 0600");
    }

    /** Every byte is in time for the limit on silence; the limit on the login is what ends it. */
    @Test
    void whoDoesNotLogInIsCutOff() throws Exception {
        byte[] password = FrontendMessage.password("a".repeat(60_000));
        for (byte[] beginning : new byte[][] {
            {}, {0x16, 3, 1, 2, 0, 1}, FrontendMessage.startup(Map.of("user", "x")), {0, 0, 39, 16, 0, 3, 0, 0}
        }) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), required.service.port())) {
                OutputStream out = socket.getOutputStream();
                out.write(beginning);
                socket.setSoTimeout(20);
                boolean open = true;
                for (int i = 0; open; i++) {
                    try {
                        if (beginning.length > 0) {
                            out.write(password[i % password.length]);
                        }
                        open = socket.getInputStream().read() >= 0;
                    } catch (SocketTimeoutException e) {
                        assertThat(e).as("still there").isNotNull();
                    } catch (SocketException e) {
                        open = false;
                    }
                }
            }
        }
        connect(required, signer.server(), "verify-full").close();
    }

    @Test
    void framesThatClaimTooMuchAreRefused() throws Exception {
        String[] bombs = {
            "7fffffff00030000", "0000271100030000", "ffffffff00030000", "0000000700030000",
        };
        for (String bomb : bombs) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), optional.service.port())) {
                socket.getOutputStream().write(HexFormat.of().parseHex(bomb));
                assertThat(socket.getInputStream().read()).as(bomb).isIn((int) 'E', -1);
            }
        }
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), optional.service.port())) {
            socket.getOutputStream().write(FrontendMessage.startup(Map.of("user", "x")));
            socket.getInputStream().readNBytes(9);
            socket.getOutputStream().write(HexFormat.of().parseHex("707fffffff"));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("E")
                    .contains("08P01");
        }
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), optional.service.port())) {
            socket.getOutputStream().write(FrontendMessage.startup(Map.of("user", "x")));
            socket.getInputStream().readNBytes(9);
            socket.getOutputStream().write(FrontendMessage.query(STREAM));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .as("a command instead of a password")
                    .startsWith("E")
                    .contains("08P01");
        }
    }
}
