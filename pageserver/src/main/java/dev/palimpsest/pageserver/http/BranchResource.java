package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import java.time.ZoneOffset;

/** Branches by name: {@code /palimpsest/v1/branch}. */
final class BranchResource {
    private static final String ALL = "/palimpsest/v1/branch";
    private static final String ONE = ALL + "/{name}";

    /** As of when something is asked. */
    static final Parameter AT =
            Parameter.moment("at", "An LSN, a time (UTC if it has no zone), or latest, which it is too if left out");

    private final BranchService service;

    BranchResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(Route.get(ALL, "All branches, archived ones too")
                .answers(Responses.Branches.class)
                .by(_ -> Reply.ok(new Responses.Branches(service.list()))));
        router.add(Route.post(ALL, "Makes a branch that shares its history up to a moment with another")
                .takes(Requests.CreateBranch.class, "name", "from")
                .answers(201, new Route.Answer.Json("It is there, and durable", BranchView.class, false))
                .fails(HttpFailure.NOT_FOUND, "There is no branch that it could leave")
                .fails(HttpFailure.CONFLICT, "There is a branch of this name")
                .by(this::create));
        router.add(Route.get(ONE, "How a branch stands")
                .access(Access.BRANCH)
                .answers(BranchView.class)
                .by(call -> Reply.ok(service.view(call.variable("name")))));
        router.add(Route.delete(ONE, "Deletes a branch; its endpoint is stopped, its slot on the source dropped")
                .access(Access.BRANCH)
                .answers(Responses.Deleted.class)
                .fails(HttpFailure.CONFLICT, "Other branches come from it")
                .by(call -> Reply.ok(new Responses.Deleted(service.delete(call.variable("name"))))));
        router.add(Route.put(ONE + "/detach", "Makes a branch independent of the one it came from")
                .access(Access.BRANCH)
                .answers(Responses.Detached.class)
                .fails(HttpFailure.CONFLICT, "Something else is being done with it")
                .by(call -> Reply.ok(new Responses.Detached(service.detach(call.variable("name"))))));
        router.add(Route.put(ONE + "/archive", "Archives a branch: nothing of it stays on the server")
                .access(Access.BRANCH)
                .query(Parameter.flag("force", "Also if it follows a PostgreSQL, which ends that for good"))
                .answers(Responses.Deleted.class)
                .fails(HttpFailure.CONFLICT, "Branches that come from it are not archived, or it follows a PostgreSQL")
                .by(call ->
                        Reply.ok(new Responses.Deleted(service.archive(call.variable("name"), call.flag("force"))))));
        router.add(Route.put(ONE + "/unarchive", "Takes a branch back from the archive")
                .access(Access.BRANCH)
                .answers(BranchView.class)
                .fails(HttpFailure.CONFLICT, "The branch it came from is archived")
                .by(call -> Reply.ok(service.unarchive(call.variable("name")))));
        router.add(Route.get(ONE + "/position", "The LSN that a moment is on a branch, and when that was")
                .access(Access.BRANCH)
                .query(AT)
                .answers(Responses.Position.class)
                .by(this::position));
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
