package dev.palimpsest.benchmarks;

import com.sun.management.ThreadMXBean;
import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.StorageLocation;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.grpc.GrpcSettings;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.timeline.StoreSettings;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The program of a {@link ServerProcess}: a server that does what lines of its standard input say, one after the other, and ends
 * with it. Words are separated by tabs; each line is answered by one that begins with {@link #DONE}, or has the reason why not.
 */
final class CommandedServer {
    static final String SEPARATOR = "\t";
    static final String DONE = "done ";
    static final String ATTACH = "attach";
    static final String AWAIT = "await";
    static final String FLUSH = "flush";
    static final String METRICS = "metrics";
    static final String READ = "read";
    static final String COMPACTED = "compacted";
    static final String COMPACT = "compact";
    static final String PAGES = "pages";
    static final String ECHO = "echo";
    static final String ALLOCATED = "allocated";
    static final String HEAP = "heap";
    static final String HTTP = "http";
    /** As the last argument: nothing is compacted unless it is asked for, and pages are served over gRPC too. */
    static final String FOR_PAGES = "--for-pages";
    /** As the last argument: GC begins at once, and does not wait for leases from before the start. */
    static final String GC_AT_ONCE = "--gc-at-once";

    private static final GrpcSettings GRPC = new GrpcSettings("127.0.0.1", 0, 64, 64);
    private static final ThreadMXBean THREADS = ManagementFactory.getPlatformMXBean(ThreadMXBean.class);
    private static final long SEED = 42;
    private static final long QUIET_NANOS = 3_000_000_000L;
    private static final long PATIENCE_NANOS = 1_800_000_000_000L;

    private final Server server;
    private final Branches branches;
    private final PrometheusRegistry metrics;

    private CommandedServer(Server server) {
        this.server = server;
        this.branches = server.branches();
        this.metrics = server.metrics();
    }

    /**
     * Serves.
     *
     * @param arguments the server's directory, that of PostgreSQL's programs, and if there is a third, that of its objects,
     *     {@link #FOR_PAGES} or {@link #GC_AT_ONCE}
     */
    public static void main(String[] arguments) throws IOException, StorageException {
        PrintStream answers = System.out;
        ServerOptions options = new ServerOptions(Path.of(arguments[0]), "127.0.0.1", 0, Path.of(arguments[1]));
        if (arguments.length > 2 && arguments[2].equals(FOR_PAGES)) {
            options = with(options, GRPC, StoreSettings.DEFAULT, options.retention());
        } else if (arguments.length > 2 && arguments[2].equals(GC_AT_ONCE)) {
            RetentionSettings now = options.retention();
            options = with(
                    options,
                    options.grpc(),
                    options.store(),
                    new RetentionSettings(
                            now.pitrInterval(),
                            now.gcHorizon(),
                            now.gcPeriod(),
                            Duration.ZERO,
                            now.historyCompacted(),
                            now.history()));
        } else if (arguments.length > 2) {
            options = options.withStorage(new StorageLocation.LocalDirectory(Path.of(arguments[2])));
        }
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                Server server = Server.open(options)) {
            CommandedServer commanded = new CommandedServer(server);
            answers.println(DONE);
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                answers.println(commanded.answer(line.split(SEPARATOR)));
            }
        }
    }

    private static ServerOptions with(
            ServerOptions options, @Nullable GrpcSettings grpc, StoreSettings store, RetentionSettings retention) {
        return new ServerOptions(
                options.directory(),
                options.http(),
                options.pageService(),
                grpc,
                options.security(),
                options.storage(),
                options.remote(),
                store,
                options.eviction(),
                retention,
                options.traces(),
                options.pgBinaries());
    }

    private String answer(String[] words) {
        try {
            switch (words[0]) {
                case METRICS -> {
                    return DONE + MetricValues.write(metrics.scrape(), SEPARATOR);
                }
                case READ -> read(words[1], words[2], Long.parseLong(words[3]), Integer.parseInt(words[4]));
                case COMPACTED -> awaitCompaction();
                case COMPACT -> branches.upkeep().compact(words[1], true, true);
                case PAGES -> {
                    BranchView view = branches.view(words[1]);
                    return DONE
                            + server.pageServicePort()
                            + SEPARATOR
                            + server.grpcPort().orElse(0)
                            + SEPARATOR
                            + view.tenant()
                            + SEPARATOR
                            + view.timeline();
                }
                case HEAP -> {
                    System.gc();
                    return DONE
                            + ManagementFactory.getMemoryMXBean()
                                    .getHeapMemoryUsage()
                                    .getUsed();
                }
                case HTTP -> {
                    return DONE + server.httpUrl();
                }
                case ECHO -> {
                    return DONE + echo();
                }
                case ALLOCATED -> {
                    return DONE + THREADS.getTotalThreadAllocatedBytes();
                }
                case ATTACH -> Live.attach(branches, words[1], words[2]);
                case AWAIT -> Live.await(branches, words[1], Lsn.parse(words[2]));
                case FLUSH -> {
                    branches.upkeep().flush(words[1]);
                    BranchView view = branches.view(words[1]);
                    return DONE + view.layers() + SEPARATOR + view.layerBytes();
                }
                default -> throw new IllegalArgumentException("there is no command " + words[0]);
            }
            return DONE;
        } catch (BranchException | IOException e) {
            return String.valueOf(e.getMessage()).replace('\n', ' ');
        }
    }

    /** Starts an echo, which ends with the process. */
    private static int echo() throws IOException {
        @SuppressWarnings("resource")
        PageEcho echo = new PageEcho();
        return echo.port();
    }

    /** Reads pages of a relation at random, one at a time; only its first page if it is to be one. */
    private void read(String branch, String relation, long blocks, int count) throws BranchException {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < count; i++) {
            readWhenLoaded(branch, relation, count == 1 ? 0 : random.nextLong(blocks));
        }
    }

    /** A server is ready before its tenants are loaded, and until then says so of a branch. */
    private void readWhenLoaded(String branch, String relation, long block) throws BranchException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            try {
                branches.page(branch, relation, block, Moment.LATEST);
                return;
            } catch (BranchException e) {
                if (e.kind() != BranchException.Kind.UNAVAILABLE) {
                    throw e;
                }
                Live.pause(deadline);
            }
        }
    }

    /** Waits until compaction has had nothing to do for some time. */
    private void awaitCompaction() throws BranchException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        Map<String, Double> before = Map.of();
        long since = System.nanoTime();
        while (System.nanoTime() - since < QUIET_NANOS) {
            Map<String, Double> now = MetricValues.read(MetricValues.write(metrics.scrape(), SEPARATOR), SEPARATOR);
            now.keySet()
                    .removeIf(name -> !name.startsWith("palimpsest_layers{")
                            && !name.startsWith("palimpsest_compaction_written_bytes"));
            boolean many = now.getOrDefault("palimpsest_layers{level=l0}", 0.0)
                    >= BackgroundSettings.DEFAULT.compaction().l0Threshold();
            if (many || !now.equals(before)) {
                since = System.nanoTime();
            }
            before = now;
            Live.pause(deadline);
        }
    }
}
