package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;

/** Attaching a PostgreSQL: {@code /palimpsest/v1/attach}. It goes on after the answer; ask again how far it got. */
final class AttachResource {
    private static final String ALL = "/palimpsest/v1/attach";

    private final BranchService service;

    AttachResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(Route.post(ALL, "Begins to attach a PostgreSQL; it goes on after the answer")
                .takes(Requests.Attach.class, "name", "connection")
                .answers(202, new Route.Answer.Json("It has begun", AttachProgress.class, false))
                .fails(HttpFailure.CONFLICT, "There is a branch of this name")
                .by(this::attach));
        router.add(Route.get(ALL, "What is being attached, and what failed to be and was not deleted since")
                .answers(Responses.Attachments.class)
                .by(_ -> Reply.ok(new Responses.Attachments(service.attachments()))));
        router.add(Route.get(ALL + "/{name}", "How far attaching a branch is")
                .answers(AttachProgress.class)
                .by(call -> Reply.ok(service.attachProgress(call.variable("name")))));
    }

    private Reply attach(Call call) throws BranchException, HttpFailure {
        Requests.Attach request = call.body(Requests.Attach.class);
        return Reply.accepted(service.attach(
                Call.required("name", request.name()),
                Call.required("connection", request.connection()),
                request.slot()));
    }
}
