package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.EndpointView;
import dev.palimpsest.pageserver.http.Requests;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest endpoint start}. */
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        description =
                "Boot a PostgreSQL at the end of a branch, or start the one that is there again. What it writes goes "
                        + "into the branch.")
final class EndpointStartCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Option(names = "--port", paramLabel = "PORT", description = "on the loopback address; default: a free one")
    private @Nullable Integer port;

    @Option(
            names = "--pg-bin",
            paramLabel = "DIR",
            description =
                    "the directory with postgres, of the branch's major version; default: an installed one, or else "
                            + "one from Maven Central")
    private @Nullable Path programs;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            EndpointView endpoint = client.post(
                    target.path() + "/endpoint",
                    new Requests.StartEndpoint(
                            port,
                            programs == null ? null : programs.toAbsolutePath().toString()),
                    EndpointView.class);
            if (!endpoint.running()) {
                throw new ServerFailure(
                        "the endpoint of branch " + target.name() + " does not run: " + endpoint.problem());
            }
            spec.commandLine()
                    .getOut()
                    .printf(
                            "PostgreSQL %d runs on branch %s since %s: psql \"host=127.0.0.1 port=%d user=postgres\"%n",
                            endpoint.pgVersion(), target.name(), endpoint.bootedAt(), endpoint.port());
            return 0;
        }
    }
}
