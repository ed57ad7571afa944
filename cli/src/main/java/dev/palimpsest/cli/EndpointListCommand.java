package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.EndpointView;
import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest endpoint list}. */
@Command(name = "list", mixinStandardHelpOptions = true, description = "List the PostgreSQLs on branches.")
final class EndpointListCommand implements Callable<Integer> {
    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            print(
                    client.get("/palimpsest/v1/endpoint", Responses.Endpoints.class)
                            .endpoints(),
                    spec.commandLine().getOut());
            return 0;
        }
    }

    static void print(List<EndpointView> endpoints, PrintWriter out) {
        Table table = new Table("ENDPOINT", "PG", "STATE", "PORT", "PID", "BOOTED AT", "DIRECTORY");
        for (EndpointView endpoint : endpoints) {
            table.add(
                    endpoint.branch(),
                    Integer.toString(endpoint.pgVersion()),
                    endpoint.running() ? "running" : "stopped",
                    endpoint.port() == 0 ? "-" : Integer.toString(endpoint.port()),
                    endpoint.pid() == 0 ? "-" : Long.toString(endpoint.pid()),
                    endpoint.bootedAt().toString(),
                    endpoint.directory());
        }
        table.print(out);
        for (EndpointView endpoint : endpoints) {
            if (endpoint.problem() != null) {
                out.println(endpoint.branch() + ": " + endpoint.problem());
            }
        }
    }
}
