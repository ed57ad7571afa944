package dev.palimpsest.cli;

import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest server}: the server, in the foreground. */
@Command(
        name = "server",
        mixinStandardHelpOptions = true,
        description =
                "Run the server in the foreground: follow what is attached, and do what the other commands ask for. "
                        + "It ends properly on Ctrl-C and SIGTERM. Its log goes to the standard error.")
final class ServerCommand implements Callable<Integer> {
    @Option(
            names = "--dir",
            paramLabel = "DIR",
            required = true,
            description = "where everything is kept; made if absent")
    private Path directory = Path.of("");

    @Option(
            names = "--listen",
            paramLabel = "ADDR:PORT",
            defaultValue = ServerOptions.DEFAULT_HOST + ":" + ServerOptions.DEFAULT_PORT,
            description =
                    "where to be asked; port 0 for a free one; default: ${DEFAULT-VALUE}. Whoever reaches it may do "
                            + "everything")
    private String listen = "";

    @Option(
            names = "--pg-bin",
            paramLabel = "DIR",
            description = "where the programs of PostgreSQL are looked for first, to run endpoints with")
    private @Nullable Path programs;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--log",
            paramLabel = "LEVEL",
            defaultValue = "info",
            description = "how much is logged: error, warn, info or debug; default: ${DEFAULT-VALUE}")
    private String level = "";

    @Override
    public Integer call() throws IOException, StorageException {
        ServerOptions options = options();
        // Read by logback.xml, when the first logger is made: below.
        System.setProperty("palimpsest.log", level);
        Server server = Server.open(options);
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "palimpsest: ready at http://%s:%d, data in %s%n",
                options.listenHost(), server.httpPort(), options.directory());
        out.flush();
        Thread ending = Thread.ofPlatform().name("stop").unstarted(() -> endWith(stop(server)));
        Runtime.getRuntime().addShutdownHook(ending);
        try {
            Thread.currentThread().join();
            return 0;
        } catch (InterruptedException e) {
            Runtime.getRuntime().removeShutdownHook(ending);
            int code = stop(server);
            Thread.currentThread().interrupt();
            return code;
        }
    }

    /** Without this the exit code were that of the signal. */
    private static void endWith(int code) {
        Runtime.getRuntime().halt(code);
    }

    private int stop(Server server) {
        try {
            server.close();
            return 0;
        } catch (IOException | StorageException e) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("palimpsest: " + Failures.describe(e));
            err.flush();
            return 1;
        }
    }

    private ServerOptions options() {
        int colon = listen.lastIndexOf(':');
        String host = colon < 0 ? "" : listen.substring(0, colon);
        try {
            int port = Integer.parseInt(listen.substring(colon + 1));
            if (!host.isEmpty()) {
                return new ServerOptions(directory, host, port, programs);
            }
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    spec.commandLine(), "--listen wants ADDRESS:PORT, such as 127.0.0.1:9898, not '" + listen + "'", e);
        }
        throw new ParameterException(
                spec.commandLine(), "--listen wants ADDRESS:PORT, such as 127.0.0.1:9898, not '" + listen + "'");
    }
}
