package dev.palimpsest.pageserver.datadir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.datadir.BootConfiguration.Least;
import dev.palimpsest.postgres.datadir.ConfigurationLine;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BootConfigurationTest {
    private final TreeMap<String, byte[]> files = new TreeMap<>();
    private final TreeMap<String, String> recorded = new TreeMap<>();
    private final TreeMap<String, String> wanted = new TreeMap<>();
    private List<Least> least = List.of();

    private void file(String path, String content) {
        files.put(path, content.getBytes(StandardCharsets.ISO_8859_1));
    }

    private SortedMap<String, String> result(@Nullable String hba) {
        TreeMap<String, String> result = new TreeMap<>();
        BootConfiguration.of(files, recorded, wanted, least, hba)
                .forEach((path, content) -> result.put(path, new String(content, StandardCharsets.ISO_8859_1)));
        return result;
    }

    private Map<String, String> own() {
        TreeMap<String, String> settings = new TreeMap<>();
        Objects.requireNonNull(result(null).get("palimpsest.conf")).lines().forEach(line -> {
            ConfigurationLine setting = ConfigurationLine.parse(line);
            if (!setting.name().isEmpty()) {
                settings.put(setting.name(), setting.value());
            }
        });
        return settings;
    }

    @Test
    void writesSafeFilesWhereThereAreNone() {
        SortedMap<String, String> result = result(null);
        assertThat(result)
                .containsOnlyKeys(
                        "palimpsest.conf", "pg_hba.conf", "pg_ident.conf", "postgresql.auto.conf", "postgresql.conf");
        assertThat(result.get("postgresql.conf")).endsWith("\ninclude 'palimpsest.conf'\n");
        assertThat(result.get("pg_hba.conf"))
                .contains("peer")
                .doesNotContain("trust")
                .doesNotContain("0.0.0.0");
        assertThat(own()).containsOnlyKeys("unix_socket_directories", "max_logical_replication_workers");
    }

    @Test
    void keepsLinesAsTheyAre() {
        String text =
                "# Gr\u00fc\u00dfe\nwork_mem = 5MB # x\nnonsense nonsense nonsense\nshared_preload_libraries = 'a,b'";
        file("postgresql.conf", text);
        file("pg_hba.conf", "local all all trust\n");
        file("postgresql.auto.conf", "# Do not edit\nwork_mem = '6MB'\n");
        SortedMap<String, String> result = result(null);
        assertThat(result.get("postgresql.conf")).isEqualTo(text + "\ninclude 'palimpsest.conf'\n");
        assertThat(result.get("pg_hba.conf")).isEqualTo("local all all trust\n");
        assertThat(result.get("postgresql.auto.conf")).isEqualTo("# Do not edit\nwork_mem = '6MB'\n");
        assertThat(result("host all all all md5\n").get("pg_hba.conf")).isEqualTo("host all all all md5\n");
    }

    @Test
    void keepsOutPlacesAndIncludesOfWhatIsNotHere() {
        file("postgresql.conf", """
                Data_Directory = '/var/lib/postgresql/17/main'
                hba_file='/etc/pg_hba.conf'
                include '/etc/extra.conf'
                include_if_exists '/etc/extra.conf'
                include 'gone.conf'
                include_if_exists 'gone.conf'
                include '../outside.conf'
                include 'palimpsest.conf'
                include_dir 'nothing'
                include_dir 'conf.d'
                include 'sub/one.conf'
                """);
        file("palimpsest.conf", "port = 1\n");
        file("conf.d/a.conf", "ident_file = 'x'\nsynchronous_standby_names = '*'\n");
        file("conf.d/.hidden.conf", "archive_mode = on\n");
        file("conf.d/readme", "archive_mode = on\n");
        file("pg_hba.conf", "include /etc/hba\nhost all all ::1/128 md5\ninclude more\n");
        file("more", "local all all peer");
        file("sub/one.conf", "include 'two.conf'\n");
        file("sub/two.conf", "listen_addresses = '*'\ninclude '../postgresql.conf'\n");
        SortedMap<String, String> result = result(null);
        List<String> kept = Objects.requireNonNull(result.get("postgresql.conf"))
                .lines()
                .filter(line -> !line.startsWith("#"))
                .toList();
        assertThat(kept)
                .containsExactly(
                        "include_if_exists 'gone.conf'",
                        "include_dir 'conf.d'",
                        "include 'sub/one.conf'",
                        "include 'palimpsest.conf'");
        assertThat(result.get("postgresql.conf"))
                .contains("# kept out by Palimpsest, everything is in this directory: Data_Directory = '/var/lib");
        assertThat(result.get("pg_hba.conf"))
                .isEqualTo("# kept out by Palimpsest, it is outside this directory: include /etc/hba\n"
                        + "host all all ::1/128 md5\ninclude more\n");
        assertThat(result.get("conf.d/a.conf"))
                .startsWith("# kept out")
                .contains("\nsynchronous_standby_names = '*'\n");
        assertThat(own())
                .containsEntry("synchronous_standby_names", "")
                .containsEntry("listen_addresses", "127.0.0.1")
                .doesNotContainKeys("archive_mode", "port");
    }

    @Test
    void restoresWhatTheOriginalRanWith() {
        file("postgresql.conf", "max_connections = 100\nwal_log_hints = yes\nwal_level = Logical\n");
        recorded.put("max_connections", "200");
        recorded.put("wal_log_hints", "on");
        recorded.put("wal_level", "logical");
        recorded.put("track_commit_timestamp", "on");
        assertThat(own())
                .containsEntry("max_connections", "200")
                .containsEntry("track_commit_timestamp", "on")
                .doesNotContainKeys("wal_log_hints", "wal_level");
    }

    @Test
    void letsTheCallerWinUnlessTheServerWouldNotStart() {
        file("postgresql.conf", "listen_addresses = '*'\nmax_replication_slots = 2\n");
        file("postgresql.auto.conf", "# Do not edit\nPort = 7\nwork_mem = '1MB'\nmax_prepared_transactions = '9'\n");
        recorded.put("max_prepared_transactions", "9");
        wanted.put("listen_addresses", "::1");
        wanted.put("Port", "5433");
        wanted.put("max_prepared_transactions", "3");
        wanted.put("note.path", "it's C:\\x");
        least = List.of(
                new Least("max_prepared_transactions", 4, 0),
                new Least("max_replication_slots", 3, 10),
                new Least("max_active_replication_origins", 10, 10));
        assertThat(own())
                .containsEntry("listen_addresses", "::1")
                .containsEntry("port", "5433")
                .containsEntry("max_prepared_transactions", "4")
                .containsEntry("max_replication_slots", "3")
                .containsEntry("note.path", "it's C:\\x")
                .doesNotContainKey("max_active_replication_origins");
        assertThat(result(null).get("postgresql.auto.conf")).isEqualTo("# Do not edit\nwork_mem = '1MB'\n");
    }

    @Test
    void turnsTlsOffOnlyIfItsFilesAreNotHere() {
        file("postgresql.conf", "ssl = on\n");
        assertThat(own()).containsEntry("ssl", "off");
        file("server.crt", "");
        file("server.key", "");
        assertThat(own()).doesNotContainKey("ssl");
        file("postgresql.conf", "ssl = on\nssl_ca_file = '/etc/ca.pem'\n");
        assertThat(own()).containsEntry("ssl", "off");
        file("postgresql.conf", "ssl = off\nssl_ca_file = '/etc/ca.pem'\n");
        assertThat(own()).doesNotContainKey("ssl");
    }

    @Test
    void carriesNeitherWhatPostgresManagesNorWhatLeadsOutside() {
        for (String path : List.of(
                "postgresql.conf",
                "conf.d/a.conf",
                "server.key",
                "pg_wal/00000002.history",
                "pg_wal/000000010000000000000001",
                "backup_label",
                "standby.signal",
                "postmaster.pid",
                "pg_replslot/s/state",
                "pg_stat/pgstat.stat",
                "global/pg_control",
                "PG_VERSION")) {
            file(path, "");
        }
        assertThat(CarriedFiles.of(files))
                .containsOnlyKeys("postgresql.conf", "conf.d/a.conf", "server.key", "pg_wal/00000002.history");
        for (String path : List.of("", "/etc/passwd", "../x", "a/../x", "a//b", "a/", "./a")) {
            assertThat(CarriedFiles.isValidPath(path)).as(path).isFalse();
        }
        assertThat(CarriedFiles.isValidPath("conf.d/a.conf")).isTrue();
    }
}
