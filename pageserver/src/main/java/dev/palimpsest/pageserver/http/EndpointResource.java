package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.EndpointView;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** PostgreSQLs on branches: {@code /palimpsest/v1/endpoint}, and {@code endpoint} below a branch. */
final class EndpointResource {
    private static final String ONE = "/palimpsest/v1/branch/{name}/endpoint";
    private static final int MAX_PORT = 65535;

    private final BranchService service;

    EndpointResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(Route.get("/palimpsest/v1/endpoint", "All endpoints, running and stopped")
                .answers(Responses.Endpoints.class)
                .by(_ -> Reply.ok(new Responses.Endpoints(service.endpoints()))));
        router.add(Route.post(ONE, "Boots a PostgreSQL at the end of a branch, or starts the one that is there")
                .mayTake(Requests.StartEndpoint.class)
                .answers(EndpointView.class)
                .fails(HttpFailure.CONFLICT, "The branch follows a PostgreSQL, or its endpoint runs")
                .by(this::start));
        router.add(Route.delete(ONE, "Stops a branch's endpoint, and waits until the branch has all of its WAL")
                .answers(EndpointView.class)
                .fails(HttpFailure.CONFLICT, "Something else is being done with it")
                .by(call -> Reply.ok(service.stopEndpoint(call.variable("name")))));
    }

    private Reply start(Call call) throws BranchException, HttpFailure {
        Requests.StartEndpoint request =
                call.body(Requests.StartEndpoint.class, new Requests.StartEndpoint(null, null));
        int port = request.port() == null ? 0 : request.port();
        if (port < 0 || port > MAX_PORT) {
            throw HttpFailure.badRequest("there is no port " + port);
        }
        String directory = request.pgBin();
        @Nullable Path binaries = directory == null ? null : absolute("pg_bin", directory);
        return Reply.ok(service.startEndpoint(call.variable("name"), port, binaries));
    }

    /** A path on the server's machine. It must be absolute, since nobody who asks knows where the server runs. */
    static Path absolute(String field, String text) throws HttpFailure {
        try {
            Path path = Path.of(text);
            if (path.isAbsolute()) {
                return path.normalize();
            }
        } catch (InvalidPathException e) {
            throw HttpFailure.badRequest("the field '" + field + "' is no path: " + e.getMessage());
        }
        throw HttpFailure.badRequest("the field '" + field + "' must be an absolute path, not '" + text + "'");
    }
}
