package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch archive}. */
@Command(
        name = "archive",
        mixinStandardHelpOptions = true,
        description =
                "Archive a branch: it holds its history, but takes no space on the server's disk and none of its memory.")
final class BranchArchiveCommand implements Callable<Integer> {
    @Parameters(paramLabel = "BRANCH", description = "its name")
    private String name = "";

    @Option(
            names = "--force",
            description = "also if it follows a PostgreSQL: that ends for good, and the slot there is dropped")
    private boolean force;

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            Responses.Deleted archived = client.put(
                    ServerClient.branch(name) + "/archive" + (force ? "?force=true" : ""), Responses.Deleted.class);
            spec.commandLine().getOut().printf("branch %s is archived%n", name);
            archived.left().forEach(left -> spec.commandLine().getErr().println("palimpsest: warning: " + left));
            return 0;
        }
    }
}
