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
    private static final Parameter FORCE_L0 = Parameter.flag("force_l0_compaction", "Also if there are few L0 layers");
    private static final Parameter FORCE_IMAGES =
            Parameter.flag("force_image_layer_creation", "Image layers also where few deltas are");
    private static final Parameter WAIT =
            Parameter.flag("wait_until_uploaded", "What is done is uploaded always when the answer comes");
    static final DateTimeFormatter MILLIS =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    private record DoGc(@Nullable Long gcHorizon) {}

    private record LsnLease(@Nullable String lsn) {}

    private record LeasedLsn(String validUntil) {}

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
        router.add(Route.put(ONE + "/do_gc", "Removes what of a timeline's history is not kept")
                .access(Access.TENANT)
                .mayTake(DoGc.class)
                .answers(GcResult.class)
                .by(this::gc));
        router.add(
                Route.put(ONE + "/compact", "Compacts a timeline's layers, and makes image layers where they are due")
                        .access(Access.TENANT)
                        .query(FORCE_L0, FORCE_IMAGES, WAIT)
                        .query(
                                Parameter.flag("enhanced_gc_bottom_most_compaction", "Must not be set: there is none"),
                                Parameter.flag("dry_run", "Must not be set: there is none"))
                        .answers(200, new Route.Answer.JsonNull("Done"))
                        .by(this::compact));
        router.add(Route.put(ONE + "/checkpoint", "Writes what was taken in to layers, uploads and compacts them")
                .access(Access.TENANT)
                .query(FORCE_L0, FORCE_IMAGES, WAIT)
                .query(Parameter.flag("compact", "Whether to compact too; so it is if left out"))
                .answers(200, new Route.Answer.JsonNull("Done"))
                .by(this::checkpoint));
        router.add(lease(Route.post(ONE + "/lsn_lease", "Keeps an LSN readable for a while")));
        router.add(lease(Route.put(ONE + "/lsn_lease", "Keeps an LSN readable for a while")));
    }

    private Route lease(Route.Builder route) {
        return route.access(Access.TENANT)
                .takes(LsnLease.class, "lsn")
                .answers(LeasedLsn.class)
                .by(this::lease);
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

    /** What is compacted is uploaded when this returns, so {@code wait_until_uploaded} needs nothing more. */
    private Reply compact(Call call) throws BranchException, HttpFailure {
        String name = name(call);
        if (call.flag("dry_run")) {
            throw HttpFailure.badRequest("there is no dry run of compaction");
        }
        if (call.flag("enhanced_gc_bottom_most_compaction")) {
            service.upkeep().compactHistory(name);
        } else {
            compact(name, call);
        }
        return Reply.okNull();
    }

    private void compact(String name, Call call) throws BranchException {
        if (call.flag("force_l0_compaction")) {
            service.upkeep().compact(name, false, true);
        }
        service.upkeep().compact(name, true, call.flag("force_image_layer_creation"));
    }

    private Reply checkpoint(Call call) throws BranchException, HttpFailure {
        String name = name(call);
        service.upkeep().flush(name);
        if (call.flag("compact", true)) {
            compact(name, call);
        }
        return Reply.okNull();
    }

    private Reply lease(Call call) throws BranchException, HttpFailure {
        String name = name(call);
        String lsn = Call.required("lsn", call.body(LsnLease.class).lsn());
        Instant until = service.upkeep().lease(name, Call.parseLsn(lsn));
        return Reply.ok(new LeasedLsn(MILLIS.format(until)));
    }
}
