package dev.palimpsest.pageserver.endpoint;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
    private static final long READY_STEP_MILLIS = 5;
    private static final String PID_FILE = "postmaster.pid";
    private static final int STATE_LINE = 7;
    private static final Path SETSID = Path.of("/usr/bin/setsid");

    /** The postmaster's process ID if it runs, else 0. */
    public static long pid(Path data) {
        try {
            List<String> lines = Files.readAllLines(data.resolve(PID_FILE));
            long pid = lines.isEmpty() ? 0 : Long.parseLong(lines.getFirst().strip());
            return pid > 0 && ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false) ? pid : 0;
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    /**
     * Starts it, in a session of its own, so that it outlives us; returns when it takes connections. As {@code pg_ctl start -w},
     * which looks only ten times a second whether it does.
     *
     * @throws IOException if it does not start; with the end of its log
     */
    public void start() throws IOException {
        List<String> command = command();
        if (Files.isExecutable(SETSID)) {
            command.add(SETSID.toString());
        }
        command.addAll(List.of(programs.bin().resolve("postgres").toString(), "-D", data.toString()));
        Process process = new ProcessBuilder(command)
                .directory(data.toFile())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        try {
            while (!isReady(process.pid())) {
                if (process.waitFor(READY_STEP_MILLIS, TimeUnit.MILLISECONDS)) {
                    throw new IOException("PostgreSQL does not start on " + data + ": it ended with exit code "
                            + process.exitValue() + tail());
                }
                if (System.nanoTime() > deadline) {
                    throw new IOException("PostgreSQL on " + data + " takes no connections after " + START_SECONDS
                            + " s; it goes on starting" + tail());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** What it writes into the eighth line of {@code postmaster.pid} when it takes connections. */
    private boolean isReady(long pid) throws IOException {
        try {
            List<String> lines = Files.readAllLines(data.resolve(PID_FILE));
            return lines.size() > STATE_LINE
                    && lines.getFirst().strip().equals(String.valueOf(pid))
                    && lines.get(STATE_LINE).strip().equals("ready");
        } catch (NoSuchFileException e) {
            return false;
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

    private List<String> command() {
        return new ArrayList<>(user == null ? List.of() : user.prefix());
    }

    private Run control(long seconds, String action, String... options) throws IOException {
        List<String> command = command();
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
