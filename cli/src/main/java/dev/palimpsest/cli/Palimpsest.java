package dev.palimpsest.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code palimpsest} command. */
@Command(
        name = "palimpsest",
        mixinStandardHelpOptions = true,
        version = "palimpsest 0.1.0",
        description = "A storage engine for PostgreSQL: every version of every page, branches in a moment.",
        subcommands = {})
public final class Palimpsest {
    private Palimpsest() {}

    /** Runs the command that the arguments name, and exits with its code. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Palimpsest()).execute(arguments));
    }
}
