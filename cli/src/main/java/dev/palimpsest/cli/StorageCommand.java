package dev.palimpsest.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Commands that look at an object store. They need no server and change nothing. */
@Command(
        name = "storage",
        mixinStandardHelpOptions = true,
        description = "Look at an object store: check it.",
        subcommands = StorageCheckCommand.class)
final class StorageCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), Palimpsest.MISSING_COMMAND);
    }
}
