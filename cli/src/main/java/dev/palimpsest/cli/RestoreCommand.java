package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.datadir.DirectorySink;
import dev.palimpsest.pageserver.endpoint.ServerUser;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.storage.StorageException;
import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest restore}: a data directory as of any moment. */
@Command(
        name = "restore",
        mixinStandardHelpOptions = true,
        description =
                "Write a data directory that PostgreSQL starts from, with all databases and tablespaces within it. What "
                        + "it writes afterwards is its own affair: it does not go into the branch.")
final class RestoreCommand implements Callable<Integer> {
    private static final Path ACCOUNTS = Path.of("/etc/passwd");
    private static final double NANOS = 1e9;

    @Parameters(index = "0", paramLabel = "BRANCH", description = "its name")
    private String name = "";

    @Parameters(index = "1", paramLabel = "DIR", description = "the data directory, which must be empty or absent")
    private Path directory = Path.of("");

    @Option(
            names = "--at",
            paramLabel = "LSN|TIME",
            converter = MomentOption.class,
            defaultValue = "latest",
            description = MomentOption.FORMS + "; default: ${DEFAULT-VALUE}")
    private Moment at = Moment.LATEST;

    @Option(
            names = "--owner",
            paramLabel = "USER",
            description = "whose the files are to be; only for root, whose default is postgres")
    private @Nullable String owner;

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure, StorageException {
        Path target = directory.toAbsolutePath().normalize();
        checkEmpty(target);
        ServerUser user = owner == null ? ServerUser.ifRoot() : account(owner);
        DirectorySink.Owner files = user == null ? null : new DirectorySink.Owner(user.uid(), user.gid());
        long began = System.nanoTime();
        try (ServerClient client = server.connect()) {
            ServerClient.Download<InputStream> archive =
                    client.stream(ServerClient.branch(name) + "/restore?" + MomentOption.parameter(at));
            RestoreDisplay display = new RestoreDisplay(
                    spec.commandLine().getErr(),
                    Optional.ofNullable(System.console())
                            .map(Console::isTerminal)
                            .orElse(false),
                    Long.parseLong(archive.header(HttpApi.BYTES_HEADER)));
            try (InputStream in = archive.body();
                    DirectorySink sink = new DirectorySink(target, files, DirectorySink.Durability.SYNCED)) {
                ArchiveRestore restore = new ArchiveRestore(in, sink, display);
                try {
                    restore.run();
                } finally {
                    display.end();
                }
                PrintWriter out = spec.commandLine().getOut();
                out.printf(
                        "branch %s as of %s is in %s: %s files, %s, %s%n",
                        name,
                        archive.header(HttpApi.LSN_HEADER),
                        target,
                        Display.count(restore.files()),
                        Display.bytes(restore.bytes()),
                        Display.seconds((System.nanoTime() - began) / NANOS));
                out.println("start it with: " + startCommand(archive.header(HttpApi.PG_VERSION_HEADER), user, target));
            }
            return 0;
        }
    }

    /** Before the server begins to work for it. */
    private static void checkEmpty(Path target) throws IOException, ServerFailure {
        if (!Files.exists(target)) {
            return;
        }
        if (!Files.isDirectory(target)) {
            throw new ServerFailure(target + " is no directory");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(target)) {
            if (entries.iterator().hasNext()) {
                throw new ServerFailure(target + " is not empty: name a directory that is, or a new one");
            }
        }
    }

    private static ServerUser account(String name) throws IOException {
        for (String account : Files.readAllLines(ACCOUNTS, StandardCharsets.UTF_8)) {
            String[] fields = account.split(":", -1);
            if (fields[0].equals(name) && fields.length >= 4) {
                return new ServerUser(name, Integer.parseInt(fields[2]), Integer.parseInt(fields[3]));
            }
        }
        throw new IOException("there is no user " + name);
    }

    /** With the programs of the right version where distributions put them, or else whatever is on the path. */
    private static String startCommand(String version, @Nullable ServerUser user, Path target) {
        Path installed = Path.of("/usr/lib/postgresql", version, "bin", "pg_ctl");
        return (user == null ? "" : "sudo -u " + user.name() + " ")
                + (Files.isExecutable(installed) ? installed : "pg_ctl")
                + " -D " + target + " -o \"-p 5433\" -l " + target + "/server.log start"
                + (Files.isExecutable(installed) ? "" : "   (of PostgreSQL " + version + ")");
    }
}
