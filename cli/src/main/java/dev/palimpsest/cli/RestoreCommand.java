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
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest restore}: a data directory as of any moment, or an archive of one. */
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

    @Parameters(
            index = "1",
            paramLabel = "DIR|FILE",
            description =
                    "the data directory, which must be empty or absent; with --format tar the archive, which must be "
                            + "absent, or - for the standard output")
    private Path target = Path.of("");

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

    @Option(
            names = "--format",
            paramLabel = "dir|tar",
            defaultValue = "dir",
            description = "dir: a data directory; tar: one archive with all of it, tablespaces included, and a "
                    + "backup_manifest for pg_verifybackup; default: ${DEFAULT-VALUE}")
    private Format format = Format.DIR;

    @ArgGroup
    private Packing packing = new Packing();

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    enum Format {
        DIR,
        TAR
    }

    /** How an archive is compressed. */
    private static final class Packing {
        @Option(names = "--gzip", required = true, description = "compress the archive with gzip")
        private boolean gzip;

        @Option(names = "--zstd", required = true, description = "compress the archive with zstd")
        private boolean zstd;

        ArchiveFile.Packing kind() {
            return gzip ? ArchiveFile.Packing.GZIP : zstd ? ArchiveFile.Packing.ZSTD : ArchiveFile.Packing.PLAIN;
        }
    }

    @Override
    public Integer call() throws IOException, ServerFailure, StorageException {
        if (format == Format.TAR) {
            if (owner != null) {
                throw new ParameterException(spec.commandLine(), "--owner is for --format dir");
            }
            return archive();
        }
        if (packing.kind() != ArchiveFile.Packing.PLAIN) {
            throw new ParameterException(spec.commandLine(), "--gzip and --zstd are for --format tar");
        }
        return directory(target.toAbsolutePath().normalize());
    }

    private RestoreDisplay display(ServerClient.Download<?> archive) throws ServerFailure {
        return new RestoreDisplay(
                spec.commandLine().getErr(),
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false),
                Long.parseLong(archive.header(HttpApi.BYTES_HEADER)));
    }

    private int archive() throws IOException, ServerFailure {
        boolean standardOutput = target.equals(Path.of("-"));
        if (!standardOutput && Files.exists(target)) {
            throw new ServerFailure(target + " is there already");
        }
        long began = System.nanoTime();
        try (ServerClient client = server.connect()) {
            ServerClient.Download<InputStream> download =
                    client.stream(ServerClient.branch(name) + "/restore?manifest=true&" + MomentOption.parameter(at));
            RestoreDisplay display = display(download);
            ArchiveFile file = new ArchiveFile(packing.kind(), display);
            try (InputStream in = download.body()) {
                if (standardOutput) {
                    file.toStandardOutput(in);
                } else {
                    file.toFile(in, target);
                }
            } finally {
                display.end();
            }
            PrintWriter told = standardOutput
                    ? spec.commandLine().getErr()
                    : spec.commandLine().getOut();
            told.printf(
                    "branch %s as of %s is in %s: PostgreSQL %s, %s, %s%n",
                    name,
                    download.header(HttpApi.LSN_HEADER),
                    standardOutput ? "the archive" : target,
                    download.header(HttpApi.PG_VERSION_HEADER),
                    Display.bytes(file.bytes()),
                    Display.seconds((System.nanoTime() - began) / NANOS));
            told.flush();
            return 0;
        }
    }

    private int directory(Path directory) throws IOException, ServerFailure, StorageException {
        checkEmpty(directory);
        ServerUser user = owner == null ? ServerUser.ifRoot() : account(owner);
        DirectorySink.Owner files = user == null ? null : new DirectorySink.Owner(user.uid(), user.gid());
        long began = System.nanoTime();
        try (ServerClient client = server.connect()) {
            ServerClient.Download<InputStream> archive =
                    client.stream(ServerClient.branch(name) + "/restore?" + MomentOption.parameter(at));
            RestoreDisplay display = display(archive);
            try (InputStream in = archive.body();
                    DirectorySink sink = new DirectorySink(directory, files, DirectorySink.Durability.SYNCED)) {
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
                        directory,
                        Display.count(restore.files()),
                        Display.bytes(restore.bytes()),
                        Display.seconds((System.nanoTime() - began) / NANOS));
                out.println(
                        "start it with: " + startCommand(archive.header(HttpApi.PG_VERSION_HEADER), user, directory));
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
