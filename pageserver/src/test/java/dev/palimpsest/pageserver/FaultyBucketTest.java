package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.storage.check.CheckProgress;
import dev.palimpsest.storage.check.StorageCheck;
import dev.palimpsest.storage.check.StorageReport;
import dev.palimpsest.storage.check.TimelineReport;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.remote.CallLimits;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.testkit.PostgresServer;
import dev.palimpsest.testkit.s3.FaultyHttpProxy;
import dev.palimpsest.testkit.s3.HttpFaults;
import dev.palimpsest.testkit.s3.S3Server;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real PostgreSQL that is written to, a real server that follows it, and a real S3 server of which three requests in ten go
 * wrong: errors, delays, connections cut before, within and after what they carry.
 */
class FaultyBucketTest {
    private static final long SEED = Long.getLong("palimpsest.seed", 20261124);
    private static final double FAULTS = 0.3;
    private static final long PAUSE_NANOS = 10_000_000;
    private static final long PATIENCE_NANOS = 120_000_000_000L;
    /** Besides uploads, whoever deletes or puts an index part may wait for a turn: one for each timeline. */
    private static final int OTHER_WAITERS = 4;

    @TempDir
    private Path directory;

    /** The most that ever ran and waited. */
    private double mostRunning;

    private double mostWaiting;

    @Test
    void nothingIsLost() throws Exception {
        run(12);
    }

    @Test
    @Tag("long")
    void nothingIsLostForLong() throws Exception {
        run(600);
    }

    private void run(int rounds) throws Exception {
        try (S3Server bucket = S3Server.start();
                FaultyHttpProxy proxy = FaultyHttpProxy.start(bucket.address(), SEED);
                PostgresServer primary = PostgresServer.version(17)
                        .setting("max_wal_senders", "10")
                        .start()) {
            bucket.createBucket("history");
            String storage = "s3://history/of/it?region=us-east-1&endpoint="
                    + URLEncoder.encode(proxy.endpoint().toString(), StandardCharsets.UTF_8);
            try (Connection connection = primary.connect();
                    Statement statement = connection.createStatement()) {
                statement.execute("CREATE TABLE t (k int, v text)");
                statement.execute("CREATE INDEX ON t (k)");
            }
            proxy.misbehave(HttpFaults.mixed(FAULTS));
            try (Server server = Server.open(ServerProcess.options(directory.resolve("first"), storage))) {
                server.branches().attach(ServerProcess.BRANCH, connection(primary), null);
                await(server, now -> now.follow() != null && now.follow().phase() == FollowState.Phase.STREAMING);
                Thread sampling = Thread.ofVirtual().start(() -> sample(server));
                try {
                    write(primary, server, rounds);
                    compare(primary, server);
                    server.branches().upkeep().flush(ServerProcess.BRANCH);
                } finally {
                    sampling.interrupt();
                    sampling.join();
                }
                long deadline = System.nanoTime() + PATIENCE_NANOS;
                while (gauge(server, "palimpsest_upload_backlog_bytes", Map.of()) > 0) {
                    assertThat(System.nanoTime()).as("an upload is stuck").isLessThan(deadline);
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            }
            try (Server other = Server.open(ServerProcess.options(directory.resolve("second"), storage))) {
                verify(primary, other);
            }
            for (FaultyHttpProxy.Fault fault : FaultyHttpProxy.Fault.values()) {
                assertThat(proxy.count(fault)).as("%s", fault).isPositive();
            }
            proxy.misbehave(HttpFaults.NONE);
            assertThat(mostRunning).isBetween(1.0, (double) CallLimits.DEFAULT.uploads());
            assertThat(mostWaiting).isLessThanOrEqualTo(OTHER_WAITERS);
            check(storage);
        }
    }

    private static String connection(PostgresServer primary) {
        return "host=127.0.0.1 port=" + primary.port() + " user=" + PostgresServer.USER;
    }

    /** Writes rows, and makes the server upload what there is, again and again. */
    private void write(PostgresServer primary, Server server, int rounds) throws Exception {
        Random random = new Random(SEED);
        try (Connection connection = primary.connect();
                Statement statement = connection.createStatement()) {
            for (int round = 0; round < rounds; round++) {
                statement.execute("INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 2000) g");
                int from = random.nextInt(2000);
                statement.execute("UPDATE t SET v = v || 'x' WHERE k BETWEEN " + from + " AND " + (from + 20));
                statement.execute("DELETE FROM t WHERE k = " + random.nextInt(2000));
                if (round % 3 == 2) {
                    server.branches().upkeep().flush(ServerProcess.BRANCH);
                }
            }
        }
    }

    /** Looks at the queues until it is interrupted. */
    private void sample(Server server) {
        while (!Thread.currentThread().isInterrupted()) {
            mostRunning = Math.max(mostRunning, calls(server, "running"));
            mostWaiting = Math.max(mostWaiting, calls(server, "waiting"));
            LockSupport.parkNanos(PAUSE_NANOS / 10);
        }
    }

    private static double calls(Server server, String state) {
        return gauge(server, "palimpsest_remote_storage_calls", Map.of("direction", "upload", "state", state));
    }

    private static double gauge(Server server, String name, Map<String, String> labels) {
        for (MetricSnapshot metric : server.metrics().scrape()) {
            if (metric.getMetadata().getName().equals(name) && metric instanceof GaugeSnapshot gauge) {
                return gauge.getDataPoints().stream()
                        .filter(point -> labels.entrySet().stream()
                                .allMatch(label -> label.getValue()
                                        .equals(point.getLabels().get(label.getKey()))))
                        .findFirst()
                        .orElseThrow()
                        .getValue();
            }
        }
        throw new AssertionError("there is no metric " + name);
    }

    /** Stops the primary, which sends all of its WAL first, and compares every page. */
    private static void compare(PostgresServer primary, Server server) throws Exception {
        primary.stop("fast");
        ControlFile control =
                ControlFile.parse(Files.readAllBytes(primary.dataDirectory().resolve(ControlFile.PATH)));
        await(server, now -> now.lastRecordLsn().isAfter(control.checkPointLocation()));
        verify(primary, server);
    }

    private static void verify(PostgresServer primary, Server server) throws Exception {
        DirectoryComparison.Result result =
                server.branches().verify(ServerProcess.BRANCH, primary.dataDirectory(), PageComparison.Server.PRIMARY);
        assertThat(result.differences()).as("seed %d", SEED).isEmpty();
        assertThat(result.pages()).isGreaterThan(1000);
    }

    private static void await(Server server, Predicate<BranchView> condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            Optional<BranchView> now = server.branches().list().stream().findFirst();
            if (now.isPresent() && condition.test(now.get())) {
                return;
            }
            assertThat(System.nanoTime()).as("%s", now).isLessThan(deadline);
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private static void check(String storage) throws Exception {
        SystemClock clock = new SystemClock();
        VirtualThreadTasks tasks = new VirtualThreadTasks(clock);
        RequestContext context = RequestContext.of(TaskKind.TOOL);
        Map<String, String> keys = Map.of("access-key", S3Server.ACCESS_KEY, "secret-key", S3Server.SECRET_KEY);
        try (OpenObjectStore store = OpenObjectStore.openForReading(
                StorageLocation.parse(storage, keys),
                new LocalDisk(LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), tasks),
                new Environment(clock, tasks, new SplittableRandom(SEED)),
                RemoteSettings.DEFAULT,
                new PrometheusRegistry(),
                context)) {
            StorageReport report =
                    new StorageCheck(store.objects(), Optional.empty(), CheckProgress.NONE, context).run();
            assertThat(report.problems()).isEmpty();
            assertThat(report.foreign()).isEmpty();
            assertThat(report.tenants().getFirst().timelines())
                    .as("%s", report)
                    .singleElement()
                    .extracting(TimelineReport::layerBytes)
                    .satisfies(bytes -> assertThat(bytes).isGreaterThan(1L << 20));
        }
    }
}
