package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.postgres.Lsn;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is done for the upkeep of a branch, below {@code /palimpsest/v1/branch/NAME}. */
final class UpkeepResource {
    private static final String ONE = "/palimpsest/v1/branch/{name}";

    private final BranchService service;

    UpkeepResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(
                "PUT",
                ONE + "/flush",
                Set.of(),
                Access.BRANCH,
                call -> Reply.ok(service.upkeep().flush(call.variable("name"))));
        router.add("PUT", ONE + "/gc", Set.of(), Access.BRANCH, this::gc);
        router.add("PUT", ONE + "/compact", Set.of(), Access.BRANCH, this::compact);
        router.add(
                "PUT",
                ONE + "/compact-history",
                Set.of(),
                Access.BRANCH,
                call -> Reply.ok(service.upkeep().compactHistory(call.variable("name"))));
        router.add(
                "GET",
                ONE + "/history",
                Set.of(),
                Access.BRANCH,
                call -> Reply.ok(service.upkeep().history(call.variable("name"))));
        router.add("POST", ONE + "/lease", Set.of(), Access.BRANCH, this::lease);
        router.add("PUT", ONE + "/retention", Set.of(), Access.BRANCH, this::retain);
        router.add("DELETE", ONE + "/retention", Set.of(), Access.BRANCH, this::retainAsServer);
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

    private static RetentionOverride retention(@Nullable String pitrInterval, @Nullable Long gcHorizon)
            throws HttpFailure {
        try {
            Duration interval = pitrInterval == null ? null : Units.duration(pitrInterval);
            return new RetentionOverride(interval, gcHorizon);
        } catch (IllegalArgumentException e) {
            throw HttpFailure.badRequest(String.valueOf(e.getMessage()));
        }
    }
}
