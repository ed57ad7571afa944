package dev.palimpsest.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Commands that look at layer files. They need no server and change nothing. */
@Command(
        name = "layer",
        mixinStandardHelpOptions = true,
        description = "Look at layer files: dump, verify, draw.",
        subcommands = {LayerDumpCommand.class, LayerVerifyCommand.class, LayerMapCommand.class})
final class LayerCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing a command");
    }
}
