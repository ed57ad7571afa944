package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchView;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch unarchive}. */
@Command(
        name = "unarchive",
        mixinStandardHelpOptions = true,
        description = "Take a branch back from the archive. What is read of it is downloaded then.")
final class BranchUnarchiveCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            BranchView branch = client.put(target.path() + "/unarchive", BranchView.class);
            spec.commandLine()
                    .getOut()
                    .printf(
                            "branch %s is there again, from %s to %s%n",
                            target.name(), branch.readableFrom(), branch.lastRecordLsn());
            return 0;
        }
    }
}
