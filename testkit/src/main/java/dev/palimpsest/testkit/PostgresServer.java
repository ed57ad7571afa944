package dev.palimpsest.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL server for the length of a test, with a data directory of its own, made by {@link Builder#start}, or with an
 * {@link #existing} one; stopped and, if it was made here, deleted by {@link #close}.
 *
 * <p>It listens on a free port of the loopback address only, trusts every local user, and does not fsync unless told to.
 * When the test runs as root the server runs as user {@code postgres} or else {@code nobody}, through {@code setpriv}.
 */
public final class PostgresServer implements AutoCloseable {
    /** The superuser of every server. */
    public static final String USER = "postgres";

    private static final long COMMAND_TIMEOUT_SECONDS = 60;
    private static final String USER_NAME = System.getProperty("user.name", "");

    private final PostgresBinaries binaries;
    private final Path directory;
    private final Path dataDirectory;
    private final int port;
    private boolean running;

    private PostgresServer(PostgresBinaries binaries, Path directory, Path dataDirectory, int port) {
        this.binaries = binaries;
        this.directory = directory;
        this.dataDirectory = dataDirectory;
        this.port = port;
    }

    /** As whom servers run when the test is root. */
    public record Owner(String name, int uid, int gid) {}

    /** How a server is to be set up. */
    public static final class Builder {
        private final PostgresBinaries binaries;
        private final Map<String, String> settings = new LinkedHashMap<>();
        private final List<String> initdbOptions = new ArrayList<>();
        private final List<String> hbaLines = new ArrayList<>();
        private final Map<String, String> files = new LinkedHashMap<>();
        private boolean unixSocket;

        private Builder(PostgresBinaries binaries) {
            this.binaries = binaries;
            settings.put("fsync", "off");
            settings.put("shared_buffers", "64MB");
            settings.put("max_wal_senders", "4");
            settings.put("max_connections", "30");
        }

        /** A line for {@code postgresql.conf}; replaces one of the same name. */
        public Builder setting(String name, String value) {
            settings.put(name, value);
            return this;
        }

        /** An option for {@code initdb}, such as {@code --data-checksums} or {@code --wal-segsize=1}. */
        public Builder initdbOption(String option) {
            initdbOptions.add(option);
            return this;
        }

        /** A line for {@code pg_hba.conf}, before those that trust everybody and after the ones added before it. */
        public Builder hbaLine(String line) {
            hbaLines.add(line);
            return this;
        }

        /** A text file in the data directory that only the server may read, such as its private key. */
        public Builder file(String name, String content) {
            files.put(name, content);
            return this;
        }

        /** Lets the server listen on a Unix socket too, in {@link PostgresServer#socketDirectory}. */
        public Builder unixSocket() {
            unixSocket = true;
            return this;
        }

        /**
         * Makes the data directory and starts the server.
         *
         * @throws IllegalStateException if PostgreSQL's programs fail; with what they said
         * @throws UncheckedIOException if the directory cannot be made
         */
        public PostgresServer start() {
            try {
                Path directory = freshDirectory(binaries.major());
                PostgresServer server = new PostgresServer(binaries, directory, directory.resolve("data"), freePort());
                try {
                    server.initialize(this);
                    server.start();
                } catch (IOException | RuntimeException e) {
                    server.close();
                    throw e;
                }
                return server;
            } catch (IOException e) {
                throw new UncheckedIOException("cannot set up PostgreSQL " + binaries.major(), e);
            }
        }
    }

    /** A server of the newest minor release of this major version, 14 to 18, not started yet. */
    public static Builder version(int major) {
        return of(PostgresBinaries.of(major));
    }

    /** A server with these programs, not started yet. */
    public static Builder of(PostgresBinaries binaries) {
        return new Builder(binaries);
    }

    /**
     * Starts a server on a data directory that somebody else made, with the configuration that is there. Closing the server
     * leaves the directory alone.
     *
     * @param dataDirectory whose owner must be {@link #owner}
     * @param port where it listens on the loopback address, as its configuration says
     * @throws IllegalStateException if it does not start; with what it said
     */
    public static PostgresServer existing(int major, Path dataDirectory, int port) {
        try {
            PostgresServer server =
                    new PostgresServer(PostgresBinaries.of(major), freshDirectory(major), dataDirectory, port);
            try {
                server.start();
            } catch (RuntimeException e) {
                server.close();
                throw e;
            }
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot set up PostgreSQL " + major, e);
        }
    }

    private static Path freshDirectory(int major) throws IOException {
        Path directory = Files.createTempDirectory("palimpsest-pg" + major + "-");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        own(directory);
        return directory;
    }

    /** A port that nobody listens on at the loopback address now. */
    public static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void initialize(Builder builder) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                binaries.program("initdb").toString(),
                "-D",
                dataDirectory().toString(),
                "-U",
                USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync"));
        command.addAll(builder.initdbOptions);
        run(command);
        StringBuilder lines = new StringBuilder();
        builder.settings.forEach((name, value) -> lines.append(name)
                .append(" = '")
                .append(value.replace("'", "''"))
                .append("'\n"));
        lines.append("listen_addresses = '127.0.0.1'\n");
        lines.append("unix_socket_directories = '")
                .append(builder.unixSocket ? directory : "")
                .append("'\n");
        lines.append("port = ").append(port).append('\n');
        Path configuration = dataDirectory().resolve("postgresql.conf");
        Files.writeString(configuration, Files.readString(configuration) + "\n" + lines);
        Path hba = dataDirectory().resolve("pg_hba.conf");
        Files.writeString(hba, String.join("\n", builder.hbaLines) + "\n" + Files.readString(hba));
        for (Map.Entry<String, String> file : builder.files.entrySet()) {
            Path path = dataDirectory().resolve(file.getKey());
            Files.writeString(path, file.getValue());
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            own(path);
        }
    }

    private static void own(Path path) throws IOException {
        Optional<Owner> owner = owner();
        if (owner.isPresent()) {
            Files.setOwner(
                    path,
                    path.getFileSystem()
                            .getUserPrincipalLookupService()
                            .lookupPrincipalByName(owner.get().name()));
        }
    }

    /**
     * Makes a directory that belongs to the server, beside its data directory, such as for a tablespace.
     *
     * @throws UncheckedIOException if it cannot be made
     */
    public Path newDirectory(String name) {
        try {
            Path made = Files.createDirectory(directory.resolve(name));
            own(made);
            return made;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As whom servers run if the test is root; empty if it is not. */
    public static Optional<Owner> owner() {
        if (!USER_NAME.equals("root")) {
            return Optional.empty();
        }
        try {
            List<String> accounts = Files.readAllLines(Path.of("/etc/passwd"), StandardCharsets.UTF_8);
            for (String name : List.of("postgres", "nobody")) {
                for (String account : accounts) {
                    List<String> fields = List.of(account.split(":", -1));
                    if (fields.get(0).equals(name)) {
                        return Optional.of(
                                new Owner(name, Integer.parseInt(fields.get(2)), Integer.parseInt(fields.get(3))));
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException("PostgreSQL does not run as root, and there is no user postgres or nobody");
    }

    private String run(List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>();
        owner().ifPresent(owner -> command.addAll(
                List.of("setpriv", "--reuid=" + owner.uid(), "--regid=" + owner.gid(), "--clear-groups")));
        command.addAll(arguments);
        Path output = Files.createTempFile(directory, "command", ".log");
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            if (!process.waitFor(COMMAND_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException(arguments + " has not ended after " + COMMAND_TIMEOUT_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        String said = Files.readString(output, StandardCharsets.UTF_8);
        if (process.exitValue() != 0) {
            throw new IllegalStateException(
                    arguments + " ended with " + process.exitValue() + ":\n" + said + "\n" + log());
        }
        return said;
    }

    /** Starts the server, after {@link #stop}; returns when it takes connections. */
    public void start() {
        control("start", "-w", "-t", "50", "-l", directory.resolve("server.log").toString());
        running = true;
    }

    /** Stops the server as {@code pg_ctl stop -m} does: {@code smart}, {@code fast} or {@code immediate} (a crash). */
    public void stop(String mode) {
        control("stop", "-w", "-t", "50", "-m", mode);
        running = false;
    }

    /** Ends the server and all its processes with SIGKILL; returns when they are gone. */
    public void kill() {
        kill(dataDirectory);
        running = false;
    }

    /**
     * Ends whatever server runs on a data directory, and all its processes, with SIGKILL; returns when they are gone.
     *
     * @throws IllegalStateException if none runs there
     */
    public static void kill(Path dataDirectory) {
        try {
            long pid = Long.parseLong(Files.readAllLines(dataDirectory.resolve("postmaster.pid"))
                    .getFirst()
                    .strip());
            ProcessHandle postmaster = ProcessHandle.of(pid)
                    .orElseThrow(() -> new IllegalStateException("no server runs on " + dataDirectory));
            List<ProcessHandle> processes = new ArrayList<>(List.of(postmaster));
            postmaster.descendants().forEach(processes::add);
            processes.forEach(ProcessHandle::destroyForcibly);
            for (ProcessHandle process : processes) {
                process.onExit().get(COMMAND_TIMEOUT_SECONDS, TimeUnit.SECONDS);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the server on " + dataDirectory + " is not gone", e);
        }
    }

    /**
     * A copy of this server, which is stopped: its data directory and its tablespaces, on a port of its own. Not started.
     *
     * @throws UncheckedIOException if it cannot be copied
     */
    public PostgresServer copy() {
        try {
            Path target = freshDirectory(binaries.major());
            PostgresServer copy = new PostgresServer(binaries, target, target.resolve("data"), freePort());
            copy.run(List.of("cp", "-a", dataDirectory.toString(), copy.dataDirectory.toString()));
            try (DirectoryStream<Path> links = Files.newDirectoryStream(copy.dataDirectory.resolve("pg_tblspc"))) {
                for (Path link : links) {
                    Path tablespace = target.resolve("tablespace-" + link.getFileName());
                    copy.run(List.of("cp", "-a", Files.readSymbolicLink(link).toString(), tablespace.toString()));
                    copy.run(List.of("ln", "-sfn", tablespace.toString(), link.toString()));
                }
            }
            copy.configure("port", Integer.toString(copy.port));
            return copy;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot copy " + dataDirectory, e);
        }
    }

    /** Changes a setting in the configuration of the server, which reads it when it starts. */
    public void configure(String name, String value) {
        Path file = dataDirectory.resolve("postgresql.auto.conf");
        String line = name + " = '" + value.replace("'", "''") + "'\n";
        try {
            Files.writeString(file, line, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes an empty file in the data directory, such as {@code recovery.signal} or {@code standby.signal}. */
    public void signal(String name) {
        try {
            own(Files.createFile(dataDirectory.resolve(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Runs the server until it ends by itself, as at the target of a recovery; returns what it logged.
     *
     * @throws IllegalStateException if it fails or has not ended after a minute; with what it logged
     */
    public String runUntilItEnds() {
        try {
            return run(List.of(binaries.program("postgres").toString(), "-D", dataDirectory.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends recovery, as {@code pg_ctl promote} does; returns when the server takes writes. */
    public void promote() {
        control("promote", "-w", "-t", "50");
    }

    private void control(String action, String... options) {
        List<String> command = new ArrayList<>(List.of(
                binaries.program("pg_ctl").toString(),
                action,
                "-D",
                dataDirectory().toString()));
        command.addAll(List.of(options));
        try {
            run(command);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A new connection as superuser, which the caller closes. */
    public Connection connect() throws SQLException {
        return connect("postgres");
    }

    /** A new connection to this database as superuser, which the caller closes. */
    public Connection connect(String database) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", USER);
        return DriverManager.getConnection(url(database), properties);
    }

    /** The JDBC URL of this database. */
    public String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    /** Where its Unix socket is, if it has one. */
    public Path socketDirectory() {
        return directory;
    }

    /** Where it listens on the loopback address. */
    public int port() {
        return port;
    }

    /** The major version. */
    public int major() {
        return binaries.major();
    }

    /** The data directory. */
    public Path dataDirectory() {
        return dataDirectory;
    }

    /** The directory with the WAL. */
    public Path walDirectory() {
        return dataDirectory().resolve("pg_wal");
    }

    /** What the server has logged so far. */
    public String log() {
        Path log = directory.resolve("server.log");
        try {
            return Files.exists(log) ? Files.readString(log) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops the server if it runs, and deletes everything that was made for it. */
    @Override
    public void close() {
        @Nullable RuntimeException stopping = null;
        if (running) {
            try {
                stop("immediate");
            } catch (RuntimeException e) {
                stopping = e;
            }
        }
        try {
            DirectoryTree.delete(directory);
        } catch (IOException e) {
            UncheckedIOException deleting = new UncheckedIOException(e);
            if (stopping == null) {
                throw deleting;
            }
            stopping.addSuppressed(deleting);
        }
        if (stopping != null) {
            throw stopping;
        }
    }
}
