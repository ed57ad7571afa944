package dev.palimpsest.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest tenant}: the commands for tenants. */
@Command(
        name = "tenant",
        mixinStandardHelpOptions = true,
        description =
                "Look after tenants: each is a PostgreSQL cluster that was attached, with all its branches. Take one out "
                        + "of a server and into another, load it anew, give it settings of its own, delete it.",
        subcommands = {
            TenantListCommand.class,
            TenantShowCommand.class,
            TenantAttachCommand.class,
            TenantDetachCommand.class,
            TenantResetCommand.class,
            TenantConfigCommand.class,
            TenantDeleteCommand.class
        })
final class TenantCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), Palimpsest.MISSING_COMMAND);
    }
}
