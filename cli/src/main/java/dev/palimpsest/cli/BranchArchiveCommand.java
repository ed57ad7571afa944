package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch archive}. */
@Command(
        name = "archive",
        mixinStandardHelpOptions = true,
        description =
                "Archive a branch: it holds its history, but takes no space on the server's disk and none of its memory.")
final class BranchArchiveCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Option(
            names = "--force",
            description = "also if it follows a PostgreSQL: that ends for good, and the slot there is dropped")
    private boolean force;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            Responses.Deleted archived =
                    client.put(target.path() + "/archive" + (force ? "?force=true" : ""), Responses.Deleted.class);
            spec.commandLine().getOut().printf("branch %s is archived%n", target.name());
            archived.left().forEach(left -> spec.commandLine().getErr().println("palimpsest: warning: " + left));
            return 0;
        }
    }
}
