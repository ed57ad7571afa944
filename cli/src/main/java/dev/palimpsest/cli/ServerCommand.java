package dev.palimpsest.cli;

import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.StorageLocation;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
    private static final int MAX_PORT = 65535;

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
            names = "--storage",
            paramLabel = "URL",
            description = "where history is kept, s3://BUCKET/PREFIX or a directory; --dir is a cache of it then."
                    + " Credentials of a bucket are found as AWS's own tools find them. Default: in --dir")
    private @Nullable String storage;

    @Mixin
    private ServiceOptions service = new ServiceOptions();

    @Option(
            names = "--allow-unguarded-store",
            description =
                    "use a bucket even if its service cannot put an object on the condition that there is none. Then"
                            + " only a heartbeat in an object keeps two servers apart, which together could damage a"
                            + " tenant")
    private boolean allowUnguarded;

    @Option(
            names = "--pages",
            paramLabel = "ADDR:PORT",
            defaultValue = ServerOptions.DEFAULT_HOST + ":" + PageServiceSettings.DEFAULT_PORT,
            description =
                    "where pages are served to clients that speak Neon's page-service protocol; port 0 for a free one; "
                            + "default: ${DEFAULT-VALUE}")
    private String pages = "";

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
        out.printf("palimpsest: pages at %s:%d%n", options.pageService().host(), server.pageServicePort());
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
        Address management = address("--listen", listen);
        Address pageService = address("--pages", pages);
        return new ServerOptions(
                directory,
                management.host(),
                management.port(),
                location(),
                PageServiceSettings.on(pageService.host(), pageService.port()),
                programs);
    }

    private @Nullable StorageLocation location() {
        if (storage == null) {
            service.refuseWithout(spec.commandLine(), "--storage");
            if (allowUnguarded) {
                throw new ParameterException(
                        spec.commandLine(), "--allow-unguarded-store is of use with --storage only");
            }
            return null;
        }
        Map<String, String> more = allowUnguarded ? Map.of("allow-unguarded", "true") : Map.of();
        return service.location(spec.commandLine(), "--storage", storage, more);
    }

    private record Address(String host, int port) {}

    private Address address(String option, String text) {
        int colon = text.lastIndexOf(':');
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (colon > 0 && port >= 0 && port <= MAX_PORT) {
                return new Address(text.substring(0, colon), port);
            }
        } catch (NumberFormatException e) {
            throw noAddress(option, text, e);
        }
        throw noAddress(option, text, null);
    }

    private ParameterException noAddress(String option, String text, @Nullable Exception cause) {
        return new ParameterException(
                spec.commandLine(), option + " wants ADDRESS:PORT, such as 127.0.0.1:9898, not '" + text + "'", cause);
    }
}
