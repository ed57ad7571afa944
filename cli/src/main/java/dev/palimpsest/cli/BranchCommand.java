package dev.palimpsest.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch}: the commands for branches. */
@Command(
        name = "branch",
        mixinStandardHelpOptions = true,
        description = "Make branches, from any moment of another one's history; detach, archive and delete them.",
        subcommands = {
            BranchCreateCommand.class,
            BranchListCommand.class,
            BranchShowCommand.class,
            BranchRetainCommand.class,
            BranchDetachCommand.class,
            BranchArchiveCommand.class,
            BranchUnarchiveCommand.class,
            BranchDeleteCommand.class
        })
final class BranchCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), Palimpsest.MISSING_COMMAND);
    }
}
