package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import java.util.Set;

/** Attaching a PostgreSQL: {@code /palimpsest/v1/attach}. It goes on after the answer; ask again how far it got. */
final class AttachResource {
    private static final String ALL = "/palimpsest/v1/attach";

    private final BranchService service;

    AttachResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add("POST", ALL, Set.of(), this::attach);
        router.add("GET", ALL, Set.of(), _ -> Reply.ok(new Responses.Attachments(service.attachments())));
        router.add("GET", ALL + "/{name}", Set.of(), call -> Reply.ok(service.attachProgress(call.variable("name"))));
    }

    private Reply attach(Call call) throws BranchException, HttpFailure {
        Requests.Attach request = call.body(Requests.Attach.class);
        return Reply.accepted(service.attach(
                Call.required("name", request.name()),
                Call.required("connection", request.connection()),
                request.slot()));
    }
}
