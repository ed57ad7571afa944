package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.redo.PageComparison;
import java.nio.file.Path;

/** Comparing a branch with a data directory on the server's machine: {@code verify} below a branch. */
final class VerifyResource {
    private final BranchService service;

    VerifyResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(Route.post("/palimpsest/v1/branch/{name}/verify", "Compares a branch with a stopped data directory")
                .takes(Requests.Verify.class, "directory")
                .answers(DirectoryComparison.Result.class)
                .fails(HttpFailure.CONFLICT, "The branch ends elsewhere than the directory")
                .by(this::verify));
    }

    private Reply verify(Call call) throws BranchException, HttpFailure {
        Requests.Verify request = call.body(Requests.Verify.class);
        Path directory = EndpointResource.absolute("directory", Call.required("directory", request.directory()));
        PageComparison.Server server = switch (request.server()) {
            case null -> PageComparison.Server.PRIMARY;
            case "primary" -> PageComparison.Server.PRIMARY;
            case "standby" -> PageComparison.Server.STANDBY;
            default ->
                throw HttpFailure.badRequest(
                        "the field 'server' is 'primary' or 'standby', not '" + request.server() + "'");
        };
        return Reply.ok(service.verify(call.variable("name"), directory, server));
    }
}
