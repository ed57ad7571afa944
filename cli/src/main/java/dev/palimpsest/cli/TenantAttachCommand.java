package dev.palimpsest.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code palimpsest tenant attach}. */
@Command(
        name = "attach",
        mixinStandardHelpOptions = true,
        description =
                "Attach a tenant that the server's object store has. If another server has it, that one's writes do not "
                        + "count any more.")
final class TenantAttachCommand implements Callable<Integer> {
    private record Request(boolean secondary) {}

    @Option(
            names = "--secondary",
            description = "only keep its layer files warm, so that it can be taken over without downloading them")
    private boolean secondary;

    @Mixin
    private TenantArgument tenant = new TenantArgument();

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            client.send("POST", tenant.ours() + "/attach", new Request(secondary));
            return 0;
        }
    }
}
