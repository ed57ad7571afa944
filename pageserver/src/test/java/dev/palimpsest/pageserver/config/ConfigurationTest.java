package dev.palimpsest.pageserver.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.ConfiguredOptions;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.StorageLocation;
import dev.palimpsest.pageserver.http.HttpSettings;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.pageserver.pageservice.TraceSettings;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.pageserver.security.SecuritySettings;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.eviction.EvictionSettings;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.timeline.StoreSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationTest {
    private static ServerOptions options(String toml) throws ConfigurationException {
        return ConfiguredOptions.of(ConfigurationFile.parse("c.toml", toml), null);
    }

    private static List<String> problems(String toml) {
        try {
            options(toml);
        } catch (ConfigurationException e) {
            return e.problems().stream().map(Problem::toString).toList();
        }
        throw new AssertionError("nothing is wrong with " + toml);
    }

    @Test
    void whatIsNotSaidIsAsItIsWithoutAFile() throws Exception {
        ServerOptions options = options("directory = \"/d\"");
        assertThat(options)
                .isEqualTo(new ServerOptions(
                        Path.of("/d"),
                        HttpSettings.on("127.0.0.1", 9898),
                        PageServiceSettings.on("127.0.0.1", 64000),
                        null,
                        SecuritySettings.NONE,
                        null,
                        RemoteSettings.DEFAULT,
                        StoreSettings.DEFAULT.withBackground(BackgroundSettings.DEFAULT),
                        null,
                        RetentionSettings.DEFAULT,
                        TraceSettings.DEFAULT,
                        null));
    }

    @Test
    void limitsOfTheDiskAreOfUseWithStorageElsewhereOnly() throws Exception {
        String limit = "directory = \"/d\"\n[disk_usage_based_eviction]\nmax_local_bytes = \"20GB\"\n";
        assertThat(problems(limit))
                .singleElement()
                .asString()
                .contains("c.toml:3", "disk_usage_based_eviction.max_local_bytes", "remote_storage only");
        EvictionSettings usual = EvictionSettings.DEFAULT;
        assertThat(options(limit + "[remote_storage]\nlocal_path = \"/o\"").eviction())
                .isEqualTo(usual.withMaxLocalBytes(20L << 30).withMinFreeBytes(0));
        assertThat(options(limit + "[remote_storage]\nbucket_name = \"b\"\nbucket_region = \"r\"")
                        .eviction())
                .isEqualTo(usual.withMaxLocalBytes(20L << 30));
        assertThat(options("directory = \"/d\"\n[remote_storage]\nbucket_name = \"b\"\nbucket_region = \"r\"")
                        .eviction())
                .isEqualTo(usual);
    }

    @Test
    void historyIsKeptAsItSays() throws Exception {
        assertThat(options("directory = \"/d\"\n[tenant_config]\npitr_interval = \"2 h\"\ngc_horizon = \"1MB\"\n"
                                + "gc_period = \"0 s\"\nlsn_lease_length = \"1 m\"")
                        .retention())
                .isEqualTo(new RetentionSettings(Duration.ofHours(2), 1 << 20, Duration.ZERO, Duration.ofMinutes(1)));
        HistorySettings usual = HistorySettings.DEFAULT;
        assertThat(options("directory = \"/d\"").retention()).isEqualTo(RetentionSettings.DEFAULT);
        assertThat(RetentionSettings.DEFAULT.historyCompacted()).isTrue();
        RetentionSettings other = options("directory = \"/d\"\n[tenant_config]\ngc_compaction_enabled = false\n"
                        + "gc_compaction_initial_threshold_kb = 7\ngc_compaction_ratio_percent = 30")
                .retention();
        assertThat(other.historyCompacted()).isFalse();
        assertThat(other.history()).isEqualTo(new HistorySettings(7 << 10, 30, usual.jobBytes(), usual.maxChain()));
    }

    @Test
    void valuesArriveWhereTheyBelong() throws Exception {
        ServerOptions options = options("""
                directory = "/d"
                listen_pg_addr = "[::1]:5"
                wait_lsn_timeout = "1h 30m"
                max_dirty_bytes = 10485760
                image_compression = "zstd(3)"
                [remote_storage]
                bucket_name = "b"
                prefix_in_bucket = "p/q"
                endpoint = "http://localhost:9000"
                bucket_region = "eu-north-1"
                timeout = "20 s"
                [tenant_config]
                checkpoint_distance = "32MiB"
                compaction_threshold = 4
                timeline_get_throttle = { task_kinds = ["PageRequestHandler"], refill_interval = "50 ms", refill_amount = 500, max = 2000 }
                """);
        assertThat(options.pageService().host()).isEqualTo("::1");
        assertThat(options.pageService().waitLsnTimeout()).isEqualTo(Duration.ofMinutes(90));
        assertThat(options.pageService().throttle())
                .isEqualTo(new ThrottleSettings(true, 0, Duration.ofMillis(50), 500, 2000));
        assertThat(options.store().maxDirtyBytes()).isEqualTo(10 << 20);
        assertThat(options.store().timelines().checkpointDistance()).isEqualTo(32 << 20);
        assertThat(options.store().background().orElseThrow().compaction().l0Threshold())
                .isEqualTo(4);
        assertThat(options.store().timelines().l0StallThreshold()).isEqualTo(24);
        assertThat(options.remote().times().baseNanos()).isEqualTo(20_000_000_000L);
        assertThat(options.storage())
                .isInstanceOfSatisfying(
                        StorageLocation.Bucket.class,
                        bucket -> assertThat(bucket.settings().toString())
                                .isEqualTo("s3://b/p/q/ at http://localhost:9000"));
    }

    @Test
    void everythingThatIsWrongIsSaidInALineEach() {
        assertThat(problems("""
                directory = "/d"
                listen_htp_addr = "127.0.0.1:1"
                log_level = "loud"
                max_file_descriptors = 0
                wait_lsn_timeout = "10 parsecs"
                max_dirty_bytes = "lots"
                insecure = "yes"
                entirely_made_up = 1
                [tenant_config]
                checkpoint_distanc = 5
                [remote_storag]
                """))
                .containsExactly(
                        "c.toml:2: listen_htp_addr is no setting; did you mean listen_http_addr?",
                        "c.toml:3: log_level is one of error, warn, info, debug, not \"loud\"",
                        "c.toml:4: max_file_descriptors is to be from 1 to 1000000, not 0",
                        "c.toml:5: wait_lsn_timeout there is no unit of time \"parsecs\"",
                        "c.toml:6: max_dirty_bytes wants a number of bytes, such as \"64MiB\", not \"lots\"",
                        "c.toml:7: insecure wants true or false, not a text",
                        "c.toml:8: entirely_made_up is no setting",
                        "c.toml:10: tenant_config.checkpoint_distanc is no setting; did you mean"
                                + " tenant_config.checkpoint_distance?",
                        "c.toml:11: remote_storag is no setting");
        assertThat(problems("directory = \n")).singleElement().asString().startsWith("c.toml:1: ");
        assertThat(problems("directory = \"a\"\ndirectory = \"b\"\n"))
                .singleElement()
                .asString()
                .startsWith("c.toml:2: ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            listen_http_addr = "0.0.0.0:1"                   | c.toml:2: listen_http_addr is 0.0.0.0:1, which other machines
            listen_pg_addr = "[::]:1"                        | c.toml:2: listen_pg_addr is [::]:1, which other machines
            listen_pg_addr = "127.0.0.1:9898"                | c.toml:2: listen_pg_addr is the address of listen_http_addr
            http_auth_type = "NeonJWT"                       | c.toml:2: http_auth_type asks for tokens, and there are no keys
            page_service_tls = "required"                    | c.toml:2: page_service_tls needs ssl_cert_file and ssl_key_file
            ssl_key_file = "x"                               | c.toml:2: ssl_key_file is of no use alone
            metrics_need_token = true                        | c.toml:2: metrics_need_token has no effect
            remote_storage.endpoint = "http://x"             | c.toml:2: remote_storage.endpoint is of a bucket
            remote_storage.reserved_calls = 32               | c.toml:2: remote_storage.reserved_calls is 32, and with
            background_download_concurrency = 9              | c.toml:2: background_download_concurrency is 9, and with
            page_service_max_batch_size = 200;max_get_vectored_keys = 100 | c.toml:2: page_service_max_batch_size is 200
            tenant_config.timeline_get_throttle.task_kinds = ["PageRequestHandler"];tenant_config.timeline_get_throttle.max = 1 | configuration: tenant_config.timeline_get_throttle.refill_amount is to be at least 1
            tenant_config.l0_flush_stall_threshold = 4      | c.toml:2: tenant_config.l0_flush_stall_threshold is to be more
            remote_storage.first_pause = "11 s"              | configuration: remote_storage.longest_pause is shorter
            remote_storage.local_path = "a";remote_storage.bucket_name = "b" | c.toml:3: remote_storage.bucket_name and
            """)
    void whatMakesNoSenseTogetherIsRefused(String lines, String problem) {
        assertThat(problems("directory = \"/d\"\n" + lines.replace(';', '\n') + "\n"))
                .singleElement()
                .asString()
                .startsWith(problem);
    }

    @Test
    void elsewhereIsListenedWithTokensOrWhenSomebodySaysSo() throws Exception {
        String everywhere = "directory = \"/d\"\nlisten_http_addr = \"0.0.0.0:1\"\nlisten_pg_addr = \"0.0.0.0:2\"\n";
        assertThat(problems(everywhere)).hasSize(2);
        assertThat(options(everywhere + "insecure = true").security().insecure())
                .isTrue();
        assertThat(problems(everywhere + "http_auth_type = \"NeonJWT\"\nauth_validation_public_key_path = \"/k\"\n"))
                .singleElement()
                .asString()
                .contains("pg_auth_type is Trust");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            10 s      | 10000
            10s       | 10000
            7 days    | 604800000
            1h 30m    | 5400000
            2min500ms | 120500
            0 s       | 0
            """)
    void durationsAreReadAsPeopleWriteThem(String text, long millis) {
        assertThat(Units.duration(text)).isEqualTo(Duration.ofMillis(millis));
        assertThat(Units.duration(Units.print(Units.duration(text)))).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "s", "10", "10 s x", "-1 s", "1.5 s", "99999999999999999999 s", "9223372036854775807 d"})
    void otherDurationsAreNone(String text) {
        assertThatThrownBy(() -> Units.duration(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void bytesAreReadAsPeopleWriteThem() {
        assertThat(Units.bytes("64MiB")).isEqualTo(64 << 20);
        assertThat(Units.bytes("1.5 GiB")).isEqualTo(3L << 29);
        assertThat(Units.bytes("2 GB")).isEqualTo(2L << 30);
        assertThat(Units.bytes("17")).isEqualTo(17);
        for (String none : List.of("", "MiB", "1.5", "-1", "1 XB", "99999999999 TiB")) {
            assertThatThrownBy(() -> Units.bytes(none)).as(none).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void whatHasChangedIsKnown() throws Exception {
        Configuration one = ConfigurationFile.parse("c.toml", "directory = \"/d\"\nwait_lsn_timeout = \"300 s\"");
        Configuration other = ConfigurationFile.parse("c.toml", "directory = \"/d\"\nlog_level = \"debug\"");
        assertThat(one.changes(other)).containsExactly(ServiceSettings.LOG_LEVEL);
        assertThat(other.print(ServiceSettings.LOG_LEVEL)).isEqualTo("\"debug\"");
    }

    @Test
    void everySettingIsSoundAndItsDefaultCanBeWritten() throws Exception {
        Set<String> keys = new HashSet<>();
        for (Setting<?> setting : Settings.all()) {
            assertThat(keys.add(setting.key())).as(setting.key()).isTrue();
            assertThat(setting.key()).matches("([a-z0-9_]+\\.)*[a-z0-9_]+");
            assertThat(setting.meaning()).as(setting.key()).endsWith(".").doesNotContain("|");
            if (setting.standard().isPresent()) {
                String toml = setting.key() + " = " + setting.standardText();
                assertThat(ConfigurationFile.parse("c.toml", toml).find(setting))
                        .as(toml)
                        .isEqualTo(setting.standard());
            }
        }
        assertThat(keys).hasSizeGreaterThan(60);
    }

    /** Run with {@code -Dpalimpsest.write-docs=true} to write them. */
    @Test
    void theDocumentsSayWhatTheProgramDoes() throws Exception {
        Path sample = Path.of("../deploy/palimpsest.toml");
        Path document = Path.of("../docs/configuration.md");
        String begin = "<!-- settings -->\n";
        String end = "<!-- end of settings -->\n";
        String text = Files.readString(document);
        int from = text.indexOf(begin) + begin.length();
        int to = text.indexOf(end);
        assertThat(to).as("place for the settings in " + document).isGreaterThan(from);
        if (Boolean.getBoolean("palimpsest.write-docs")) {
            Files.createDirectories(sample.getParent());
            Files.writeString(sample, ConfigurationDocument.sample());
            text = text.substring(0, from) + ConfigurationDocument.table() + text.substring(to);
            Files.writeString(document, text);
            to = text.indexOf(end);
        }
        assertThat(Files.readString(sample)).isEqualTo(ConfigurationDocument.sample());
        assertThat(text.substring(from, to)).isEqualTo(ConfigurationDocument.table());
        StringBuilder uncommented = new StringBuilder();
        for (String line : ConfigurationDocument.sample().lines().toList()) {
            uncommented
                    .append(line.startsWith("#") && !line.startsWith("# ") ? line.substring(1) : line)
                    .append('\n');
        }
        Configuration all = ConfigurationFile.parse("sample", uncommented.toString());
        assertThat(Settings.all()).allMatch(all::isGiven);
    }
}
