package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import java.time.ZoneOffset;
import java.util.Set;

/** Branches by name: {@code /palimpsest/v1/branch}. */
final class BranchResource {
    private static final String ALL = "/palimpsest/v1/branch";
    private static final String ONE = ALL + "/{name}";

    private final BranchService service;

    BranchResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add("GET", ALL, Set.of(), _ -> Reply.ok(new Responses.Branches(service.list())));
        router.add("POST", ALL, Set.of(), this::create);
        router.add("GET", ONE, Set.of(), Access.BRANCH, call -> Reply.ok(service.view(call.variable("name"))));
        router.add(
                "DELETE",
                ONE,
                Set.of(),
                Access.BRANCH,
                call -> Reply.ok(new Responses.Deleted(service.delete(call.variable("name")))));
        router.add(
                "PUT",
                ONE + "/detach",
                Set.of(),
                Access.BRANCH,
                call -> Reply.ok(new Responses.Detached(service.detach(call.variable("name")))));
        router.add(
                "PUT",
                ONE + "/archive",
                Set.of("force"),
                Access.BRANCH,
                call -> Reply.ok(new Responses.Deleted(
                        service.archive(call.variable("name"), "true".equals(call.parameter("force"))))));
        router.add(
                "PUT",
                ONE + "/unarchive",
                Set.of(),
                Access.BRANCH,
                call -> Reply.ok(service.unarchive(call.variable("name"))));
        router.add("GET", ONE + "/position", Set.of("at"), Access.BRANCH, this::position);
    }

    private Reply create(Call call) throws BranchException, HttpFailure {
        Requests.CreateBranch request = call.body(Requests.CreateBranch.class);
        String name = Call.required("name", request.name());
        String from = Call.required("from", request.from());
        Moment at = request.at() == null ? Moment.LATEST : Moment.parse(request.at(), ZoneOffset.UTC);
        return Reply.created(service.create(name, from, at));
    }

    private Reply position(Call call) throws BranchException {
        String name = call.variable("name");
        Lsn lsn = service.resolve(name, call.moment("at"));
        return Reply.ok(new Responses.Position(lsn, service.timeOf(name, lsn)));
    }
}
