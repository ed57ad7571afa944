package dev.palimpsest.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Commands that look at PostgreSQL's WAL. They need no server and change nothing. */
@Command(
        name = "wal",
        mixinStandardHelpOptions = true,
        description = "Look at WAL of PostgreSQL 14 to 18: count, dump, verify.",
        subcommands = {WalStatCommand.class, WalDumpCommand.class, WalVerifyCommand.class})
final class WalCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing a command");
    }
}
