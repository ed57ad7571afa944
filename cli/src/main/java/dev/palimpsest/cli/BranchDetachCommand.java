package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch detach}. */
@Command(
        name = "detach",
        mixinStandardHelpOptions = true,
        description =
                "Make a branch independent of the one it came from. Branches that left that one no later come along.")
final class BranchDetachCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            Responses.Detached detached = client.put(target.path() + "/detach", Responses.Detached.class);
            spec.commandLine().getOut().printf("branch %s is independent%n", target.name());
            if (!detached.moved().isEmpty()) {
                spec.commandLine()
                        .getOut()
                        .printf("from now on, these are branches of it: %s%n", String.join(", ", detached.moved()));
            }
            return 0;
        }
    }
}
