package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.GcView;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.storage.gc.GcPlanner;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The upkeep of timelines as Neon's API has it. */
final class TimelineUpkeepResource {
    private static final String ONE = "/v1/tenant/{tenant}/timeline/{timeline}";
    private static final DateTimeFormatter MILLIS =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    private record DoGc(@Nullable Long gcHorizon) {}

    private record Lease(@Nullable String lsn) {}

    private record Leased(String validUntil) {}

    /** What Neon says of a run; {@code elapsed} is in milliseconds. */
    private record GcResult(
            int layersTotal,
            int layersNeededByCutoff,
            int layersNeededByPitr,
            int layersNeededByBranches,
            int layersNeededByLeases,
            int layersNotUpdated,
            int layersRemoved,
            long elapsed) {}

    private final BranchService service;

    TimelineUpkeepResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add("PUT", ONE + "/do_gc", Router.ANY, Access.TENANT, this::gc);
        router.add("PUT", ONE + "/compact", Router.ANY, Access.TENANT, this::compact);
        router.add("PUT", ONE + "/checkpoint", Router.ANY, Access.TENANT, this::checkpoint);
        router.add("POST", ONE + "/lsn_lease", Router.ANY, Access.TENANT, this::lease);
        router.add("PUT", ONE + "/lsn_lease", Router.ANY, Access.TENANT, this::lease);
    }

    private String name(Call call) throws HttpFailure {
        return TimelineResource.find(service, call).name();
    }

    private Reply gc(Call call) throws BranchException, HttpFailure {
        String name = name(call);
        Long horizon = call.body(DoGc.class, new DoGc(null)).gcHorizon();
        if (horizon != null && horizon < 0) {
            throw HttpFailure.badRequest("gc_horizon is negative: " + horizon);
        }
        GcView done = service.upkeep().gc(name, new RetentionOverride(null, horizon), false);
        Map<GcPlanner.Kept, Integer> kept = done.layersKept();
        return Reply.ok(new GcResult(
                done.layers(),
                kept.getOrDefault(GcPlanner.Kept.BY_SPACE, 0),
                kept.getOrDefault(GcPlanner.Kept.BY_TIME, 0),
                kept.getOrDefault(GcPlanner.Kept.BY_BRANCH, 0),
                kept.getOrDefault(GcPlanner.Kept.BY_LEASE, 0),
                kept.getOrDefault(GcPlanner.Kept.NOT_COVERED, 0),
                done.layersRemoved(),
                done.elapsed().toMillis()));
    }

    private static boolean flag(Call call, String name) throws HttpFailure {
        String value = call.parameter(name);
        return switch (value) {
            case null -> false;
            case "true" -> true;
            case "false" -> false;
            default ->
                throw HttpFailure.badRequest("the parameter '" + name + "' is true or false, not '" + value + "'");
        };
    }

    /** What is compacted is uploaded when this returns, so {@code wait_until_uploaded} needs nothing more. */
    private Reply compact(Call call) throws BranchException, HttpFailure {
        String name = name(call);
        if (flag(call, "dry_run")) {
            throw HttpFailure.badRequest("there is no dry run of compaction");
        }
        if (flag(call, "enhanced_gc_bottom_most_compaction")) {
            service.upkeep().compactHistory(name);
        } else {
            compact(name, call);
        }
        return Reply.ok(Map.of());
    }

    private void compact(String name, Call call) throws BranchException, HttpFailure {
        if (flag(call, "force_l0_compaction")) {
            service.upkeep().compact(name, false, true);
        }
        service.upkeep().compact(name, true, flag(call, "force_image_layer_creation"));
    }

    private Reply checkpoint(Call call) throws BranchException, HttpFailure {
        String name = name(call);
        service.upkeep().flush(name);
        if (call.parameter("compact") == null || flag(call, "compact")) {
            compact(name, call);
        }
        return Reply.ok(Map.of());
    }

    private Reply lease(Call call) throws BranchException, HttpFailure {
        String name = name(call);
        String lsn = Call.required("lsn", call.body(Lease.class).lsn());
        Instant until = service.upkeep().lease(name, Call.parseLsn(lsn));
        return Reply.ok(new Leased(MILLIS.format(until)));
    }
}
