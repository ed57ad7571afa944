package dev.palimpsest.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest tenant delete}. */
@Command(
        name = "delete",
        mixinStandardHelpOptions = true,
        description = "Delete a tenant, with all branches and all history, for good.")
final class TenantDeleteCommand implements Callable<Integer> {
    @Option(names = "--yes", required = true, description = "say that it is meant: nothing brings it back")
    private boolean yes;

    @Mixin
    private TenantArgument tenant = new TenantArgument();

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        if (!yes) {
            throw new ParameterException(spec.commandLine(), "--yes says that it is meant, --yes=false that it is not");
        }
        try (ServerClient client = server.connect()) {
            client.send("DELETE", tenant.neons(), null);
            return 0;
        }
    }
}
