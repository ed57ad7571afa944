package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.Lsn;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A server in a process of its own, with the options of the Java machine that the launcher starts servers with, so that its
 * memory and what it writes are measured apart from whoever measures. For one thread.
 */
final class ServerProcess implements AutoCloseable {
    /** Where the launcher says how it starts servers. */
    private static final String JAVA_OPTIONS = "PALIMPSEST_SERVER_JAVA_OPTS";

    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter commands;

    /**
     * What a branch takes.
     *
     * @param layers how many layer files
     * @param layerBytes their size
     */
    record Size(int layers, long layerBytes) {}

    private ServerProcess(Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.commands = process.outputWriter(StandardCharsets.UTF_8);
    }

    /**
     * Where pages of a branch are had.
     *
     * @param port of the page service
     * @param grpcPort of the page API over gRPC; 0 if nobody listens there
     */
    record Pages(int port, int grpcPort, String tenant, String timeline) {}

    /** Starts a server and waits until it is ready. */
    static ServerProcess start(Path directory, Path programs) throws IOException {
        return start(directory, programs, null);
    }

    /** The same; nothing is compacted unless it is asked for, and pages are served over gRPC too. */
    static ServerProcess startForPages(Path directory, Path programs) throws IOException {
        return launch(directory, programs, CommandedServer.FOR_PAGES);
    }

    /** The same; GC does not wait for leases from before the start. */
    static ServerProcess startWithGcAtOnce(Path directory, Path programs) throws IOException {
        return launch(directory, programs, CommandedServer.GC_AT_ONCE);
    }

    /** The same with its objects in another directory, unless that is null. */
    static ServerProcess start(Path directory, Path programs, @Nullable Path objects) throws IOException {
        return launch(directory, programs, objects == null ? null : objects.toString());
    }

    private static ServerProcess launch(Path directory, Path programs, @Nullable String third) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        String options = System.getenv(JAVA_OPTIONS);
        if (options != null) {
            command.addAll(List.of(options.strip().split("\\s+")));
        }
        command.addAll(List.of(
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dpalimpsest.log=warn",
                "-cp",
                System.getProperty("java.class.path"),
                CommandedServer.class.getName(),
                directory.toString(),
                programs.toString()));
        if (third != null) {
            command.add(third);
        }
        ServerProcess server = new ServerProcess(new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
        try {
            server.answer();
            return server;
        } catch (IOException e) {
            server.process.destroyForcibly();
            throw e;
        }
    }

    private String ask(String... words) throws IOException {
        commands.write(String.join(CommandedServer.SEPARATOR, words));
        commands.newLine();
        commands.flush();
        return answer();
    }

    private String answer() throws IOException {
        @Nullable String line = answers.readLine();
        if (line == null) {
            throw new IOException("the server has ended; see its log above");
        }
        if (!line.startsWith(CommandedServer.DONE)) {
            throw new IOException("the server: " + line);
        }
        return line.substring(CommandedServer.DONE.length()).strip();
    }

    /** Attaches a PostgreSQL and waits until that is done. */
    void attach(String name, PrivatePostgres primary) throws IOException {
        ask(CommandedServer.ATTACH, name, primary.connectionString());
    }

    /** Waits until a branch can be read at an LSN. */
    void await(String name, Lsn lsn) throws IOException {
        ask(CommandedServer.AWAIT, name, lsn.toString());
    }

    /** Has all of a branch written to layer files. */
    Size flush(String name) throws IOException {
        String[] numbers = ask(CommandedServer.FLUSH, name).split(CommandedServer.SEPARATOR);
        return new Size(Integer.parseInt(numbers[0]), Long.parseLong(numbers[1]));
    }

    /** Waits until compaction has nothing to do. */
    void awaitCompaction() throws IOException {
        ask(CommandedServer.COMPACTED);
    }

    /** Compacts a branch, and makes images of all that has changed. */
    void compact(String name) throws IOException {
        ask(CommandedServer.COMPACT, name);
    }

    /** Where pages of a branch are had. */
    Pages pages(String name) throws IOException {
        String[] words = ask(CommandedServer.PAGES, name).split(CommandedServer.SEPARATOR);
        return new Pages(Integer.parseInt(words[0]), Integer.parseInt(words[1]), words[2], words[3]);
    }

    /** Starts a {@link PageEcho} in the process; its port. */
    int echo() throws IOException {
        return Integer.parseInt(ask(CommandedServer.ECHO));
    }

    /** Reads pages of a relation, one after the other, at random unless it is one. */
    void read(String name, String relation, long blocks, int count) throws IOException {
        ask(CommandedServer.READ, name, relation, Long.toString(blocks), Integer.toString(count));
    }

    /** The values of its metrics now; see {@link MetricValues}. */
    Map<String, Double> metrics() throws IOException {
        return MetricValues.read(ask(CommandedServer.METRICS), CommandedServer.SEPARATOR);
    }

    /** How many bytes its threads have allocated on the heap so far. */
    long allocatedBytes() throws IOException {
        return Long.parseLong(ask(CommandedServer.ALLOCATED));
    }

    /** What of its heap is in use after a collection, in bytes. */
    long liveHeap() throws IOException {
        return Long.parseLong(ask(CommandedServer.HEAP));
    }

    /** Where its management API is asked. */
    String httpUrl() throws IOException {
        return ask(CommandedServer.HTTP);
    }

    /** The memory that it has now, in bytes, as Linux counts it. */
    long residentMemory() throws IOException {
        return field("status", "VmRSS:") * 1024;
    }

    /** How many threads of the operating system it has. */
    int threads() throws IOException {
        return (int) field("status", "Threads:");
    }

    /** How many files and sockets it has open. */
    int openFiles() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(process.pid()), "fd"))) {
            return (int) files.count();
        }
    }

    /** How many bytes it has handed to files and sockets so far, as Linux counts it. */
    long writtenBytes() throws IOException {
        return field("io", "wchar:");
    }

    /**
     * How many bytes it has had to write to the device so far, as Linux counts it: what was handed to files and is not gone again
     * before the kernel has come to it.
     */
    long deviceBytes() throws IOException {
        return field("io", "write_bytes:") - field("io", "cancelled_write_bytes:");
    }

    /** The most memory it has had so far, in bytes, as Linux counts it: the heap, and everything besides. */
    long peakMemory() throws IOException {
        return field("status", "VmHWM:") * 1024;
    }

    /** The processor time that it has taken so far, in seconds. */
    double cpuSeconds() {
        return process.info()
                .totalCpuDuration()
                .map(duration -> duration.toNanos() / 1e9)
                .orElse(Double.NaN);
    }

    private long field(String file, String name) throws IOException {
        Path path = Path.of("/proc", Long.toString(process.pid()), file);
        for (String line : Files.readAllLines(path)) {
            if (line.startsWith(name)) {
                return Long.parseLong(
                        line.substring(name.length()).replace("kB", "").strip());
            }
        }
        throw new IOException(path + " has no " + name);
    }

    /** Has it stop, and waits for that. */
    @Override
    public void close() throws IOException {
        try {
            commands.close();
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
