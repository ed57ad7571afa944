package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.ConfiguredOptions;
import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.config.ConfigurationFile;
import dev.palimpsest.pageserver.http.ApiJson;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.SummarySnapshot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.JsonNode;

/** What operators take from {@code deploy/} and {@code docs/} is held against a server that runs. */
class DeployedFilesTest {
    private static final Path DEPLOY = Path.of("../deploy");
    private static final Path DOCUMENT = Path.of("../docs/metrics.md");
    private static final String BEGIN = "<!-- metrics -->\n";
    private static final String END = "<!-- end of metrics -->";
    private static final Pattern STRING = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'");
    private static final Pattern GROUPING =
            Pattern.compile("\\b(by|without|on|ignoring|group_left|group_right)\\s*\\([^()]*\\)");
    private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*");
    private static final Set<String> WORDS = Set.of(
            "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset");

    @TempDir
    private static Path directory;

    private static List<MetricSnapshot> exposed = List.of();

    /** With history elsewhere and limits of the local disk, so that all parts of a server are there. */
    @BeforeAll
    static void measure() throws Exception {
        Path file = Files.writeString(directory.resolve("c.toml"), """
                directory = "%1$s/data"
                listen_http_addr = "127.0.0.1:0"
                listen_pg_addr = "127.0.0.1:0"
                remote_storage.local_path = "%1$s/objects"
                disk_usage_based_eviction.max_local_bytes = "1GiB"
                """.formatted(directory));
        try (Server server = Server.open(ConfiguredOptions.of(ConfigurationFile.read(file), null))) {
            LoggedEvents.count(server.metrics());
            exposed = server.metrics().scrape().stream().toList();
        }
    }

    /** Every name that a query may use. */
    private static Set<String> series() {
        Set<String> names = new TreeSet<>();
        for (MetricSnapshot metric : exposed) {
            String name = metric.getMetadata().getPrometheusName();
            switch (metric) {
                case CounterSnapshot _ -> names.add(name + "_total");
                case HistogramSnapshot _ -> names.addAll(List.of(name + "_bucket", name + "_count", name + "_sum"));
                case SummarySnapshot _ -> names.addAll(List.of(name, name + "_count", name + "_sum"));
                case InfoSnapshot _ -> names.add(name + "_info");
                default -> names.add(name);
            }
        }
        names.add("up"); // which Prometheus makes
        return names;
    }

    /** The names of metrics in a query: what is left of it without strings, selectors, groupings, durations and functions. */
    static Set<String> metricsOf(String query) {
        String rest = STRING.matcher(query).replaceAll("");
        rest = rest.replaceAll("\\{[^{}]*}", " ").replaceAll("\\[[^\\[\\]]*]", " ");
        rest = GROUPING.matcher(rest).replaceAll(" ");
        rest = rest.replaceAll("\\b[0-9][0-9.eE+]*\\b", " ").replace("+Inf", " ");
        Set<String> names = new TreeSet<>();
        Matcher matcher = NAME.matcher(rest);
        while (matcher.find()) {
            boolean function = rest.substring(matcher.end()).stripLeading().startsWith("(");
            if (!function && !WORDS.contains(matcher.group())) {
                names.add(matcher.group());
            }
        }
        return names;
    }

    @Test
    void namesAreFoundInQueries() {
        assertThat(metricsOf(
                        "histogram_quantile(0.99, sum by (le, x) (rate(a_bucket{job=\"$j\",k=~\"b|c\"}[5m]))) > 1e3"))
                .containsExactly("a_bucket");
        assertThat(metricsOf("a * on (t) group_left (b) c{d='e'} / (f < +Inf) and on (i) g{h=\"}\"} > 0"))
                .containsExactly("a", "c", "f", "g");
    }

    private static Set<String> unknown(Stream<String> queries) {
        Set<String> known = series();
        Set<String> unknown = new TreeSet<>();
        queries.flatMap(query -> {
                    Set<String> names = metricsOf(query);
                    assertThat(names).as(query).isNotEmpty();
                    return names.stream();
                })
                .filter(name -> !known.contains(name))
                .forEach(unknown::add);
        return unknown;
    }

    @Test
    void theDashboardAsksForWhatAServerTells() throws Exception {
        JsonNode dashboard = ApiJson.mapper().readTree(Files.readString(DEPLOY.resolve("grafana/palimpsest.json")));
        List<String> queries = new ArrayList<>();
        dashboard.path("panels").forEach(panel -> {
            if (!panel.path("type").asString().equals("row")) {
                assertThat(panel.path("targets").size())
                        .as(panel.path("title").asString())
                        .isPositive();
            }
            panel.path("targets")
                    .forEach(target -> queries.add(target.path("expr").asString()));
        });
        assertThat(queries).hasSizeGreaterThan(50);
        assertThat(unknown(queries.stream())).isEmpty();
    }

    @Test
    void theAlertsAskForWhatAServerTellsAndHaveARunbook() throws Exception {
        JsonNode file = ApiJson.mapper().valueToTree(yaml(DEPLOY.resolve("prometheus/palimpsest.rules.yml")));
        List<JsonNode> rules = new ArrayList<>();
        file.path("groups").forEach(group -> group.path("rules").forEach(rules::add));
        assertThat(rules).hasSizeGreaterThan(15);
        assertThat(unknown(rules.stream().map(rule -> rule.path("expr").asString())))
                .isEmpty();
        Set<String> headings = new TreeSet<>();
        Files.readString(Path.of("../docs/operations.md"))
                .lines()
                .filter(line -> line.startsWith("#"))
                .forEach(line -> headings.add(line.replaceFirst("#+ ", "")
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^a-z0-9 -]", "")
                        .replace(' ', '-')));
        for (JsonNode rule : rules) {
            JsonNode annotations = rule.path("annotations");
            String name = rule.path("alert").asString();
            assertThat(annotations.path("summary").asString()).as(name).isNotEmpty();
            String runbook = annotations.path("runbook").asString();
            assertThat(runbook).as(name).startsWith("docs/operations.md#");
            assertThat(headings).as(name).contains(runbook.substring(runbook.indexOf('#') + 1));
        }
    }

    private static Object yaml(Path file) throws IOException {
        return new Load(LoadSettings.builder().setLabel(file.toString()).build())
                .loadFromString(Files.readString(file));
    }

    @Test
    void theChartsPlainFilesAreYaml() throws Exception {
        assertThat(yaml(DEPLOY.resolve("helm/palimpsest/Chart.yaml"))).isInstanceOf(Map.class);
        assertThat(yaml(DEPLOY.resolve("helm/palimpsest/values.yaml"))).isInstanceOf(Map.class);
    }

    @Test
    void theConfigurationOfTheContainerMakesSense() throws Exception {
        assertThat(ConfigurationFile.read(DEPLOY.resolve("container/default.toml")))
                .isNotNull();
    }

    @Test
    void theUnitIsOneToSystemd() throws Exception {
        Path unit = directory.resolve("palimpsest.service");
        Files.writeString(
                unit,
                Files.readString(DEPLOY.resolve("systemd/palimpsest.service"))
                        .replace("/opt/palimpsest/palimpsest", "/bin/true")
                        .replace("User=palimpsest", "User=root")
                        .replace("Group=palimpsest", "Group=root"));
        Process process;
        try {
            process = new ProcessBuilder("systemd-analyze", "verify", unit.toString())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            Assumptions.abort("there is no systemd-analyze here: " + e.getMessage());
            return;
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        // Of other units on the machine, or of its manuals, it may say what it likes.
        assertThat(said.lines().filter(line -> line.contains("palimpsest.service")))
                .isEmpty();
    }

    /** Run with {@code -Dpalimpsest.write-docs=true} to write it. */
    @Test
    void theDocumentHasEveryMetric() throws Exception {
        String document = Files.readString(DOCUMENT);
        int begin = document.indexOf(BEGIN) + BEGIN.length();
        int end = document.indexOf(END);
        assertThat(begin).isGreaterThan(BEGIN.length() - 1);
        String table = table();
        if (Boolean.getBoolean("palimpsest.write-docs")) {
            Files.writeString(DOCUMENT, document.substring(0, begin) + table + document.substring(end));
        } else {
            assertThat(document.substring(begin, end)).isEqualTo(table);
        }
    }

    private static String table() {
        Map<String, String> rows = new TreeMap<>();
        for (MetricSnapshot metric : exposed) {
            MetricMetadata about = metric.getMetadata();
            String name = about.getPrometheusName();
            // Those of the Java process are the library's, and not the same on every system.
            if (!name.startsWith("jvm_") && !name.startsWith("process_")) {
                String type = switch (metric) {
                    case CounterSnapshot _ -> "counter";
                    case GaugeSnapshot _ -> "gauge";
                    case HistogramSnapshot _ -> "histogram";
                    default -> "other";
                };
                rows.put(name, type + " | " + about.getHelp());
            }
        }
        StringBuilder table = new StringBuilder("| metric | type | what it tells |\n|---|---|---|\n");
        rows.forEach((name, rest) -> table.append("| `")
                .append(name)
                .append(rest.startsWith("counter") ? "_total" : "")
                .append("` | ")
                .append(rest)
                .append(" |\n"));
        return table.toString();
    }
}
