package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.LayerService;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Timelines as Neon's API shows and makes them. A branch that is made here has its timeline's ID for a name. */
final class TimelineResource {
    private static final String ALL = "/v1/tenant/{tenant}/timeline";
    private static final String ONE = ALL + "/{timeline}";

    private record CreateTimeline(
            @Nullable String newTimelineId,
            @Nullable String ancestorTimelineId,
            @Nullable String ancestorStartLsn,
            @Nullable Integer pgVersion,
            @Nullable Boolean readOnly) {}

    private record OffloadedTimeline(
            String tenantId,
            String timelineId,
            @Nullable String ancestorTimelineId,
            @Nullable Lsn ancestorRetainLsn,
            Instant archivedAt) {}

    private record TimelinesAndOffloaded(List<TimelineInfo> timelines, List<OffloadedTimeline> offloaded) {}

    private record ArchivalConfig(@Nullable String state) {}

    private record Reparented(List<String> reparentedTimelines) {}

    /**
     * @param kind {@code present}; {@code future}: no commit comes after the time; {@code past}: all do; {@code nodata}: no commit is
     *     known at all
     * @param validUntil until when it is leased; null if it is not
     */
    private record FoundLsn(Lsn lsn, String kind, @Nullable String validUntil) {}

    private static final Logger LOG = LoggerFactory.getLogger(TimelineResource.class);
    private static final Parameter WITH_SIZE = Parameter.flag(
            "include-non-incremental-logical-size",
            "Whether to read how large all relations are, which a single timeline says in any case");

    private final BranchService service;

    TimelineResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(of(Route.get(ALL, "The timelines of a tenant, without archived ones"))
                .query(WITH_SIZE)
                .answersList(TimelineInfo.class)
                .by(call -> Reply.ok(list(call))));
        router.add(of(Route.get("/v1/tenant/{tenant}/timeline_and_offloaded", "All timelines of a tenant"))
                .query(WITH_SIZE)
                .answers(TimelinesAndOffloaded.class)
                .by(call -> Reply.ok(new TimelinesAndOffloaded(list(call), offloaded(call)))));
        router.add(of(Route.post(ALL, "Makes a timeline that shares its history up to an LSN with another"))
                .takes(CreateTimeline.class, "new_timeline_id")
                .answers(201, new Route.Answer.Json("It is there, and durable", TimelineInfo.class, false))
                .fails(HttpFailure.NOT_ACCEPTABLE, "The ancestor is archived, or the LSN is not in its history")
                .fails(HttpFailure.CONFLICT, "There is a timeline of this ID that was made otherwise")
                .by(this::create));
        router.add(of(Route.get(ONE, "How a timeline stands"))
                .query(WITH_SIZE)
                .answers(TimelineInfo.class)
                .by(call -> Reply.ok(info(findHere(call), true))));
        router.add(of(Route.put(ONE + "/archival_config", "Archives a timeline, or takes it back"))
                .takes(ArchivalConfig.class, "state")
                .answers(200, new Route.Answer.JsonNull("Done, and durable"))
                .fails(HttpFailure.PRECONDITION_FAILED, "Its children are not archived, or its ancestor is")
                .by(this::archivalConfig));
        router.add(of(Route.put(ONE + "/offload", "Offloads an archived timeline, which it is already"))
                .answers(200, new Route.Answer.JsonNull("It is offloaded"))
                .fails(HttpFailure.PRECONDITION_FAILED, "It is not archived")
                .by(this::offload));
        router.add(of(Route.put(ONE + "/detach_ancestor", "Makes a timeline independent of its ancestor"))
                .query(Parameter.choice("detach_behavior", "What becomes of siblings: they are moved over", "v1"))
                .answers(Reparented.class)
                .fails(HttpFailure.CONFLICT, "Something else is being done with it")
                .by(this::detachAncestor));
        router.add(of(Route.delete(ONE, "Deletes a timeline"))
                .answers(202, new Route.Answer.Nothing("It is deleted"))
                .fails(HttpFailure.PRECONDITION_FAILED, "Other timelines come from it")
                .by(this::delete));
        router.add(of(Route.get(ONE + "/get_lsn_by_timestamp", "The LSN of the last commit up to a time"))
                .query(Parameter.time("timestamp", "The time").asRequired())
                .query(Parameter.flag("with_lease", "Whether to keep the LSN readable for a while"))
                .answers(FoundLsn.class)
                .by(this::lsnByTimestamp));
        router.add(of(Route.get(ONE + "/get_timestamp_of_lsn", "When the last commit up to an LSN was"))
                .query(Parameter.lsn("lsn", "The LSN").asRequired())
                .answers(Instant.class)
                .fails(HttpFailure.PRECONDITION_FAILED, "No commit is known up to there")
                .by(this::timestampOfLsn));
    }

    private static Route.Builder of(Route.Builder route) {
        return route.access(Access.TENANT);
    }

    private List<TimelineInfo> list(Call call) throws HttpFailure {
        List<BranchView> branches = TenantResource.branches(service, TenantResource.id(call));
        boolean sized = call.flag(WITH_SIZE.name());
        Map<String, String> timelines = new HashMap<>();
        branches.forEach(branch -> timelines.put(branch.name(), branch.timeline()));
        return branches.stream()
                .filter(branch -> branch.phase() != BranchView.Phase.ARCHIVED)
                .map(branch -> info(branch, branch.parent() == null ? null : timelines.get(branch.parent()), sized))
                .toList();
    }

    private List<OffloadedTimeline> offloaded(Call call) throws HttpFailure {
        String tenant = TenantResource.id(call);
        return service.archived().stream()
                .filter(branch -> branch.tenant().equals(tenant))
                .map(branch -> new OffloadedTimeline(
                        tenant, branch.timeline(), branch.ancestor(), branch.branchedAt(), branch.archivedAt()))
                .toList();
    }

    /** What is archived has nothing here that could be shown: to Neon it is offloaded at once. */
    private BranchView findHere(Call call) throws HttpFailure {
        BranchView branch = find(call);
        if (branch.phase() == BranchView.Phase.ARCHIVED) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "timeline " + branch.timeline() + " is offloaded");
        }
        return branch;
    }

    private Reply archivalConfig(Call call) throws BranchException, HttpFailure {
        String state = Call.required("state", call.body(ArchivalConfig.class).state());
        String name = find(call).name();
        try {
            switch (state) {
                case "Archived" -> service.archive(name, false);
                case "Unarchived" -> service.unarchive(name);
                default -> throw HttpFailure.badRequest("'state' is Archived or Unarchived, not '" + state + "'");
            }
        } catch (BranchException e) {
            failPrecondition(e);
        }
        return Reply.okNull();
    }

    /** Everything that is archived is offloaded. */
    private Reply offload(Call call) throws HttpFailure {
        BranchView branch = find(call);
        if (branch.phase() != BranchView.Phase.ARCHIVED) {
            throw new HttpFailure(
                    HttpFailure.PRECONDITION_FAILED, "timeline " + branch.timeline() + " is not archived");
        }
        return Reply.okNull();
    }

    private Reply detachAncestor(Call call) throws BranchException, HttpFailure {
        BranchView here = findHere(call);
        if (here.parent() == null && service.layers().facts(here.name()).formerAncestor() != null) {
            return Reply.ok(new Reparented(service.list().stream()
                    .filter(branch -> here.name().equals(branch.parent()))
                    .map(BranchView::timeline)
                    .toList()));
        }
        List<String> moved = service.detach(here.name());
        return Reply.ok(new Reparented(service.list().stream()
                .filter(branch -> moved.contains(branch.name()))
                .map(BranchView::timeline)
                .toList()));
    }

    /** Throws, always: what stands in the way is to Neon a precondition that does not hold. */
    private static void failPrecondition(BranchException e) throws BranchException, HttpFailure {
        if (e.kind() == BranchException.Kind.CONFLICT) {
            throw new HttpFailure(HttpFailure.PRECONDITION_FAILED, String.valueOf(e.getMessage()));
        }
        throw e;
    }

    private TimelineInfo info(BranchView branch, boolean sized) {
        String ancestor = null;
        try {
            ancestor = branch.parent() == null
                    ? null
                    : service.view(branch.parent()).timeline();
        } catch (BranchException e) {
            LOG.debug("the ancestor of timeline {} has gone: {}", branch.timeline(), e.getMessage());
        }
        return info(branch, ancestor, sized);
    }

    /** Whatever else is not known of a branch that comes or goes just now, there is what its view says. */
    private TimelineInfo info(BranchView branch, @Nullable String ancestor, boolean sized) {
        LayerService.Facts facts = null;
        Long size = null;
        try {
            facts = service.layers().facts(branch.name());
            if (sized && branch.phase() == BranchView.Phase.READY) {
                size = service.relationBytes(branch.name(), Moment.LATEST);
            }
        } catch (BranchException e) {
            LOG.debug("timeline {} is shown as far as it is known: {}", branch.timeline(), e.getMessage());
        }
        return TimelineInfo.of(branch, ancestor, facts, size);
    }

    private static TimelineId timelineId(String text) throws HttpFailure {
        try {
            return TimelineId.parse(text);
        } catch (IllegalArgumentException e) {
            throw HttpFailure.badRequest("not the ID of a timeline: " + e.getMessage());
        }
    }

    /** Null if there is none; waits a while for a tenant that is being loaded. */
    private static @Nullable BranchView find(BranchService service, TenantId tenant, TimelineId id) throws HttpFailure {
        TenantResource.awaitActive(service, tenant);
        Optional<String> name = service.nameOf(tenant, id);
        try {
            return name.isEmpty() ? null : service.view(name.get());
        } catch (BranchException e) {
            LOG.debug("timeline {} has gone: {}", id, e.getMessage());
            return null;
        }
    }

    private BranchView find(Call call) throws HttpFailure {
        return find(service, call);
    }

    /** The branch that is the timeline of a path. */
    static BranchView find(BranchService service, Call call) throws HttpFailure {
        TimelineId id = timelineId(call.variable("timeline"));
        TenantId tenant = TenantRoute.id(call);
        BranchView branch = find(service, tenant, id);
        if (branch == null) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "timeline " + tenant + "/" + id + " was not found");
        }
        return branch;
    }

    private Reply create(Call call) throws BranchException, HttpFailure {
        CreateTimeline request = call.body(CreateTimeline.class);
        TenantId tenant = TenantRoute.id(call);
        TenantResource.awaitActive(service, tenant);
        TimelineId id = timelineId(Call.required("new_timeline_id", request.newTimelineId()));
        if (request.ancestorTimelineId() == null) {
            throw HttpFailure.badRequest("a timeline without 'ancestor_timeline_id' would be a new cluster, which is"
                    + " made by attaching a PostgreSQL");
        }
        TimelineId ancestorId = timelineId(request.ancestorTimelineId());
        BranchView ancestor = find(service, tenant, ancestorId);
        if (ancestor == null) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "ancestor timeline " + ancestorId + " was not found");
        }
        if (ancestor.phase() == BranchView.Phase.ARCHIVED) {
            throw new HttpFailure(HttpFailure.NOT_ACCEPTABLE, "ancestor timeline " + ancestorId + " is archived");
        }
        Lsn lsn = request.ancestorStartLsn() == null ? null : Call.parseLsn(request.ancestorStartLsn());
        if (request.pgVersion() != null && request.pgVersion() != ancestor.pgVersion()) {
            throw HttpFailure.badRequest(
                    "the ancestor is of PostgreSQL " + ancestor.pgVersion() + ", not " + request.pgVersion());
        }
        BranchView there = find(service, tenant, id);
        if (there != null) {
            return existing(there, ancestor, lsn);
        }
        try {
            Moment at = lsn == null ? Moment.LATEST : new Moment.AtLsn(lsn);
            return Reply.created(info(service.create(id.toString(), id, ancestor.name(), at), false));
        } catch (BranchException e) {
            if (e.kind() == BranchException.Kind.INVALID) {
                throw new HttpFailure(HttpFailure.NOT_ACCEPTABLE, String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }

    /** Asked for once more in the same way it is as good as made; without an LSN, any is the same. */
    private Reply existing(BranchView there, BranchView ancestor, @Nullable Lsn lsn) throws HttpFailure {
        if (ancestor.name().equals(there.parent()) && (lsn == null || lsn.equals(there.branchedAt()))) {
            return Reply.created(info(there, false));
        }
        throw new HttpFailure(
                HttpFailure.CONFLICT, "timeline " + there.timeline() + " is there already, with other parameters");
    }

    private Reply delete(Call call) throws BranchException, HttpFailure {
        try {
            service.delete(find(call).name());
        } catch (BranchException e) {
            failPrecondition(e);
        }
        return new Reply.Empty(202);
    }

    private Reply lsnByTimestamp(Call call) throws BranchException, HttpFailure {
        BranchView branch = find(call);
        Instant time = OffsetDateTime.parse(call.requiredParameter("timestamp")).toInstant();
        Lsn found;
        try {
            found = service.resolve(branch.name(), new Moment.AtTime(time));
        } catch (BranchException e) {
            if (e.kind() == BranchException.Kind.INVALID) {
                return found(call, branch, branch.readableFrom(), "past");
            }
            throw e;
        }
        if (found.isBefore(branch.lastRecordLsn())) {
            return found(call, branch, found, "present");
        }
        boolean known = service.timeOf(branch.name(), found) != null;
        return found(call, branch, found, known ? "future" : "nodata");
    }

    private Reply found(Call call, BranchView branch, Lsn lsn, String kind) throws BranchException {
        String until = call.flag("with_lease")
                ? TimelineUpkeepResource.MILLIS.format(service.upkeep().lease(branch.name(), lsn))
                : null;
        return Reply.ok(new FoundLsn(lsn, kind, until));
    }

    private Reply timestampOfLsn(Call call) throws BranchException, HttpFailure {
        Lsn lsn = call.lsn("lsn");
        BranchView branch = find(call);
        Instant time = service.timeOf(branch.name(), lsn);
        if (time == null) {
            throw new HttpFailure(HttpFailure.PRECONDITION_FAILED, "no commit is known at or before " + lsn);
        }
        return Reply.ok(time);
    }
}
