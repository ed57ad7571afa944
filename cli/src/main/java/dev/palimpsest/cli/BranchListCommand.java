package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch list}. */
@Command(name = "list", mixinStandardHelpOptions = true, description = "List all branches: where they come from.")
final class BranchListCommand implements Callable<Integer> {
    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            Table table = new Table("BRANCH", "FROM", "AT", "CREATED", "PG", "STATE", "LAST LSN");
            for (BranchView branch : client.get("/palimpsest/v1/branch", Responses.Branches.class)
                    .branches()) {
                table.add(
                        branch.name(),
                        branch.parent() == null ? "-" : branch.parent(),
                        branch.branchedAt() == null ? "-" : branch.branchedAt().toString(),
                        Display.time(branch.created()),
                        Integer.toString(branch.pgVersion()),
                        StatusCommand.state(branch),
                        branch.lastRecordLsn().toString());
            }
            table.print(spec.commandLine().getOut());
            return 0;
        }
    }
}
