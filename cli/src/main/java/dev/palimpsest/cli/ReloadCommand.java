package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest reload}: the server reads its configuration again. */
@Command(
        name = "reload",
        mixinStandardHelpOptions = true,
        description =
                "Let the server read its configuration, keys and certificate again, and say what of it is in force at once.")
final class ReloadCommand implements Callable<Integer> {
    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            Responses.Reloaded done = client.post("/palimpsest/v1/reload", null, Responses.Reloaded.class);
            PrintWriter out = spec.commandLine().getOut();
            out.println(done.applied().isEmpty() ? "nothing has changed that counts at once" : "in force:");
            done.applied().forEach(line -> out.println("  " + line));
            if (!done.needRestart().isEmpty()) {
                out.println("in force after a restart:");
                done.needRestart().forEach(line -> out.println("  " + line));
            }
            return 0;
        }
    }
}
