package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.EndpointView;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest endpoint stop}. */
@Command(
        name = "stop",
        mixinStandardHelpOptions = true,
        description = "Stop the PostgreSQL on a branch, and wait until the branch has everything that it wrote.")
final class EndpointStopCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            EndpointView endpoint = client.delete(target.path() + "/endpoint", EndpointView.class);
            if (endpoint.running()) {
                throw new ServerFailure(
                        "the endpoint of branch " + target.name() + " still runs: " + endpoint.problem());
            }
            spec.commandLine().getOut().printf("the endpoint of branch %s has stopped%n", target.name());
            return 0;
        }
    }
}
