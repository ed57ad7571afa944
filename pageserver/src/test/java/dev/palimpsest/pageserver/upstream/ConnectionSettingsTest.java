package dev.palimpsest.pageserver.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConnectionSettingsTest {
    private static ConnectionSettings parse(String text) {
        return ConnectionSettings.parse(text, Map.of("HOME", "/home/me"));
    }

    @Test
    void defaults() {
        ConnectionSettings settings = parse("");
        assertThat(settings.addresses()).isEmpty();
        assertThat(settings.defaultPort()).isEqualTo(5432);
        assertThat(settings.user()).isEqualTo(System.getProperty("user.name"));
        assertThat(settings.database()).isEqualTo("replication");
        assertThat(settings.password()).isNull();
        assertThat(settings.passwordFile()).isEqualTo(Path.of("/home/me/.pgpass"));
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ZERO);
        assertThat(settings.applicationName()).isEqualTo("palimpsest");
        assertThat(settings.targetSession()).isEqualTo(TargetSession.ANY);
        assertThat(settings.channelBinding()).isEqualTo(ChannelBinding.PREFER);
        TlsSettings tls = settings.tls();
        assertThat(tls.mode()).isEqualTo(SslMode.PREFER);
        assertThat(tls.rootCertificates()).isEqualTo(Path.of("/home/me/.postgresql/root.crt"));
        assertThat(tls.key()).isEqualTo(Path.of("/home/me/.postgresql/postgresql.key"));
    }

    @Test
    void keywordsAndQuotes() {
        ConnectionSettings settings = parse("  host = db.example  port=5433\tuser='o''x'  ".replace("''", "\\'")
                + "password=a\\ b\\'c application_name='' connect_timeout=1 sslmode=verify-full options='-c a=b'");
        assertThat(settings.addresses()).containsExactly(new ServerAddress("db.example", null, 5433));
        assertThat(settings.user()).isEqualTo("o'x");
        assertThat(settings.password()).isEqualTo("a b'c");
        assertThat(settings.applicationName()).isEqualTo("palimpsest");
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ofSeconds(2));
        assertThat(settings.tls().mode()).isEqualTo(SslMode.VERIFY_FULL);
        assertThat(settings.options()).isEqualTo("-c a=b");
    }

    @Test
    void severalHosts() {
        assertThat(parse("host=a,b,/run/pg port=1,2,3").addresses())
                .containsExactly(
                        new ServerAddress("a", null, 1),
                        new ServerAddress("b", null, 2),
                        new ServerAddress("/run/pg", null, 3));
        assertThat(parse("host=a,b port=7").addresses())
                .containsExactly(new ServerAddress("a", null, 7), new ServerAddress("b", null, 7));
        assertThat(parse("host=a,b hostaddr=10.0.0.1,").addresses())
                .containsExactly(new ServerAddress("a", "10.0.0.1", 5432), new ServerAddress("b", null, 5432));
        assertThat(parse("host=a,b port=,9").addresses())
                .containsExactly(new ServerAddress("a", null, 5432), new ServerAddress("b", null, 9));
        assertThat(new ServerAddress("/run/pg", null, 3).socketFile()).isEqualTo(Path.of("/run/pg/.s.PGSQL.3"));
    }

    @Test
    void uris() {
        ConnectionSettings settings = parse(
                "postgresql://me:p%40ss%3Aw@db1:5433,[2001:db8::1],%2Frun%2Fpg:7/shop?sslmode=require&application_name=a%20b");
        assertThat(settings.addresses())
                .containsExactly(
                        new ServerAddress("db1", null, 5433),
                        new ServerAddress("2001:db8::1", null, 5432),
                        new ServerAddress("/run/pg", null, 7));
        assertThat(settings.user()).isEqualTo("me");
        assertThat(settings.password()).isEqualTo("p@ss:w");
        assertThat(settings.database()).isEqualTo("shop");
        assertThat(settings.tls().mode()).isEqualTo(SslMode.REQUIRE);
        assertThat(settings.applicationName()).isEqualTo("a b");
        assertThat(parse("postgres://").addresses()).isEmpty();
        assertThat(parse("postgres:///?host=h&port=8").addresses()).containsExactly(new ServerAddress("h", null, 8));
        assertThat(parse("postgresql://h?ssl=true").tls().mode()).isEqualTo(SslMode.REQUIRE);
        assertThat(parse("postgresql://h:6").addresses()).containsExactly(new ServerAddress("h", null, 6));
    }

    @Test
    void environmentFillsGapsOnly() {
        Map<String, String> environment = Map.of(
                "PGHOST", "envhost",
                "PGPORT", "6000",
                "PGUSER", "envuser",
                "PGPASSWORD", "envpass",
                "PGPASSFILE", "/etc/pass",
                "PGSSLMODE", "disable",
                "PGAPPNAME", "envapp",
                "PGCONNECT_TIMEOUT", "9");
        ConnectionSettings settings = ConnectionSettings.parse("user=me host=''", environment);
        assertThat(settings.addresses()).isEmpty();
        settings = ConnectionSettings.parse("user=me", environment);
        assertThat(settings.addresses()).containsExactly(new ServerAddress("envhost", null, 6000));
        assertThat(settings.user()).isEqualTo("me");
        assertThat(settings.password()).isEqualTo("envpass");
        assertThat(settings.passwordFile()).isEqualTo(Path.of("/etc/pass"));
        assertThat(settings.tls().mode()).isEqualTo(SslMode.DISABLE);
        assertThat(settings.applicationName()).isEqualTo("envapp");
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ofSeconds(9));
        assertThatThrownBy(() -> ConnectionSettings.parse("", Map.of("PGSERVICE", "x")))
                .hasMessageContaining("PGSERVICE");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        prot=5433                               | prot
        port=x                                  | port
        port=0                                  | port
        port=65536                              | port
        host=a,b port=1,2,3                     | port
        port=1,2                                | port
        host=a hostaddr=1.1.1.1,2.2.2.2         | hostaddr
        sslmode=yes                             | sslmode
        sslnegotiation=direct                   | sslmode
        sslrootcert=system sslmode=require      | sslmode
        sslsni=2                                | sslsni
        ssl_min_protocol_version=SSLv3          | ssl_min_protocol_version
        target_session_attrs=writer             | target_session_attrs
        channel_binding=on                      | channel_binding
        connect_timeout=soon                    | connect_timeout
        load_balance_hosts=yes                  | load_balance_hosts
        gssencmode=require                      | gssencmode
        replication=database                    | replication
        service=x                               | service
        require_auth=scram-sha-256              | require_auth
        host                                    | host
        password='top secret                    | password
        user=a password                         | password
        postgresql://h?sslmode                  | sslmode
        postgresql://h?password=a=b             | password
        postgresql://h%zz                       | host
        postgresql://u:p%0@h                    | password
        postgresql://[::1/db                    | host
        postgresql://h/%00                      | dbname
        postgresql://h?user=%ff                 | user
        """)
    void wrongParametersAreNamed(String text, String parameter) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + parameter + "\"")
                .hasMessageNotContaining("secret");
    }

    @Test
    void textHidesPasswords() {
        ConnectionSettings settings = parse("host=h user=u password=hidden sslpassword=hidden");
        assertThat(settings.toString()).isEqualTo("u@h:5432");
        assertThat(settings.tls().toString()).doesNotContain("hidden");
    }

    /** Any value comes through both forms as it went in. */
    @Test
    void valuesSurviveQuoting() {
        String alphabet = "ab'\\ =%&?@:/é\u20AC\t\uD83D\uDE00".replaceAll("[\uD83D\uDE00]", "");
        for (long seed = 0; seed < 5_000; seed++) {
            Random random = new Random(seed);
            Map<String, String> values = new LinkedHashMap<>();
            for (String name : List.of("user", "password", "dbname", "application_name")) {
                StringBuilder value = new StringBuilder();
                for (int i = random.nextInt(8); i >= 0; i--) {
                    value.append(alphabet.charAt(random.nextInt(alphabet.length())));
                }
                values.put(name, value.toString());
            }
            StringBuilder keywords = new StringBuilder();
            StringBuilder uri = new StringBuilder("postgresql://h?");
            values.forEach((name, value) -> {
                String escaped = value.replace("\\", "\\\\").replace("'", "\\'");
                boolean bare = random.nextBoolean() && !value.matches("(?s).*[ \t].*") && !value.startsWith("'");
                keywords.append(name).append(random.nextBoolean() ? " = " : "=");
                keywords.append(bare ? escaped : "'" + escaped + "'").append(' ');
                uri.append(name)
                        .append('=')
                        .append(URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20"));
                uri.append('&');
            });
            uri.setLength(uri.length() - 1);
            assertThat(ConnectionString.parse(keywords.toString()))
                    .as("seed %d: %s", seed, keywords)
                    .isEqualTo(values);
            values.put("host", "h");
            assertThat(ConnectionString.parse(uri.toString()))
                    .as("seed %d: %s", seed, uri)
                    .isEqualTo(values);
        }
    }

    /** Whatever the text, it is understood or said to be wrong. */
    @Test
    void noiseIsUnderstoodOrRefused() {
        String[] pieces = {
            "postgresql://",
            "host",
            "port",
            "=",
            "'",
            "\\",
            " ",
            "%",
            "%41",
            "[",
            "]",
            ":",
            ",",
            "@",
            "/",
            "?",
            "&",
            "1"
        };
        for (long seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(10); i >= 0; i--) {
                text.append(pieces[random.nextInt(pieces.length)]);
            }
            try {
                assertThat(parse(text.toString()).user()).isNotEmpty();
            } catch (IllegalArgumentException e) {
                assertThat(e.getMessage()).as("seed %d: %s", seed, text).contains("connection");
            }
        }
    }
}
