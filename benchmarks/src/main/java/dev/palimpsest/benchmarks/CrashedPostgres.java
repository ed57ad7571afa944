package dev.palimpsest.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A PostgreSQL that is killed after it filled a table, before any checkpoint, and then recovers.
 *
 * <p>Has a data directory of its own, listens on a socket in it only, does not fsync. Started by root it runs as user {@code postgres}
 * or else {@code nobody}, through {@code setpriv}.
 */
final class CrashedPostgres implements AutoCloseable {
    private static final long COMMAND_TIMEOUT_SECONDS = 600;
    private static final String FILLED = "filled";
    private static final List<String> SETTINGS = List.of(
            "fsync = off",
            "shared_buffers = 2GB",
            "max_wal_size = 100GB",
            "wal_keep_size = 100GB",
            "checkpoint_timeout = 1d",
            "autovacuum = off",
            "log_checkpoints = on",
            "listen_addresses = ''");

    private static final Pattern REDO_START = Pattern.compile("redo starts at ([0-9A-F]+/[0-9A-F]+)");
    private static final Pattern REDO_DONE = Pattern.compile(
            "redo done at ([0-9A-F]+/[0-9A-F]+) system usage: CPU: user: ([0-9.]+) s, system: ([0-9.]+) s, elapsed:"
                    + " ([0-9.]+) s");

    private final Path programs;
    private final Path directory;
    private final List<String> owner;

    /**
     * What the server said about its recovery.
     *
     * @param start where redo began
     * @param last where the last record began that was redone
     * @param cpuSeconds of user and system time
     * @param elapsedSeconds from beginning to end
     */
    record Recovery(String start, String last, double cpuSeconds, double elapsedSeconds) {}

    /**
     * Makes a data directory.
     *
     * @param programs the directory with {@code initdb}, {@code postgres} and {@code pg_ctl}
     * @param parent where to make it
     * @throws IOException if that fails; with what the program said
     */
    CrashedPostgres(Path programs, Path parent) throws IOException {
        this.programs = programs;
        this.owner = owner();
        this.directory = Files.createTempDirectory(parent, "palimpsest-redo-").toAbsolutePath();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        if (!owner.isEmpty()) {
            Files.setOwner(
                    directory,
                    directory.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(owner.getFirst()));
        }
        run(List.of(
                program("initdb"),
                "-D",
                data().toString(),
                "-U",
                "postgres",
                "-A",
                "trust",
                "--locale=C",
                "--no-sync"));
        Path configuration = data().resolve("postgresql.conf");
        Files.writeString(
                configuration,
                Files.readString(configuration) + "\n" + String.join("\n", SETTINGS) + "\nunix_socket_directories = '"
                        + directory + "'\n");
    }

    /** The newest directory with PostgreSQL's programs below {@code /usr/lib/postgresql}. */
    static Path newestInstalled() throws IOException {
        Path root = Path.of("/usr/lib/postgresql");
        if (Files.isDirectory(root)) {
            try (Stream<Path> versions = Files.list(root)) {
                Path newest = versions.filter(version -> Files.isExecutable(version.resolve("bin/postgres")))
                        .max(Comparator.comparingInt(
                                version -> Integer.parseInt(String.valueOf(version.getFileName()))))
                        .orElse(null);
                if (newest != null) {
                    return newest.resolve("bin");
                }
            }
        }
        throw new IOException("there is no PostgreSQL in " + root + "; say where its programs are with --pg-bin");
    }

    Path data() {
        return directory.resolve("data");
    }

    Path wal() {
        return data().resolve("pg_wal");
    }

    /** Inserts the numbers from 1 to {@code rows} into a new table, in one transaction, and is killed. */
    void fillAndCrash(long rows) throws IOException {
        Path log = directory.resolve("fill.log");
        Process server = new ProcessBuilder(
                        command(List.of(program("postgres"), "--single", "-D", data().toString(), "postgres")))
                .redirectError(log.toFile())
                .start();
        try (BufferedReader said = server.inputReader(StandardCharsets.UTF_8);
                var commands = server.outputWriter(StandardCharsets.UTF_8)) {
            commands.write("CREATE TABLE t (i int)\nCHECKPOINT\nINSERT INTO t SELECT generate_series(1, " + rows
                    + ")\nSELECT '" + FILLED + "'\n");
            commands.flush();
            String line = said.readLine();
            while (line != null && !line.contains("= \"" + FILLED + '"')) {
                line = said.readLine();
            }
            if (line == null) {
                throw new IOException("PostgreSQL ended before the table was filled:\n" + Files.readString(log));
            }
            server.destroyForcibly();
        } finally {
            server.destroyForcibly().onExit().join();
        }
    }

    /** Starts the server, which recovers, and stops it again. */
    Recovery recover() throws IOException {
        Path log = directory.resolve("server.log");
        try {
            run(List.of(program("pg_ctl"), "start", "-w", "-t", "600", "-D", data().toString(), "-l", log.toString()));
        } catch (IOException e) {
            throw new IOException(
                    e.getMessage() + "\nIts log: " + (Files.exists(log) ? Files.readString(log) : "none"), e);
        }
        run(List.of(program("pg_ctl"), "stop", "-w", "-t", "600", "-m", "fast", "-D", data().toString()));
        String text = Files.readString(log);
        Matcher start = REDO_START.matcher(text);
        Matcher done = REDO_DONE.matcher(text);
        if (!start.find() || !done.find()) {
            throw new IOException("PostgreSQL does not say how long redo took:\n" + text);
        }
        return new Recovery(
                start.group(1),
                done.group(1),
                Double.parseDouble(done.group(2)) + Double.parseDouble(done.group(3)),
                Double.parseDouble(done.group(4)));
    }

    private String program(String name) {
        return programs.resolve(name).toString();
    }

    private List<String> command(List<String> arguments) {
        if (owner.isEmpty()) {
            return arguments;
        }
        List<String> command = new ArrayList<>(
                List.of("setpriv", "--reuid=" + owner.get(1), "--regid=" + owner.get(2), "--clear-groups"));
        command.addAll(arguments);
        return command;
    }

    private void run(List<String> arguments) throws IOException {
        Path output = Files.createTempFile(directory, "command", ".log");
        Process process = new ProcessBuilder(command(arguments))
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            if (!process.waitFor(COMMAND_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException(arguments + " has not ended after " + COMMAND_TIMEOUT_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
        if (process.exitValue() != 0) {
            throw new IOException(arguments + " ended with " + process.exitValue() + ":\n" + Files.readString(output));
        }
    }

    /** As whom the server runs if this is root: name, user id and group id; empty if it is not. */
    private static List<String> owner() throws IOException {
        if (!System.getProperty("user.name", "").equals("root")) {
            return List.of();
        }
        List<String> accounts = Files.readAllLines(Path.of("/etc/passwd"), StandardCharsets.UTF_8);
        for (String name : List.of("postgres", "nobody")) {
            for (String account : accounts) {
                List<String> fields = List.of(account.split(":", -1));
                if (fields.getFirst().equals(name)) {
                    return List.of(name, fields.get(2), fields.get(3));
                }
            }
        }
        throw new IOException("PostgreSQL does not run as root, and there is no user postgres or nobody");
    }

    /** Deletes the directory. */
    @Override
    public void close() throws IOException {
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
