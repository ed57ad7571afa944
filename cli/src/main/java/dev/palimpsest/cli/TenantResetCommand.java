package dev.palimpsest.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code palimpsest tenant reset}. */
@Command(
        name = "reset",
        mixinStandardHelpOptions = true,
        description = "Load a tenant anew, such as one that was broken and is mended.")
final class TenantResetCommand implements Callable<Integer> {
    @Option(names = "--drop-cache", description = "delete what the server has of it on its disk before")
    private boolean dropCache;

    @Mixin
    private TenantArgument tenant = new TenantArgument();

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            client.send("POST", tenant.neons() + "/reset?drop_cache=" + dropCache, null);
            return 0;
        }
    }
}
