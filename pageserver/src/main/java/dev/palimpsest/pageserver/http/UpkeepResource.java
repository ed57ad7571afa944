package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.CompactionView;
import dev.palimpsest.pageserver.branch.FlushView;
import dev.palimpsest.pageserver.branch.GcView;
import dev.palimpsest.pageserver.branch.HistoryCompactionView;
import dev.palimpsest.pageserver.branch.HistoryView;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.postgres.Lsn;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What is done for the upkeep of a branch, below {@code /palimpsest/v1/branch/NAME}. */
final class UpkeepResource {
    private static final String ONE = "/palimpsest/v1/branch/{name}";

    private final BranchService service;

    UpkeepResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(of(Route.put(ONE + "/flush", "Writes what was taken in to layers, and waits for the object store"))
                .answers(FlushView.class)
                .by(call -> Reply.ok(service.upkeep().flush(call.variable("name")))));
        router.add(of(Route.put(ONE + "/gc", "Removes what of a branch's history is not kept"))
                .mayTake(Requests.CollectGarbage.class)
                .answers(GcView.class)
                .by(this::gc));
        router.add(of(Route.put(ONE + "/compact", "Compacts a branch's layers"))
                .mayTake(Requests.Compact.class)
                .answers(CompactionView.class)
                .by(this::compact));
        router.add(of(Route.put(
                        ONE + "/compact-history",
                        "Rewrites the layers below what GC has left readable to what branches and leases need there"))
                .answers(HistoryCompactionView.class)
                .by(call -> Reply.ok(service.upkeep().compactHistory(call.variable("name")))));
        router.add(of(Route.get(ONE + "/history", "What there is of a branch's history, and what of it is kept"))
                .answers(HistoryView.class)
                .by(call -> Reply.ok(service.upkeep().history(call.variable("name")))));
        router.add(of(Route.post(ONE + "/lease", "Keeps an LSN readable for a while"))
                .takes(Requests.LeaseLsn.class, "lsn")
                .answers(Responses.Leased.class)
                .by(this::lease));
        router.add(of(Route.put(ONE + "/retention", "Has a branch keep other than the server's branches do"))
                .takes(Requests.Retain.class)
                .answers(204, new Route.Answer.Nothing("Done, and durable"))
                .by(this::retain));
        router.add(of(Route.delete(ONE + "/retention", "Has a branch keep what the server's branches do"))
                .answers(204, new Route.Answer.Nothing("Done, and durable"))
                .by(this::retainAsServer));
    }

    private static Route.Builder of(Route.Builder route) {
        return route.access(Access.BRANCH)
                .fails(HttpFailure.CONFLICT, "The branch is archived, or something else is being done with it");
    }

    private Reply gc(Call call) throws BranchException, HttpFailure {
        Requests.CollectGarbage request =
                call.body(Requests.CollectGarbage.class, new Requests.CollectGarbage(null, null, null));
        return Reply.ok(service.upkeep()
                .gc(
                        call.variable("name"),
                        retention(request.pitrInterval(), request.gcHorizon()),
                        Boolean.TRUE.equals(request.dryRun())));
    }

    private Reply compact(Call call) throws BranchException, HttpFailure {
        Requests.Compact request = call.body(Requests.Compact.class, new Requests.Compact(null, null));
        return Reply.ok(service.upkeep()
                .compact(
                        call.variable("name"),
                        Boolean.TRUE.equals(request.images()),
                        Boolean.TRUE.equals(request.force())));
    }

    private Reply lease(Call call) throws BranchException, HttpFailure {
        Lsn lsn = Call.parseLsn(
                Call.required("lsn", call.body(Requests.LeaseLsn.class).lsn()));
        return Reply.ok(new Responses.Leased(service.upkeep().lease(call.variable("name"), lsn)));
    }

    private Reply retain(Call call) throws BranchException, HttpFailure {
        Requests.Retain request = call.body(Requests.Retain.class);
        service.upkeep().retain(call.variable("name"), retention(request.pitrInterval(), request.gcHorizon()));
        return new Reply.Empty(204);
    }

    private Reply retainAsServer(Call call) throws BranchException {
        service.upkeep().retainAsServer(call.variable("name"));
        return new Reply.Empty(204);
    }

    /** @throws HttpFailure 400 if one is none */
    static RetentionOverride retention(@Nullable String pitrInterval, @Nullable Long gcHorizon) throws HttpFailure {
        try {
            Duration interval = pitrInterval == null ? null : Units.duration(pitrInterval);
            return new RetentionOverride(interval, gcHorizon);
        } catch (IllegalArgumentException e) {
            throw HttpFailure.badRequest(String.valueOf(e.getMessage()));
        }
    }
}
