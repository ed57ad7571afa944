package dev.palimpsest.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code palimpsest} command. Exit codes: 0 done, 1 it found or met something wrong, 2 it was asked wrongly. */
@Command(
        name = "palimpsest",
        mixinStandardHelpOptions = true,
        version = "palimpsest 0.1.0",
        description = "A storage engine for PostgreSQL: every version of every page, branches in a moment.",
        subcommands = {
            ServerCommand.class,
            AttachCommand.class,
            StatusCommand.class,
            BranchCommand.class,
            LsnCommand.class,
            FlushCommand.class,
            RestoreCommand.class,
            PageCommand.class,
            VerifyCommand.class,
            EndpointCommand.class,
            DemoCommand.class,
            LayerCommand.class,
            WalCommand.class,
            BenchCommand.class
        })
public final class Palimpsest implements Runnable {
    static final String MISSING_COMMAND = "Missing a command";

    @Spec
    private CommandSpec spec;

    private Palimpsest() {}

    /** Runs the command that the arguments name, and exits with its code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Palimpsest())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    command.getErr().println("palimpsest: " + Failures.describe(failure));
                    return 1;
                });
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), MISSING_COMMAND);
    }
}
