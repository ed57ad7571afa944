package dev.palimpsest.pageserver.endpoint;

import dev.palimpsest.postgres.PostgresVersion;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL with a cluster of its own, for the length of a command: user {@code postgres}, on the loopback address, trusting
 * everybody there.
 */
public final class PrivatePostgres implements AutoCloseable {
    private static final int OLDEST = 14;
    private static final int NEWEST = 18;
    private static final int DEFAULT = 17;

    private final PostgresProcess process;
    private final int port;
    private boolean running;

    private PrivatePostgres(PostgresProcess process, int port) {
        this.process = process;
        this.port = port;
    }

    /** The newest major version that is installed where distributions put it, or else 17. */
    public static int newestInstalled() {
        for (int major = NEWEST; major >= OLDEST; major--) {
            if (Files.isExecutable(Path.of("/usr/lib/postgresql/" + major + "/bin/initdb"))) {
                return major;
            }
        }
        return DEFAULT;
    }

    /**
     * Makes a cluster and starts a server on it.
     *
     * @param home gets the cluster and the log
     * @param cache for programs that are fetched
     * @param settings lines for {@code postgresql.conf}
     */
    public static PrivatePostgres start(PostgresVersion version, Path home, Path cache, String... settings)
            throws IOException {
        PostgresPrograms programs = PostgresPrograms.find(version, List.of(), cache, System.getenv());
        ServerUser user = ServerUser.ifRoot();
        Files.createDirectories(home);
        if (user != null) {
            Files.setAttribute(home, "unix:uid", user.uid(), LinkOption.NOFOLLOW_LINKS);
            Path above = Objects.requireNonNull(home.getParent());
            var permissions = Files.getPosixFilePermissions(above);
            permissions.addAll(PosixFilePermissions.fromString("--x--x--x"));
            Files.setPosixFilePermissions(above, permissions);
        }
        Path data = home.resolve("data");
        run(
                user,
                home,
                programs.bin().resolve("initdb").toString(),
                "-D",
                data.toString(),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--data-checksums");
        int port = freePort();
        List<String> lines = new ArrayList<>(List.of(
                "listen_addresses = '127.0.0.1'",
                "unix_socket_directories = ''",
                "port = " + port,
                "max_wal_senders = 10"));
        lines.addAll(List.of(settings));
        Files.write(data.resolve("postgresql.conf"), lines, StandardOpenOption.APPEND);
        PrivatePostgres started =
                new PrivatePostgres(new PostgresProcess(programs, data, home.resolve("server.log"), user), port);
        started.process.start();
        started.running = true;
        return started;
    }

    private static void run(@Nullable ServerUser user, Path home, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(user == null ? List.of() : user.prefix());
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .directory(home.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(arguments[0] + " failed: " + said.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Where it listens on the loopback address. */
    public int port() {
        return port;
    }

    /** The directory with its programs. */
    public Path programs() {
        return process.programs().bin();
    }

    /** Its data directory. */
    public Path data() {
        return process.data();
    }

    /** How to reach it. */
    public String connectionString() {
        return "host=127.0.0.1 port=" + port + " user=postgres";
    }

    /** How to start it by hand. */
    public String startCommand() {
        ServerUser user = process.user();
        return (user == null ? "" : String.join(" ", user.prefix()) + " ")
                + programs().resolve("pg_ctl") + " start -D " + data();
    }

    /** Shuts it down, and waits until it has ended. */
    public void stop() throws IOException {
        process.requestStop();
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (PostgresProcess.pid(data()) != 0) {
            if (System.nanoTime() > deadline) {
                throw new IOException("PostgreSQL on " + data() + " does not stop");
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
        running = false;
    }

    /** Ends it at once, as a crash does. */
    public void crash() throws IOException {
        process.kill();
        running = false;
    }

    /** Starts it again; returns when it takes connections, after recovery if it crashed. */
    public void restart() throws IOException {
        process.start();
        running = true;
    }

    /** What it has logged so far. */
    public String log() throws IOException {
        return Files.readString(process.log());
    }

    /** Ends it if it runs. What it made stays. */
    @Override
    public void close() throws IOException {
        if (running && PostgresProcess.pid(data()) != 0) {
            process.kill();
            running = false;
        }
    }
}
