package dev.palimpsest.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code palimpsest tenant detach}. */
@Command(
        name = "detach",
        mixinStandardHelpOptions = true,
        description =
                "Take a tenant out of the server, which it stays after a restart too: what the server has on its disk of it goes, "
                        + "its history stays in the object store, and it can be attached there or elsewhere.")
final class TenantDetachCommand implements Callable<Integer> {
    @Mixin
    private TenantArgument tenant = new TenantArgument();

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            client.send("POST", tenant.ours() + "/detach", null);
            return 0;
        }
    }
}
