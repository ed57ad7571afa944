package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch detach}. */
@Command(
        name = "detach",
        mixinStandardHelpOptions = true,
        description =
                "Make a branch independent of the one it came from. Branches that left that one no later come along.")
final class BranchDetachCommand implements Callable<Integer> {
    @Parameters(paramLabel = "BRANCH", description = "its name")
    private String name = "";

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            Responses.Detached detached = client.put(ServerClient.branch(name) + "/detach", Responses.Detached.class);
            spec.commandLine().getOut().printf("branch %s is independent%n", name);
            if (!detached.moved().isEmpty()) {
                spec.commandLine()
                        .getOut()
                        .printf("from now on, these are branches of it: %s%n", String.join(", ", detached.moved()));
            }
            return 0;
        }
    }
}
