package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.postgres.Lsn;
import java.util.List;
import java.util.stream.Stream;

/** Requests for every route of the API, one for each answer that it says it has. */
final class ApiSamples {
    private static final String TENANT = "/v1/tenant/{tenant}";
    private static final String TIMELINES = TENANT + "/timeline";
    private static final String TIMELINE = TIMELINES + "/{timeline}";
    private static final String LAYER = TIMELINE + "/layer/{layer}";
    private static final String KEY = "000000067F00000005000040000000000001";
    private static final String OWN = "/palimpsest/v1";
    private static final String ADOPT = OWN + "/adopt/{name}";
    private static final String BRANCH = OWN + "/branch/{name}";
    private static final String NEW_TIMELINE = "0123456789abcdef0123456789abcdef";

    private ApiSamples() {}

    static List<ApiSample> all() {
        return Stream.concat(
                        Stream.of(
                                        operations(),
                                        tenants(),
                                        timelines(),
                                        timelineUpkeep(),
                                        layers(),
                                        branches(),
                                        history(),
                                        pages(),
                                        endpoints())
                                .flatMap(List::stream),
                        onArchived())
                .toList();
    }

    private static void branch(FakeBranches branches) {
        try {
            branches.create("fix", "prod", Moment.LATEST);
        } catch (BranchException e) {
            throw new AssertionError(e);
        }
    }

    private static void archived(FakeBranches branches) {
        branch(branches);
        try {
            branches.archive("fix", false);
        } catch (BranchException e) {
            throw new AssertionError(e);
        }
    }

    private static void archiveProd(FakeBranches branches) {
        try {
            branches.archive("prod", true);
        } catch (BranchException e) {
            throw new AssertionError(e);
        }
    }

    private static String timelineOf(String branch) {
        FakeBranches branches = new FakeBranches().withProd();
        branch(branches);
        try {
            return branches.view(branch).timeline();
        } catch (BranchException e) {
            throw new AssertionError(e);
        }
    }

    private static ApiSample ok(String route) {
        return ApiSample.of(route, 200);
    }

    private static List<ApiSample> operations() {
        return List.of(
                ok("GET /openapi.json"),
                ok("GET /swagger.yml"),
                ok("GET /healthz"),
                ok("GET /readyz"),
                ApiSample.of("GET /readyz", 503).problem("the object store cannot be reached"),
                ok("GET /metrics"),
                ok("POST " + OWN + "/reload"),
                ok("POST /v1/reload_auth_validation_keys"),
                ok("GET /v1/status"),
                ok("GET /v1/tenant"),
                ok("GET " + TENANT));
    }

    private static List<ApiSample> tenants() {
        String own = "{\"tenant_id\": \"" + FakeBranches.TENANT + "\", \"gc_horizon\": 4096,"
                + " \"timeline_get_throttle\": {\"task_kinds\": [\"PageRequestHandler\"], \"initial\": 0,"
                + " \"refill_interval\": \"100ms\", \"refill_amount\": 100, \"max\": 100}}";
        String place = "{\"mode\": \"AttachedSingle\", \"generation\": 8, \"tenant_conf\": {}}";
        return List.of(
                ok("DELETE " + TENANT),
                ok("POST " + TENANT + "/reset").query("drop_cache", "true"),
                ok("GET " + TENANT + "/config"),
                ok("PUT /v1/tenant/config").body(own),
                ApiSample.of("PUT /v1/tenant/config", 404).body(own.replace(FakeBranches.TENANT, NEW_TIMELINE)),
                ok("PATCH /v1/tenant/config").body(own),
                ApiSample.of("PATCH /v1/tenant/config", 404).body(own.replace(FakeBranches.TENANT, NEW_TIMELINE)),
                ok("GET /v1/location_config"),
                ok("GET /v1/location_config/{tenant}"),
                ok("GET " + TENANT + "/location_config"),
                ok("PUT " + TENANT + "/location_config").body(place),
                ok("POST " + TENANT + "/heatmap_upload"),
                ok("GET " + TENANT + "/secondary/status"),
                ok("POST " + TENANT + "/secondary/download"),
                ApiSample.of("POST " + TENANT + "/secondary/download", 202)
                        .after(branches -> branches.tenants().slow = true),
                ok("GET /v1/utilization"),
                ok("GET " + OWN + "/tenant"),
                ApiSample.of("POST " + OWN + "/tenant/{tenant}/attach", 204).body("{\"secondary\": true}"),
                ApiSample.of("POST " + OWN + "/tenant/{tenant}/detach", 204),
                busy("DELETE " + TENANT),
                busy("POST " + TENANT + "/reset"),
                busy("PUT " + TENANT + "/location_config").body(place),
                busy("POST " + OWN + "/tenant/{tenant}/attach"),
                busy("POST " + OWN + "/tenant/{tenant}/detach"));
    }

    private static ApiSample busy(String route) {
        return ApiSample.of(route, 409)
                .after(branches -> branches.tenants().refusal =
                        new TenantException(TenantException.Kind.CONFLICT, "something else is being done with it"));
    }

    private static List<ApiSample> timelines() {
        String create = "{\"new_timeline_id\": \"" + NEW_TIMELINE + "\", \"ancestor_timeline_id\": \""
                + FakeBranches.TIMELINE + "\"";
        String fix = timelineOf("fix");
        return List.of(
                ok("GET " + TIMELINES),
                ok("GET " + TENANT + "/timeline_and_offloaded").after(ApiSamples::archived),
                ApiSample.of("POST " + TIMELINES, 201).body(create + "}"),
                ApiSample.of("POST " + TIMELINES, 406).body(create + ", \"ancestor_start_lsn\": \"0/9000\"}"),
                ApiSample.of("POST " + TIMELINES, 409)
                        .body(create.replace(NEW_TIMELINE, fix) + ", \"ancestor_start_lsn\": \"0/4000\"}")
                        .after(ApiSamples::branch),
                ok("GET " + TIMELINE),
                ok("PUT " + TIMELINE + "/archival_config")
                        .with("timeline", fix)
                        .after(ApiSamples::branch)
                        .body("{\"state\": \"Archived\"}"),
                ApiSample.of("PUT " + TIMELINE + "/archival_config", 412).body("{\"state\": \"Archived\"}"),
                ok("PUT " + TIMELINE + "/offload").with("timeline", fix).after(ApiSamples::archived),
                ApiSample.of("PUT " + TIMELINE + "/offload", 412),
                ok("PUT " + TIMELINE + "/detach_ancestor").with("timeline", fix).after(ApiSamples::branch),
                ApiSample.of("PUT " + TIMELINE + "/detach_ancestor", 409)
                        .with("timeline", fix)
                        .after(branches -> {
                            branch(branches);
                            branches.refusal = new BranchException(BranchException.Kind.CONFLICT, "it is busy");
                        }),
                ApiSample.of("DELETE " + TIMELINE, 202),
                ApiSample.of("DELETE " + TIMELINE, 412).after(ApiSamples::branch),
                ok("GET " + TIMELINE + "/get_lsn_by_timestamp").query("timestamp", "2026-11-20T10:00:04Z"),
                ok("GET " + TIMELINE + "/get_timestamp_of_lsn").query("lsn", "0/4100"),
                ApiSample.of("GET " + TIMELINE + "/get_timestamp_of_lsn", 412).query("lsn", "0/2000"));
    }

    private static List<ApiSample> timelineUpkeep() {
        return List.of(
                ok("PUT " + TIMELINE + "/do_gc").body("{\"gc_horizon\": 4096}"),
                ok("PUT " + TIMELINE + "/compact").query("force_l0_compaction", "true"),
                ok("PUT " + TIMELINE + "/checkpoint").query("compact", "false"),
                ok("POST " + TIMELINE + "/lsn_lease").body("{\"lsn\": \"0/4000\"}"),
                ok("PUT " + TIMELINE + "/lsn_lease").body("{\"lsn\": \"0/4000\"}"));
    }

    private static List<ApiSample> layers() {
        String all = TIMELINE + "/download_remote_layers";
        String four = "{\"max_concurrent_downloads\": 4}";
        return List.of(
                ok("GET " + TIMELINE + "/layer"),
                ok("GET " + LAYER).with("layer", FakeLayers.IMAGE),
                ApiSample.of("GET " + LAYER, 304).with("layer", FakeLayers.DELTA),
                ok("DELETE " + LAYER).with("layer", FakeLayers.DELTA),
                ApiSample.of("DELETE " + LAYER, 304).with("layer", FakeLayers.IMAGE),
                ApiSample.of("POST " + all, 202).body(four),
                ApiSample.of("POST " + all, 409).body(four).after(ApiSamples::downloading),
                ok("GET " + all).after(ApiSamples::downloading),
                ok("POST " + TIMELINE + "/block_gc"),
                ok("POST " + TIMELINE + "/unblock_gc"),
                ok("GET " + TIMELINE + "/getpage").query("key", KEY).query("lsn", "0/4000"),
                ok("GET " + TIMELINE + "/touchpage").query("key", KEY));
    }

    private static void downloading(FakeBranches branches) {
        try {
            branches.layers().downloadAll("prod", 1);
        } catch (BranchException e) {
            throw new AssertionError(e);
        }
    }

    private static List<ApiSample> branches() {
        String create = "{\"name\": \"fix\", \"from\": \"prod\"}";
        return List.of(
                ok("GET " + OWN + "/branch"),
                ApiSample.of("POST " + OWN + "/branch", 201).body(create),
                ApiSample.of("POST " + OWN + "/branch", 404).body(create.replace("prod", "none")),
                ApiSample.of("POST " + OWN + "/branch", 409).body(create).after(ApiSamples::branch),
                ok("GET " + BRANCH),
                ok("DELETE " + BRANCH),
                ApiSample.of("DELETE " + BRANCH, 409).after(ApiSamples::branch),
                ok("PUT " + BRANCH + "/detach").with("name", "fix").after(ApiSamples::branch),
                ok("PUT " + BRANCH + "/archive").query("force", "true"),
                ApiSample.of("PUT " + BRANCH + "/archive", 409),
                ok("PUT " + BRANCH + "/unarchive").with("name", "fix").after(ApiSamples::archived),
                ApiSample.of("PUT " + BRANCH + "/unarchive", 409)
                        .with("name", "fix")
                        .after(branches -> {
                            archived(branches);
                            archiveProd(branches);
                        }),
                ok("GET " + BRANCH + "/position").query("at", "0/4000"),
                ApiSample.of("POST " + OWN + "/attach", 202)
                        .after(branches -> branches.attachAnswers("new", progress()))
                        .body("{\"name\": \"new\", \"connection\": \"host=db\"}"),
                ApiSample.of("POST " + OWN + "/attach", 409).body("{\"name\": \"prod\", \"connection\": \"host=db\"}"),
                ApiSample.of("PUT " + ADOPT, 201).with("name", "new").body("an archive"),
                ApiSample.of("PUT " + ADOPT, 409).body("an archive"),
                ok("GET " + ADOPT).with("name", "new").after(branches -> branches.attachAnswers("new", progress())),
                ok("GET " + OWN + "/attach").after(branches -> branches.attachAnswers("new", progress())),
                ok("GET " + OWN + "/attach/{name}")
                        .with("name", "new")
                        .after(branches -> branches.attachAnswers("new", progress())));
    }

    /** What is not possible with a branch that is archived. */
    private static Stream<ApiSample> onArchived() {
        String fix = timelineOf("fix");
        return Stream.of(
                        ApiSample.of("GET " + TIMELINE + "/layer", 409),
                        ApiSample.of("GET " + LAYER, 409).with("layer", FakeLayers.IMAGE),
                        ApiSample.of("DELETE " + LAYER, 409).with("layer", FakeLayers.DELTA),
                        ApiSample.of("POST " + TIMELINE + "/block_gc", 409),
                        ApiSample.of("POST " + TIMELINE + "/unblock_gc", 409),
                        ApiSample.of("GET " + TIMELINE + "/download_remote_layers", 409),
                        ApiSample.of("GET " + TIMELINE + "/getpage", 409).query("key", KEY),
                        ApiSample.of("GET " + TIMELINE + "/touchpage", 409).query("key", KEY),
                        ApiSample.of("PUT " + BRANCH + "/detach", 409),
                        ApiSample.of("PUT " + BRANCH + "/flush", 409),
                        ApiSample.of("PUT " + BRANCH + "/gc", 409),
                        ApiSample.of("PUT " + BRANCH + "/compact", 409),
                        ApiSample.of("PUT " + BRANCH + "/compact-history", 409),
                        ApiSample.of("GET " + BRANCH + "/history", 409),
                        ApiSample.of("POST " + BRANCH + "/lease", 409).body("{\"lsn\": \"0/4000\"}"),
                        ApiSample.of("PUT " + BRANCH + "/retention", 409).body("{\"gc_horizon\": 4096}"),
                        ApiSample.of("DELETE " + BRANCH + "/retention", 409),
                        ApiSample.of("POST " + BRANCH + "/verify", 409).body("{\"directory\": \"/data\"}"),
                        ApiSample.of("DELETE " + BRANCH + "/endpoint", 409))
                .map(sample -> sample.with("name", "fix").with("timeline", fix).after(ApiSamples::archived));
    }

    private static AttachProgress progress() {
        return new AttachProgress(
                "new", "taking the base backup in", 4096, 8192, 1, new Lsn(0x1000), null, null, List.of(), false, null);
    }

    private static List<ApiSample> history() {
        return List.of(
                ok("PUT " + BRANCH + "/flush"),
                ok("PUT " + BRANCH + "/gc").body("{\"pitr_interval\": \"2h\", \"dry_run\": true}"),
                ok("PUT " + BRANCH + "/compact").body("{\"images\": true}"),
                ok("PUT " + BRANCH + "/compact-history"),
                ok("GET " + BRANCH + "/history"),
                ok("POST " + BRANCH + "/lease").body("{\"lsn\": \"0/4000\"}"),
                ApiSample.of("PUT " + BRANCH + "/retention", 204).body("{\"gc_horizon\": 4096}"),
                ApiSample.of("DELETE " + BRANCH + "/retention", 204));
    }

    private static List<ApiSample> pages() {
        return List.of(
                ok("GET " + BRANCH + "/page").query("relation", "1663/5/16384").query("block", "0"),
                ok("GET " + BRANCH + "/page_history")
                        .query("relation", "1663/5/16384")
                        .query("block", "0"),
                ok("GET " + BRANCH + "/restore").query("at", "0/3000"),
                ok("POST " + BRANCH + "/verify").body("{\"directory\": \"/data\", \"server\": \"standby\"}"));
    }

    private static List<ApiSample> endpoints() {
        return List.of(
                ok("GET " + OWN + "/endpoint").after(ApiSamples::started),
                ok("POST " + BRANCH + "/endpoint")
                        .with("name", "fix")
                        .after(ApiSamples::branch)
                        .body("{\"port\": 5555}"),
                ApiSample.of("POST " + BRANCH + "/endpoint", 409),
                ok("DELETE " + BRANCH + "/endpoint").with("name", "fix").after(ApiSamples::started));
    }

    private static void started(FakeBranches branches) {
        branch(branches);
        try {
            branches.startEndpoint("fix", 5555, null);
        } catch (BranchException e) {
            throw new AssertionError(e);
        }
    }
}
