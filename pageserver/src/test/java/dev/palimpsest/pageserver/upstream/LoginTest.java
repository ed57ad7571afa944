package dev.palimpsest.pageserver.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.protocol.ServerError;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every way to log in, and to be turned away, at a real server with TLS. */
class LoginTest {
    @TempDir
    private static Path directory;

    private static Certificates certificates;
    private static PostgresServer server;

    @BeforeAll
    static void start() throws Exception {
        certificates = Certificates.make(directory);
        server = PostgresServer.version(17)
                .setting("ssl", "on")
                .setting("ssl_ca_file", "ca.crt")
                .setting("password_encryption", "scram-sha-256")
                .file("server.crt", certificates.serverCertificate())
                .file("server.key", certificates.serverKey())
                .file("ca.crt", certificates.authority())
                .unixSocket()
                .hbaLine("hostssl replication encrypted 127.0.0.1/32 scram-sha-256")
                .hbaLine("hostnossl replication open 127.0.0.1/32 scram-sha-256")
                .hbaLine("hostssl replication certified 127.0.0.1/32 cert")
                .hbaLine("host replication old 127.0.0.1/32 md5")
                .hbaLine("host replication plain 127.0.0.1/32 password")
                .hbaLine("host replication scram,limited,ünï 127.0.0.1/32 scram-sha-256")
                .hbaLine("host replication stranger,encrypted,open,certified 127.0.0.1/32 reject")
                .start();
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            for (String role : List.of("encrypted", "open", "certified", "plain", "scram", "stranger", "\"ünï\"")) {
                statement.execute("CREATE ROLE " + role + " LOGIN REPLICATION PASSWORD 'pass wörd'");
            }
            statement.execute("CREATE ROLE limited LOGIN PASSWORD 'pass wörd'");
            statement.execute("SET password_encryption = 'md5'");
            statement.execute("CREATE ROLE old LOGIN REPLICATION PASSWORD 'pass wörd'");
        }
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static ReplicationConnection connect(String more) throws UpstreamException {
        return ReplicationConnection.connect(settings(more));
    }

    private static ConnectionSettings settings(String more) {
        return ConnectionSettings.parse(
                "host=127.0.0.1 port=" + server.port() + " connect_timeout=20 passfile=/nonexistent " + more,
                Map.of("HOME", directory.toString()));
    }

    @ParameterizedTest
    @CsvSource({
        "postgres, disable, false",
        "postgres, prefer, true",
        "scram, disable, false",
        "scram, require, true",
        "ünï, prefer, true",
        "old, disable, false",
        "old, require, true",
        "plain, require, true",
        "encrypted, allow, true",
        "encrypted, prefer, true",
        "open, allow, false",
        "open, prefer, false"
    })
    void logsIn(String user, String mode, boolean encrypted) throws Exception {
        try (ReplicationConnection connection = connect("user=" + user + " password='pass wörd' sslmode=" + mode)) {
            assertThat(connection.isEncrypted()).isEqualTo(encrypted);
            assertThat(connection.show("wal_level")).isEqualTo("replica");
        }
    }

    @ParameterizedTest
    @CsvSource({"scram, require", "old, disable", "plain, require", "ünï, disable"})
    void wrongPassword(String user, String mode) {
        assertThatThrownBy(() -> connect("user=" + user + " password=wrong sslmode=" + mode))
                .isInstanceOfSatisfying(
                        AuthenticationException.class,
                        e -> assertThat(e.serverError())
                                .extracting(ServerError::sqlState)
                                .isEqualTo(ServerError.INVALID_PASSWORD))
                .hasMessageContaining("\"" + user + "\"")
                .hasMessageNotContaining("wrong ");
    }

    @Test
    void noPassword() {
        assertThatThrownBy(() -> connect("user=scram"))
                .isInstanceOf(AuthenticationException.class)
                .hasMessageContaining("asks for the password of user \"scram\"")
                .hasMessageContaining("/nonexistent");
    }

    @Test
    void passwordFile() throws Exception {
        Path file = directory.resolve("passwords");
        Files.writeString(file, "127.0.0.1:*:replication:scram:pass wörd\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(() -> connect("user=scram passfile=" + file))
                .isInstanceOf(AuthenticationException.class)
                .hasMessageContaining("chmod 0600");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        try (ReplicationConnection connection = connect("user=scram passfile=" + file)) {
            assertThat(connection.isOpen()).isTrue();
        }
        Files.writeString(file, "127.0.0.1:*:*:scram:wrong\n");
        assertThatThrownBy(() -> connect("user=scram passfile=" + file))
                .isInstanceOf(AuthenticationException.class)
                .hasMessageContaining("password from " + file);
    }

    @Test
    void turnedAway() {
        assertThatThrownBy(() -> connect("user=stranger password=x"))
                .isInstanceOfSatisfying(
                        AuthenticationException.class,
                        e -> assertThat(e.serverError())
                                .extracting(ServerError::sqlState)
                                .isEqualTo(ServerError.INVALID_AUTHORIZATION));
        assertThat(SourceChecks.check(settings("user=stranger password=x"), "slot"))
                .singleElement()
                .satisfies(p -> assertThat(p.message()).contains("pg_hba.conf", "host replication stranger"));
        assertThat(SourceChecks.check(settings("user=scram password=x"), "slot"))
                .singleElement()
                .satisfies(p -> assertThat(p.message()).contains("Check the password of scram"));
        assertThat(SourceChecks.check(settings("user=limited password='pass wörd'"), "slot"))
                .singleElement()
                .satisfies(p -> assertThat(p.message()).contains("ALTER ROLE \"limited\" REPLICATION"));
        assertThat(SourceChecks.check(settings("user=x port=1"), "slot"))
                .singleElement()
                .satisfies(p -> assertThat(p.message()).contains("127.0.0.1:1", "Connection refused"));
    }

    @Test
    void verifiesTheServer() throws Exception {
        String root = " sslrootcert=" + certificates.authorityFile();
        for (String mode : List.of("verify-ca", "verify-full")) {
            try (ReplicationConnection connection =
                    connect("user=postgres host=localhost hostaddr=127.0.0.1 sslmode=" + mode + root)) {
                assertThat(connection.isEncrypted()).isTrue();
            }
        }
        try (ReplicationConnection connection =
                connect("user=postgres host=other.example hostaddr=127.0.0.1 sslmode=verify-ca" + root)) {
            assertThat(connection.isEncrypted()).isTrue();
        }
        assertThatThrownBy(
                        () -> connect("user=postgres host=other.example hostaddr=127.0.0.1 sslmode=verify-full" + root))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("other.example");
        for (String mode : List.of("verify-ca", "verify-full", "require")) {
            assertThatThrownBy(() -> connect("user=postgres host=localhost hostaddr=127.0.0.1 sslmode=" + mode
                            + " sslrootcert=" + certificates.strangerFile()))
                    .isInstanceOf(CannotConnectException.class)
                    .hasMessageContaining("no TLS with localhost");
        }
        assertThatThrownBy(() -> connect("user=postgres sslmode=verify-ca"))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("sslrootcert");
    }

    @Test
    void showsItsCertificate() throws Exception {
        String client = " sslcert=" + certificates.clientCertificateFile() + " sslkey=" + certificates.clientKeyFile();
        try (ReplicationConnection connection = connect("user=certified sslmode=require" + client)) {
            assertThat(connection.isEncrypted()).isTrue();
        }
        assertThatThrownBy(() -> connect("user=certified sslmode=require"))
                .isInstanceOf(UpstreamException.class)
                .hasMessageContaining("certificate");
        Files.setPosixFilePermissions(certificates.clientKeyFile(), PosixFilePermissions.fromString("rw-rw-rw-"));
        assertThatThrownBy(() -> connect("user=certified sslmode=require" + client))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("others may read the key");
        Files.setPosixFilePermissions(certificates.clientKeyFile(), PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void bindsTheChannel() throws Exception {
        String bound = " password='pass wörd' channel_binding=require";
        try (ReplicationConnection connection = connect("user=scram sslmode=require" + bound)) {
            assertThat(connection.isEncrypted()).isTrue();
        }
        assertThatThrownBy(() -> connect("user=scram sslmode=disable" + bound))
                .isInstanceOf(AuthenticationException.class)
                .hasMessageContaining("channel_binding=require");
        for (String user : List.of("postgres", "old", "plain")) {
            assertThatThrownBy(() -> connect("user=" + user + " sslmode=require" + bound))
                    .isInstanceOf(AuthenticationException.class)
                    .hasMessageContaining("channel_binding=require");
        }
    }

    @Test
    void directTlsAndOldTls() throws Exception {
        try (ReplicationConnection connection = connect("user=postgres sslmode=require sslnegotiation=direct")) {
            assertThat(connection.isEncrypted()).isTrue();
        }
        try (ReplicationConnection connection =
                connect("user=postgres sslmode=require ssl_max_protocol_version=TLSv1.2")) {
            assertThat(connection.isEncrypted()).isTrue();
        }
    }

    @Test
    void unixSocket() throws Exception {
        try (ReplicationConnection connection = connect("user=postgres host=" + server.socketDirectory())) {
            assertThat(connection.isEncrypted()).isFalse();
            assertThat(connection.show("port")).isEqualTo(String.valueOf(server.port()));
        }
        assertThatThrownBy(() -> connect("user=postgres sslmode=require host=" + server.socketDirectory()))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("Unix socket");
    }

    @Test
    void goesOnToTheNextServer() throws Exception {
        try (ReplicationConnection connection =
                connect("user=postgres host=127.0.0.1,127.0.0.1 port=1," + server.port())) {
            assertThat(connection.address().port()).isEqualTo(server.port());
        }
        assertThatThrownBy(() -> connect("user=postgres target_session_attrs=standby"))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("is no standby");
        try (ReplicationConnection connection = connect("user=postgres target_session_attrs=prefer-standby")) {
            assertThat(connection.isOpen()).isTrue();
        }
    }

    @Test
    void streamsThroughTls() throws Exception {
        try (ReplicationConnection connection = connect("user=postgres sslmode=require")) {
            SystemIdentification system = connection.identifySystem();
            BaseBackupStream backup = connection.baseBackup(BackupOptions.fast("tls"));
            int files = 0;
            byte[] page = new byte[8192];
            for (BackupEntry entry = backup.next(); entry != null; entry = backup.next()) {
                if (entry.kind() == BackupEntry.Kind.FILE && entry.size() >= page.length) {
                    assertThat(backup.readFully(page, 0, page.length)).isEqualTo(page.length);
                    files++;
                }
            }
            assertThat(files).isGreaterThan(500);
            assertThat(backup.end().lsn()).isGreaterThan(system.flushLsn());
        }
    }
}
