package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch delete}. */
@Command(
        name = "delete",
        mixinStandardHelpOptions = true,
        description = "Delete a branch that no other comes from, its endpoint, and its slot on what it follows.")
final class BranchDeleteCommand implements Callable<Integer> {
    @Parameters(paramLabel = "BRANCH", description = "its name")
    private String name = "";

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            Responses.Deleted deleted = client.delete(ServerClient.branch(name), Responses.Deleted.class);
            spec.commandLine().getOut().printf("branch %s was deleted%n", name);
            deleted.left().forEach(left -> spec.commandLine().getErr().println("palimpsest: warning: " + left));
            return 0;
        }
    }
}
