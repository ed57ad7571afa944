package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Requests;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest verify}: compares a branch with a real server's pages. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description =
                "Compare every page of a branch with the data directory of a PostgreSQL that was stopped cleanly, as of "
                        + "where it stopped. The exit code is 1 if any differs.")
final class VerifyCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Option(
            names = "--against",
            paramLabel = "PGDATA",
            required = true,
            description = "the data directory, on the server's machine")
    private Path directory = Path.of("");

    @Option(
            names = "--standby",
            description =
                    "it is a standby's: visibility maps and sequences must be the same too, which a primary has ahead "
                            + "of its WAL")
    private boolean standby;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            DirectoryComparison.Result result = client.post(
                    target.path() + "/verify",
                    new Requests.Verify(directory.toAbsolutePath().toString(), standby ? "standby" : "primary"),
                    DirectoryComparison.Result.class);
            PrintWriter out = spec.commandLine().getOut();
            result.differences().forEach(out::println);
            out.printf(
                    "%s pages of %s relations compared, %s%n",
                    Display.count(result.pages()),
                    Display.count(result.relations()),
                    result.differences().isEmpty()
                            ? "all equal"
                            : Display.count(result.differences().size()) + " differences");
            return result.differences().isEmpty() ? 0 : 1;
        }
    }
}
