package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.config.Configuration;
import dev.palimpsest.pageserver.config.ConfigurationFile;
import dev.palimpsest.pageserver.config.ServiceSettings;
import dev.palimpsest.pageserver.security.PemFile;
import dev.palimpsest.pageserver.security.Tokens;
import dev.palimpsest.pageserver.upstream.Certificates;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that is protected, from its configuration file on. */
class ServerSecurityTest {
    private static final Certificates CERTIFICATES = Certificates.shared();

    @TempDir
    private Path directory;

    private final List<String> logLevels = new ArrayList<>();

    private Path certificate() {
        return directory.resolve("now.crt");
    }

    private Path key() {
        return directory.resolve("now.key");
    }

    private Path configure(String more) throws IOException {
        return Files.writeString(directory.resolve("c.toml"), """
                directory = "%1$s/data"
                listen_http_addr = "127.0.0.1:0"
                listen_pg_addr = "127.0.0.1:0"
                http_auth_type = "NeonJWT"
                pg_auth_type = "NeonJWT"
                auth_validation_public_key_path = "%1$s/tokens"
                http_tls = "required"
                page_service_tls = "on"
                ssl_cert_file = "%1$s/now.crt"
                ssl_key_file = "%1$s/now.key"
                %2$s
                """.formatted(directory, more));
    }

    private Server open(Path file) throws Exception {
        Configuration configuration = ConfigurationFile.read(file);
        return Server.open(
                ConfiguredOptions.of(configuration, null),
                () -> ConfigurationFile.read(file),
                configuration,
                now -> logLevels.add(now.get(ServiceSettings.LOG_LEVEL).name()));
    }

    private static SSLContext trusting(Path authority) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("ca", PemFile.certificates(authority).getFirst());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static HttpResponse<String> send(Server server, Path authority, String method, String path, String token)
            throws Exception {
        try (HttpClient client =
                HttpClient.newBuilder().sslContext(trusting(authority)).build()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create("https://localhost:" + server.httpPort() + path))
                    .header("Authorization", "Bearer " + token)
                    .method(method, HttpRequest.BodyPublishers.noBody())
                    .build();
            return client.send(request, BodyHandlers.ofString());
        }
    }

    private static X509Certificate shown(Server server, Path authority) throws Exception {
        try (SSLSocket socket =
                (SSLSocket) trusting(authority).getSocketFactory().createSocket("localhost", server.httpPort())) {
            socket.startHandshake();
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    private void install(Path certificate, Path key) throws IOException {
        Files.deleteIfExists(certificate());
        Files.deleteIfExists(key());
        Files.copy(certificate, certificate(), StandardCopyOption.COPY_ATTRIBUTES);
        Files.copy(key, key(), StandardCopyOption.COPY_ATTRIBUTES);
    }

    @Test
    void keysAndCertificatesAndSettingsAreExchangedWhileItRuns() throws Exception {
        Path first = CERTIFICATES.authorityFile();
        Path second = CERTIFICATES.strangerFile();
        Path tokens = Files.createDirectory(directory.resolve("tokens"));
        Tokens old = Tokens.ed25519();
        Tokens next = Tokens.ed25519();
        old.publicKey(tokens.resolve("old.pem"));
        install(CERTIFICATES.serverCertificateFile(), CERTIFICATES.serverKeyFile());
        try (Server server = open(configure(""))) {
            assertThat(server.httpUrl()).startsWith("https://127.0.0.1:");
            String branches = "/palimpsest/v1/branch";
            assertThat(send(server, first, "GET", branches, old.server()).statusCode())
                    .isEqualTo(200);
            assertThat(send(server, first, "GET", branches, next.server()).statusCode())
                    .isEqualTo(403);
            assertThat(send(server, first, "GET", "/readyz", "").statusCode()).isEqualTo(200);
            String metrics = send(server, first, "GET", "/metrics", "").body();
            assertThat(metrics)
                    .contains("jvm_memory_used_bytes", "process_open_fds", "palimpsest_http_request_seconds")
                    .contains("pageserver_live_connections_started");

            next.publicKey(tokens.resolve("next.pem"));
            Files.delete(tokens.resolve("old.pem"));
            install(CERTIFICATES.secondCertificateFile(), CERTIFICATES.secondKeyFile());
            configure("wait_lsn_timeout = \"3 s\"\nlog_level = \"debug\"\nmax_file_descriptors = 77");
            HttpResponse<String> reloaded = send(server, first, "POST", "/palimpsest/v1/reload", old.server());
            assertThat(reloaded.body())
                    .contains("log_level = \\\"debug\\\"", "wait_lsn_timeout = \\\"3 s\\\"", "1 public keys", "now.crt")
                    .contains("\"need_restart\":[\"max_file_descriptors\"]");
            assertThat(logLevels).containsExactly("DEBUG");
            assertThat(shown(server, second))
                    .isEqualTo(PemFile.certificates(CERTIFICATES.secondCertificateFile())
                            .getFirst());
            assertThatThrownBy(() -> shown(server, first)).isInstanceOf(SSLHandshakeException.class);
            assertThat(send(server, second, "GET", branches, old.server()).statusCode())
                    .as("a key that is gone")
                    .isEqualTo(403);
            assertThat(send(server, second, "GET", branches, next.server()).statusCode())
                    .isEqualTo(200);

            Files.writeString(certificate(), "nonsense");
            old.publicKey(tokens.resolve("old.pem"));
            configure("log_level = \"loud\"");
            assertThatThrownBy(server::reload).hasMessageContaining("log_level is one of");
            configure("log_level = \"error\"");
            assertThatThrownBy(server::reload).hasMessageContaining("now.crt holds no certificate");
            assertThat(logLevels).as("nothing has changed").containsExactly("DEBUG");
            assertThat(send(server, second, "GET", branches, old.server()).statusCode())
                    .as("nothing has changed")
                    .isEqualTo(403);
        }
    }

    /** The server looks itself whether files have changed; this waits until it has. */
    @Test
    void aNewCertificateIsFoundByLooking() throws Exception {
        Path first = CERTIFICATES.authorityFile();
        Path second = CERTIFICATES.strangerFile();
        Tokens signer = Tokens.ed25519();
        signer.publicKey(Files.createDirectory(directory.resolve("tokens")).resolve("a.pem"));
        install(CERTIFICATES.serverCertificateFile(), CERTIFICATES.serverKeyFile());
        try (Server server = open(configure("ssl_cert_reload_period = \"100 ms\""))) {
            shown(server, first);
            install(CERTIFICATES.secondCertificateFile(), CERTIFICATES.secondKeyFile());
            boolean found = false;
            while (!found) {
                try {
                    shown(server, second);
                    found = true;
                } catch (SSLHandshakeException e) {
                    assertThat(e).as("not yet").hasMessageContaining("PKIX");
                }
            }
        }
    }

    @Test
    void everybodyIsNotLetInFromEverywhere() throws Exception {
        for (ServerOptions exposed : List.of(
                new ServerOptions(directory, "0.0.0.0", 0, null), new ServerOptions(directory, "::", 0, null))) {
            assertThatThrownBy(() -> Server.open(exposed))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("whoever reaches it may do everything");
        }
    }
}
