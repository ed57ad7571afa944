package dev.palimpsest.pageserver.endpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL server on a data directory. It is a process of its own and outlives this one; what is known of it is read
 * from {@code postmaster.pid}.
 *
 * @param programs with which it runs
 * @param data its data directory
 * @param log where it logs to
 * @param user as whom it runs; null for the user of this process
 */
public record PostgresProcess(
        PostgresPrograms programs,
        Path data,
        Path log,
        @Nullable ServerUser user) {
    private static final int START_SECONDS = 60;

    /** The postmaster's process ID if it runs, else 0. */
    public static long pid(Path data) {
        try {
            List<String> lines = Files.readAllLines(data.resolve("postmaster.pid"));
            long pid = lines.isEmpty() ? 0 : Long.parseLong(lines.getFirst().strip());
            return pid > 0 && ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false) ? pid : 0;
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    /**
     * Starts it; returns when it takes connections.
     *
     * @throws IOException if it does not start; with the end of its log
     */
    public void start() throws IOException {
        Run run =
                control(START_SECONDS + 10L, "start", "-w", "-t", String.valueOf(START_SECONDS), "-l", log.toString());
        if (run.exit != 0) {
            throw new IOException("PostgreSQL does not start on " + data + ": " + run.output.strip() + tail());
        }
    }

    /** Asks it to shut down, after open transactions are rolled back. Does not wait. */
    public void requestStop() throws IOException {
        Run run = control(30, "stop", "-W", "-m", "fast");
        if (run.exit != 0 && pid(data) != 0) {
            throw new IOException("PostgreSQL on " + data + " cannot be stopped: " + run.output.strip());
        }
    }

    /** Ends it at once; it recovers at its next start. */
    public void kill() throws IOException {
        Run run = control(30, "stop", "-w", "-m", "immediate");
        if (run.exit != 0 && pid(data) != 0) {
            throw new IOException("PostgreSQL on " + data + " cannot be stopped: " + run.output.strip());
        }
    }

    private record Run(int exit, String output) {}

    private Run control(long seconds, String action, String... options) throws IOException {
        List<String> command = new ArrayList<>();
        if (user != null) {
            command.addAll(user.prefix());
        }
        command.add(programs.bin().resolve("pg_ctl").toString());
        command.addAll(List.of(action, "-D", data.toString()));
        command.addAll(List.of(options));
        Path output = Files.createTempFile("palimpsest-pg_ctl", ".log");
        try {
            Process process = new ProcessBuilder(command)
                    .directory(data.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException("pg_ctl " + action + " has not ended after " + seconds + " s");
            }
            return new Run(process.exitValue(), Files.readString(output));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            Files.deleteIfExists(output);
        }
    }

    private String tail() throws IOException {
        if (!Files.exists(log)) {
            return "";
        }
        List<String> lines = Files.readAllLines(log);
        return "\n" + String.join("\n", lines.subList(Math.max(0, lines.size() - 10), lines.size()));
    }
}
