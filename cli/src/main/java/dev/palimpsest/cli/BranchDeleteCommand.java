package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch delete}. */
@Command(
        name = "delete",
        mixinStandardHelpOptions = true,
        description = "Delete a branch that no other comes from, its endpoint, and its slot on what it follows.")
final class BranchDeleteCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            Responses.Deleted deleted = client.delete(target.path(), Responses.Deleted.class);
            spec.commandLine().getOut().printf("branch %s was deleted%n", target.name());
            deleted.left().forEach(left -> spec.commandLine().getErr().println("palimpsest: warning: " + left));
            return 0;
        }
    }
}
