package dev.palimpsest.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest endpoint}: the commands for PostgreSQLs on branches. */
@Command(
        name = "endpoint",
        mixinStandardHelpOptions = true,
        description = "Run unmodified PostgreSQLs on branches, on the server's machine.",
        subcommands = {EndpointStartCommand.class, EndpointStopCommand.class, EndpointListCommand.class})
final class EndpointCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), Palimpsest.MISSING_COMMAND);
    }
}
