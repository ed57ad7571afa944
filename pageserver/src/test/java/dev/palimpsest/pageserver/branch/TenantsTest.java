package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.pageservice.ServedTimelines;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TenantsTest {
    private static final TenantId GOOD = TenantId.parse("00000000000000000000000000000001");
    private static final TenantId BAD = TenantId.parse("00000000000000000000000000000002");

    @TempDir
    private Path root;

    private TenantHost host() throws Exception {
        return new TenantHost(root.resolve("server"), root.resolve("objects"));
    }

    private static String of(TenantId tenant) {
        return "/v1/tenant/" + tenant;
    }

    private List<Path> files(String under) throws IOException {
        if (!Files.exists(root.resolve(under))) {
            return List.of();
        }
        try (Stream<Path> all = Files.walk(root.resolve(under))) {
            return all.filter(Files::isRegularFile).toList();
        }
    }

    private void makeTwo() throws Exception {
        try (TenantHost host = host()) {
            TenantHost.makeBranch(host.store, GOOD, "good");
            TenantHost.makeBranch(host.store, BAD, "bad");
        }
    }

    private void damage(TenantId tenant, String name) throws IOException {
        for (Path file : files("objects/tenants/" + tenant)) {
            if (file.getFileName().toString().startsWith(name)) {
                byte[] bytes = Files.readAllBytes(file);
                bytes[bytes.length / 2] ^= 0x10;
                Files.delete(file); // it may be a hard link
                Files.write(file, bytes);
            }
        }
    }

    private static String text(TenantHost host) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ExpositionFormats.init().getPrometheusTextFormatWriter().write(out, host.metrics.scrape());
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aDamagedTenantIsBrokenAloneAndNamedEverywhere() throws Exception {
        makeTwo();
        damage(BAD, "index_part");
        try (TenantHost host = host()) {
            assertThat(host.get(of(GOOD)).body()).contains("{\"slug\":\"Active\"}");
            TenantHost.Answer bad = host.get(of(BAD));
            assertThat(bad.status()).isEqualTo(200);
            assertThat(bad.body())
                    .contains("\"slug\":\"Broken\"")
                    .contains("\"slug\":\"failed\"")
                    .contains("index_part");
            assertThat(host.get(of(BAD) + "/timeline").status()).isEqualTo(500);
            assertThat(host.get(of(BAD) + "/timeline").body())
                    .contains("is broken")
                    .contains("index_part");
            assertThat(host.get(of(GOOD) + "/timeline").body()).contains(GOOD.toString());
            assertThat(host.branches.list()).extracting(BranchView::name).containsExactly("good");
            assertThat(host.get("/palimpsest/v1/branch/bad").status()).isEqualTo(404);
            assertThat(host.get("/palimpsest/v1/branch/bad").body()).contains("tenant " + BAD + " is broken");
            assertThat(host.tenants().notServing()).singleElement().asString().contains("tenant " + BAD + " is broken");
            assertThat(text(host))
                    .contains("pageserver_tenant_states_count{state=\"Active\"} 1")
                    .contains("pageserver_tenant_states_count{state=\"Broken\"} 1")
                    .contains("pageserver_broken_tenants_count{shard_id=\"0000\",tenant_id=\"" + BAD + "\"} 1");
            TimelineId good = TimelineId.parse(host.branches.view("good").timeline());
            host.put(GOOD, good, 3, 33);
            assertThat(host.read(GOOD, good, 3)).isEqualTo(33);
            assertThat(host.branches.upkeep().compact("good", true, true)).isNotNull();
        }
    }

    @Test
    void whatIsNoTenantStopsNobody() throws Exception {
        makeTwo();
        Files.createDirectories(root.resolve("objects/tenants/lost+found"));
        Files.writeString(root.resolve("objects/tenants/lost+found/x"), "x");
        Files.writeString(root.resolve("server/locations").resolve(BAD.toString()), "{nonsense");
        try (TenantHost host = host()) {
            assertThat(host.branches.list()).extracting(BranchView::name).containsExactly("good");
            assertThat(host.get(of(BAD)).body()).contains("Broken").contains("locations");
            assertThat(host.send("PUT", of(BAD) + "/location_config", "{\"mode\":\"AttachedSingle\",\"generation\":1}")
                            .status())
                    .isEqualTo(200);
            assertThat(host.get(of(BAD)).body()).contains("\"slug\":\"Active\"");
        }
    }

    @Test
    void aBrokenTenantCanBeDeletedOrServedAgainOnceItIsWhole() throws Exception {
        makeTwo();
        Path index = files("objects/tenants/" + BAD).stream()
                .filter(file -> file.getFileName().toString().startsWith("index_part"))
                .findFirst()
                .orElseThrow();
        byte[] whole = Files.readAllBytes(index);
        damage(BAD, "index_part");
        try (TenantHost host = host()) {
            assertThat(host.get(of(BAD)).body()).contains("Broken");
            Files.delete(index);
            Files.write(index, whole);
            assertThat(host.send("POST", of(BAD) + "/reset", null).status()).isEqualTo(200);
            assertThat(host.get(of(BAD)).body()).contains("\"slug\":\"Active\"");
            assertThat(host.branches.view("bad").phase()).isEqualTo(BranchView.Phase.READY);
        }
        damage(BAD, "index_part");
        try (TenantHost host = host()) {
            assertThat(host.get(of(BAD)).body()).contains("Broken");
            assertThat(host.send("DELETE", of(BAD), null).status()).isEqualTo(200);
            assertThat(host.get(of(BAD)).status()).isEqualTo(404);
            assertThat(host.send("DELETE", of(BAD), null).status()).isEqualTo(200);
        }
        assertThat(files("objects/tenants/" + BAD + "/timelines")).isEmpty();
        assertThat(files("server/tenants/" + BAD)).isEmpty();
        try (TenantHost host = host()) {
            assertThat(host.get(of(BAD)).status()).isEqualTo(404);
            assertThat(host.branches.list()).extracting(BranchView::name).containsExactly("good");
        }
    }

    @Test
    void aTenantLeavesAndComesBackAndAnotherServerMayHaveItMeanwhile() throws Exception {
        makeTwo();
        String place = of(BAD) + "/location_config";
        try (TenantHost host = host()) {
            TimelineId bad = TimelineId.parse(host.branches.view("bad").timeline());
            host.put(BAD, bad, 7, 70);
            assertThat(host.get("/v1/location_config").body()).contains(BAD.toString());
            assertThat(host.send("PUT", place, "{\"mode\":\"Detached\"}").status())
                    .isEqualTo(200);
            assertThat(host.get(of(BAD)).status()).isEqualTo(404);
            assertThat(host.get(place).status()).isEqualTo(404);
            assertThat(host.branches.list()).extracting(BranchView::name).containsExactly("good");
            assertThat(files("server/tenants/" + BAD)).isEmpty();
            assertThat(files("objects/tenants/" + BAD)).isNotEmpty();
            assertThat(host.send("DELETE", of(BAD), null).status()).isEqualTo(409);
            try (TenantHost other = new TenantHost(root.resolve("other"), root.resolve("objects"))) {
                other.put(BAD, bad, 8, 80);
                assertThat(other.branches.tenants().retention(BAD)).isNotNull();
                assertThat(other.send("POST", "/palimpsest/v1/tenant/" + GOOD + "/detach", null)
                                .status())
                        .isEqualTo(204);
            }
        }
        try (TenantHost host = host()) {
            assertThat(host.get(of(BAD)).status()).isEqualTo(404);
            assertThat(host.send("PUT", place, "{\"mode\":\"AttachedSingle\",\"generation\":5}")
                            .body())
                    .contains("\"shard_id\":\"" + BAD + "\",\"node_id\":1");
            assertThat(host.get(of(BAD)).body()).contains("\"slug\":\"Active\"");
            assertThat(host.get(place).body()).contains("\"generation\":5");
            TimelineId bad = TimelineId.parse(host.branches.view("bad").timeline());
            assertThat(host.read(BAD, bad, 7)).isEqualTo(70);
            assertThat(host.read(BAD, bad, 8)).isEqualTo(80);
            assertThat(host.send("PUT", place, "{\"mode\":\"AttachedSingle\",\"generation\":4}")
                            .status())
                    .isEqualTo(400);
            for (String refused : List.of(
                    "{\"mode\":\"AttachedSingle\"}",
                    "{\"mode\":\"Secondary\",\"generation\":6}",
                    "{\"mode\":\"AttachedMulti\",\"generation\":6}",
                    "{\"mode\":\"AttachedSingle\",\"generation\":6,\"shard_count\":2}",
                    "{\"mode\":\"AttachedSingle\",\"generation\":6,\"colour\":2}",
                    "{\"mode\":\"AttachedSingle\",\"generation\":6,\"tenant_conf\":{\"gc_horizont\":1}}")) {
                assertThat(host.send("PUT", place, refused).status())
                        .as(refused)
                        .isEqualTo(400);
            }
            assertThat(host.get(of(BAD)).body()).contains("\"slug\":\"Active\"");
        }
    }

    @Test
    void whatAnotherServerTookIsBrokenHere() throws Exception {
        makeTwo();
        try (TenantHost host = host()) {
            TimelineId bad = TimelineId.parse(host.branches.view("bad").timeline());
            try (TenantHost other = new TenantHost(root.resolve("other"), root.resolve("objects"))) {
                assertThat(other.get(of(BAD)).body()).contains("\"slug\":\"Active\"");
                RequestContext context = RequestContext.of(TaskKind.FLUSH);
                assertThat(host.store.tenant(BAD, context).life().isSuperseded())
                        .isFalse();
                assertThat(host.send("PUT", "/v1/tenant/config", "{\"tenant_id\":\"" + BAD + "\",\"gc_horizon\":1}")
                                .status())
                        .isEqualTo(500);
                assertThat(host.get(of(BAD)).body()).contains("Broken").contains("another server has claimed it");
                assertThat(host.read(BAD, bad, 0)).isEqualTo(1);
            }
            assertThat(host.send("POST", of(BAD) + "/reset?drop_cache=true", null)
                            .status())
                    .isEqualTo(200);
            assertThat(host.get(of(BAD)).body()).contains("\"slug\":\"Active\"");
            host.put(BAD, bad, 9, 90);
        }
    }

    @Test
    void aTenantHasSettingsOfItsOwnWhichCountAtOnceAndStay() throws Exception {
        makeTwo();
        String id = "\"tenant_id\":\"" + BAD + "\"";
        try (TenantHost host = host()) {
            String put = "{" + id
                    + ",\"checkpoint_distance\":\"1MiB\",\"pitr_interval\":\"1 d\",\"gc_horizon\":4096,\"compaction_threshold\":40}";
            assertThat(host.send("PUT", "/v1/tenant/config", put).status()).isEqualTo(200);
            assertThat(host.tenants().retention(BAD).gcHorizon()).isEqualTo(4096);
            assertThat(host.tenants().retention(BAD).pitrInterval()).hasDays(1);
            assertThat(host.tenants().retention(GOOD).pitrInterval()).hasDays(7);
            assertThat(host.send("PATCH", "/v1/tenant/config", "{" + id + ",\"gc_horizon\":null,\"gc_period\":\"0\"}")
                            .status())
                    .isEqualTo(200);
            String config = host.get(of(BAD) + "/config").body();
            assertThat(config)
                    .contains(
                            "\"tenant_specific_overrides\":{\"checkpoint_distance\":\"1MiB\",\"compaction_threshold\":40,"
                                    + "\"gc_period\":\"0\",\"pitr_interval\":\"1 d\"}")
                    .contains("\"checkpoint_distance\":1048576")
                    .contains("\"gc_horizon\":67108864");
            TenantHost.Answer unknown =
                    host.send("PATCH", "/v1/tenant/config", "{" + id + ",\"gc_horizont\":3,\"max_frozen_layers\":0}");
            assertThat(unknown.status()).isEqualTo(400);
            assertThat(unknown.body()).contains("gc_horizont").contains("max_frozen_layers");
            assertThat(host.send("PATCH", "/v1/tenant/config", "{" + id + ",\"compaction_period\":\"3 s\"}")
                            .body())
                    .contains("compaction_period counts for all tenants");
            assertThat(host.send("PATCH", "/v1/tenant/config", "{\"gc_horizon\":3}")
                            .status())
                    .isEqualTo(400);
            assertThat(host.get(of(BAD) + "/config").body()).isEqualTo(config);
            assertThat(host.store
                            .tenant(BAD, RequestContext.of(TaskKind.LIFECYCLE))
                            .all()
                            .getFirst()
                            .upkeep()
                            .settings(host.store.compactionSettings())
                            .l0Threshold())
                    .isEqualTo(40);
        }
        try (TenantHost other = new TenantHost(root.resolve("other"), root.resolve("objects"))) {
            assertThat(other.get(of(BAD) + "/config").body()).contains("\"checkpoint_distance\":\"1MiB\"");
            assertThat(other.tenants().retention(BAD).gcPeriod()).isZero();
            assertThat(other.send(
                                    "PUT",
                                    of(BAD) + "/location_config",
                                    "{\"mode\":\"AttachedSingle\",\"generation\":1,\"tenant_conf\":{}}")
                            .status())
                    .isEqualTo(200);
            assertThat(other.get(of(BAD) + "/config").body()).contains("\"tenant_specific_overrides\":{}");
        }
        try (TenantHost host = host()) {
            assertThat(host.get(of(BAD) + "/config").body()).contains("\"tenant_specific_overrides\":{}");
        }
    }

    @Test
    void aTenantHasItsHistoryCompactedAsItSays() throws Exception {
        makeTwo();
        String id = "\"tenant_id\":\"" + BAD + "\"";
        HistorySettings usual = HistorySettings.DEFAULT;
        HistorySettings own = new HistorySettings(1 << 20, 50, usual.jobBytes(), usual.maxChain());
        try (TenantHost host = host()) {
            assertThat(host.get(of(BAD) + "/config").body())
                    .contains("\"gc_compaction_enabled\":true")
                    .contains("\"gc_compaction_initial_threshold_kb\":5242880");
            String put = "{" + id + ",\"gc_compaction_enabled\":false,\"gc_compaction_initial_threshold_kb\":1024,"
                    + "\"gc_compaction_ratio_percent\":50}";
            assertThat(host.send("PUT", "/v1/tenant/config", put).status()).isEqualTo(200);
            assertThat(host.tenants().retention(BAD).historyCompacted()).isFalse();
            assertThat(host.tenants().retention(BAD).history()).isEqualTo(own);
            assertThat(host.tenants().retention(GOOD).historyCompacted()).isTrue();
            assertThat(host.tenants().retention(GOOD).history()).isEqualTo(usual);
            assertThat(host.get(of(BAD) + "/config").body())
                    .contains("\"tenant_specific_overrides\":{\"gc_compaction_enabled\":false,"
                            + "\"gc_compaction_initial_threshold_kb\":1024,\"gc_compaction_ratio_percent\":50}")
                    .contains("\"effective_config\":")
                    .doesNotContain("5242880");
            TenantHost.Answer wrong = host.send(
                    "PATCH",
                    "/v1/tenant/config",
                    "{" + id + ",\"gc_compaction_enabled\":\"no\",\"gc_compaction_ratio_percent\":0}");
            assertThat(wrong.status()).isEqualTo(400);
            assertThat(wrong.body()).contains("gc_compaction_enabled").contains("gc_compaction_ratio_percent");
            String on = "{" + id + ",\"gc_compaction_enabled\":null}";
            assertThat(host.send("PATCH", "/v1/tenant/config", on).status()).isEqualTo(200);
            assertThat(host.tenants().retention(BAD).historyCompacted()).isTrue();
        }
        try (TenantHost other = new TenantHost(root.resolve("other"), root.resolve("objects"))) {
            assertThat(other.get(of(BAD) + "/config").body()).contains("\"gc_compaction_ratio_percent\":50");
            assertThat(other.tenants().retention(BAD).historyCompacted()).isTrue();
            assertThat(other.tenants().retention(BAD).history()).isEqualTo(own);
        }
    }

    @Test
    void aTenantHasAThrottleOfItsOwnWhichCountsAtOnceAndStays() throws Exception {
        makeTwo();
        String id = "\"tenant_id\":\"" + BAD + "\"";
        String throttle = "\"timeline_get_throttle\":{\"initial\":3,\"max\":50,\"refill_amount\":10,"
                + "\"refill_interval\":\"100ms\",\"task_kinds\":[\"PageRequestHandler\"]}";
        String effective = throttle.replace("100ms", "100 ms");
        String none = "\"timeline_get_throttle\":{\"initial\":0,\"max\":0,\"refill_amount\":0,"
                + "\"refill_interval\":\"1 s\",\"task_kinds\":[]}";
        ThrottleSettings tens = new ThrottleSettings(true, 3, Duration.ofMillis(100), 10, 50);
        try (TenantHost host = host()) {
            ServedTimelines served = host.branches.served();
            assertThat(host.get(of(BAD) + "/config").body()).contains("\"tenant_specific_overrides\":{}", none);
            assertThat(host.send("PUT", "/v1/tenant/config", "{" + id + "," + throttle + "}")
                            .status())
                    .isEqualTo(200);
            assertThat(served.throttle(BAD)).contains(tens);
            assertThat(served.throttle(GOOD)).isEmpty();
            String config = host.get(of(BAD) + "/config").body();
            assertThat(config).contains("\"tenant_specific_overrides\":{" + throttle + "}", effective);
            host.tenants().throttles().servers(() -> new ThrottleSettings(true, 0, Duration.ofSeconds(2), 7, 8));
            assertThat(host.get(of(BAD) + "/config").body()).isEqualTo(config);
            assertThat(host.get(of(GOOD) + "/config").body())
                    .contains("\"max\":8,\"refill_amount\":7,\"refill_interval\":\"2 s\"");
            TenantHost.Answer wrong = host.send(
                    "PATCH",
                    "/v1/tenant/config",
                    "{" + id
                            + ",\"timeline_get_throttle\":{\"task_kinds\":[\"Compaction\"],\"max\":-1,\"maximum\":1}}");
            assertThat(wrong.status()).isEqualTo(400);
            assertThat(wrong.body())
                    .contains("timeline_get_throttle.task_kinds", "Compaction")
                    .contains("timeline_get_throttle.max is to be from 0")
                    .contains("timeline_get_throttle.maximum is unknown");
            assertThat(host.get(of(BAD) + "/config").body()).isEqualTo(config);
            assertThat(host.send("PATCH", "/v1/tenant/config", "{" + id + ",\"gc_horizon\":5}")
                            .status())
                    .isEqualTo(200);
            assertThat(served.throttle(BAD)).contains(tens);
        }
        try (TenantHost other = new TenantHost(root.resolve("other"), root.resolve("objects"))) {
            assertThat(other.get(of(BAD) + "/config").body()).contains("\"gc_horizon\":5," + throttle);
            assertThat(other.branches.served().throttle(BAD)).contains(tens);
            String off = "{" + id + ",\"timeline_get_throttle\":{\"task_kinds\":[]}}";
            assertThat(other.send("PATCH", "/v1/tenant/config", off).status()).isEqualTo(200);
            assertThat(other.branches.served().throttle(BAD).orElseThrow().enabled())
                    .isFalse();
            assertThat(other.send("PATCH", "/v1/tenant/config", "{" + id + ",\"timeline_get_throttle\":null}")
                            .status())
                    .isEqualTo(200);
            assertThat(other.branches.served().throttle(BAD)).isEmpty();
            String located = "{\"mode\":\"AttachedSingle\",\"generation\":1,\"tenant_conf\":{" + throttle + "}}";
            assertThat(other.send("PUT", of(BAD) + "/location_config", located).status())
                    .isEqualTo(200);
            assertThat(other.branches.served().throttle(BAD)).contains(tens);
            assertThat(other.send("PUT", of(BAD) + "/location_config", located.replace("\"100ms\"", "100"))
                            .body())
                    .contains("timeline_get_throttle.refill_interval wants a duration");
        }
    }

    @Test
    void aSecondaryIsWarmWhenItTakesATenantOver() throws Exception {
        makeTwo();
        String place = of(BAD) + "/location_config";
        TimelineId bad;
        try (TenantHost other = new TenantHost(root.resolve("other"), root.resolve("objects"))) {
            bad = TimelineId.parse(other.branches.view("bad").timeline());
            assertThat(other.send("PUT", place, "{\"mode\":\"Secondary\",\"secondary_conf\":{\"warm\":true}}")
                            .status())
                    .isEqualTo(200);
            other.send("POST", "/palimpsest/v1/tenant/" + GOOD + "/detach", null);
            try (TenantHost host = host()) {
                host.put(BAD, bad, 5, 55);
                assertThat(host.send("POST", of(BAD) + "/secondary/download", null)
                                .status())
                        .isEqualTo(404);
                assertThat(host.send("POST", of(BAD) + "/heatmap_upload", null).status())
                        .isEqualTo(200);
                TenantHost.Answer warmed = other.send("POST", of(BAD) + "/secondary/download", null);
                assertThat(warmed.status()).isIn(200, 202);
                assertThat(other.get(of(BAD)).status()).isEqualTo(404);
                assertThat(other.get(of(BAD) + "/timeline").status()).isEqualTo(404);
                assertThat(other.get(place).body()).contains("\"mode\":\"Secondary\"");
                assertThat(other.branches.list()).isEmpty();
                while (!other.get(of(BAD) + "/secondary/status")
                        .body()
                        .contains("\"layers_downloaded\":2,\"layers_total\":2")) {
                    other.send("POST", of(BAD) + "/secondary/download", null);
                }
                assertThat(files("other/tenants/" + BAD)).hasSize(2);
            }
            assertThat(other.send("PUT", place, "{\"mode\":\"AttachedSingle\",\"generation\":2}")
                            .status())
                    .isEqualTo(200);
            assertThat(other.read(BAD, bad, 5)).isEqualTo(55);
            assertThat(other.branches.view("bad").downloads()).isEqualTo(BranchView.Downloads.NONE);
            assertThat(other.branches.view("bad").residentBytes())
                    .isEqualTo(other.branches.view("bad").layerBytes())
                    .isPositive();
            assertThat(other.get("/v1/utilization").body())
                    .contains("\"shard_count\":1")
                    .contains("utilization_score");
        }
    }
}
