package dev.palimpsest.cli;

import ch.qos.logback.classic.Level;
import dev.palimpsest.pageserver.ConfiguredOptions;
import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.StorageLocation;
import dev.palimpsest.pageserver.config.Address;
import dev.palimpsest.pageserver.config.Configuration;
import dev.palimpsest.pageserver.config.ConfigurationDocument;
import dev.palimpsest.pageserver.config.ConfigurationException;
import dev.palimpsest.pageserver.config.ConfigurationFile;
import dev.palimpsest.pageserver.config.ServiceSettings;
import dev.palimpsest.pageserver.config.Setting;
import dev.palimpsest.pageserver.config.StorageSettings;
import dev.palimpsest.pageserver.grpc.GrpcSettings;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ArgGroup;
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
    private static final String LOGGER = "dev.palimpsest";
    private static final int MISUSED = 2;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "the configuration, in TOML; the other options here win over it")
    private @Nullable Path file;

    @Option(names = "--check", description = "only say whether the configuration makes sense: 0 if so, 2 if not")
    private boolean check;

    @Option(
            names = "--print-config",
            description = "print a configuration file with every setting, its meaning and its default, and end")
    private boolean printConfig;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "where everything is kept; made if absent. Required, here or in the configuration")
    private @Nullable Path directory;

    @Option(
            names = "--listen",
            paramLabel = "ADDR:PORT",
            description =
                    "where to be asked; port 0 for a free one; default: 127.0.0.1:9898. Other machines are let in only with "
                            + "tokens, see --config, or with --insecure")
    private @Nullable String listen;

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
            names = "--max-disk",
            paramLabel = "SIZE",
            description =
                    "how much layer files may take of the local disk, such as 20GB; what was read longest ago goes, and comes "
                            + "back from --storage when it is read. Default: no limit")
    private @Nullable String maxDisk;

    @Option(
            names = "--min-free",
            paramLabel = "SIZE",
            description =
                    "how much room the file system is to have, by letting layer files go; default: 2GB if --storage is a "
                            + "bucket, and else nothing goes")
    private @Nullable String minFree;

    @Option(
            names = "--pages",
            paramLabel = "ADDR:PORT",
            description =
                    "where pages are served to clients that speak Neon's page-service protocol; port 0 for a free one; "
                            + "default: 127.0.0.1:64000")
    private @Nullable String pages;

    @Option(
            names = "--listen-grpc",
            paramLabel = "ADDR:PORT",
            description =
                    "where pages are served to clients that speak Neon's page API over gRPC, such as 127.0.0.1:51051; port 0 for a "
                            + "free one; default: nowhere")
    private @Nullable String grpc;

    @Option(
            names = "--pg-bin",
            paramLabel = "DIR",
            description = "where the programs of PostgreSQL are looked for first, to run endpoints with")
    private @Nullable Path programs;

    @Option(
            names = "--insecure",
            description =
                    "listen where other machines reach it although no tokens are asked for: whoever reaches it may do "
                            + "everything")
    private boolean insecure;

    @ArgGroup(validate = false, heading = "What of history is kept:%n")
    private RetentionOptions retention = new RetentionOptions();

    @Option(
            names = "--log",
            paramLabel = "LEVEL",
            description = "how much is logged: error, warn, info or debug; default: info")
    private @Nullable String level;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, StorageException {
        PrintWriter out = spec.commandLine().getOut();
        if (printConfig) {
            out.print(ConfigurationDocument.sample());
            out.flush();
            return 0;
        }
        Configuration configuration;
        ServerOptions options;
        try {
            configuration = configuration();
            options = options(configuration);
        } catch (ConfigurationException e) {
            e.problems().forEach(spec.commandLine().getErr()::println);
            return MISUSED;
        }
        if (check) {
            out.println("palimpsest: the configuration makes sense");
            return 0;
        }
        // Read by logback.xml, when the first logger is made: below.
        System.setProperty(
                "palimpsest.log", configuration.get(ServiceSettings.LOG_LEVEL).name());
        System.setProperty(
                "palimpsest.log.format",
                configuration.get(ServiceSettings.LOG_FORMAT) == ServiceSettings.LogFormat.JSON ? "json" : "plain");
        return run(Server.open(options, this::configuration, configuration, ServerCommand::log), options, out);
    }

    private int run(Server server, ServerOptions options, PrintWriter out) {
        LoggedEvents.count(server.metrics());
        out.printf("palimpsest: ready at %s, data in %s%n", server.httpUrl(), options.directory());
        out.printf(
                "palimpsest: pages at %s%n", new Address(options.pageService().host(), server.pageServicePort()));
        GrpcSettings overGrpc = options.grpc();
        if (overGrpc != null) {
            out.printf(
                    "palimpsest: pages over gRPC at %s%n",
                    new Address(overGrpc.host(), server.grpcPort().orElseThrow()));
        }
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

    /** As much as the configuration says now. */
    private static void log(Configuration configuration) {
        if (LoggerFactory.getLogger(LOGGER) instanceof ch.qos.logback.classic.Logger logger) {
            logger.setLevel(
                    Level.toLevel(configuration.get(ServiceSettings.LOG_LEVEL).name()));
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

    /** The file, and what the command line says besides. */
    private Configuration configuration() throws IOException {
        Configuration configuration = file == null ? Configuration.STANDARD : ConfigurationFile.read(file);
        configuration = with(configuration, ServiceSettings.DIRECTORY, directory, "--dir");
        configuration = with(configuration, ServiceSettings.LISTEN_HTTP_ADDR, listen, "--listen");
        configuration = with(configuration, ServiceSettings.LISTEN_PG_ADDR, pages, "--pages");
        configuration = with(configuration, ServiceSettings.LISTEN_GRPC_ADDR, grpc, "--listen-grpc");
        configuration = with(configuration, ServiceSettings.PG_BIN_DIR, programs, "--pg-bin");
        configuration = with(configuration, ServiceSettings.LOG_LEVEL, level, "--log");
        configuration = with(configuration, StorageSettings.EVICTION_MAX_LOCAL_BYTES, maxDisk, "--max-disk");
        configuration = with(configuration, StorageSettings.EVICTION_MIN_AVAIL_BYTES, minFree, "--min-free");
        configuration = with(configuration, StorageSettings.PITR_INTERVAL, retention.pitrInterval(), "--pitr-interval");
        configuration = with(configuration, StorageSettings.GC_HORIZON, retention.gcHorizon(), "--gc-horizon");
        configuration = with(configuration, StorageSettings.GC_PERIOD, retention.gcPeriod(), "--gc-period");
        return insecure ? configuration.with(ServiceSettings.INSECURE, true, "--insecure") : configuration;
    }

    private static Configuration with(
            Configuration configuration, Setting<?> setting, @Nullable Object value, String option)
            throws ConfigurationException {
        return value == null ? configuration : configuration.with(setting, value.toString(), option);
    }

    private ServerOptions options(Configuration configuration) throws ConfigurationException {
        return ConfiguredOptions.of(configuration, location());
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
}
