package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.ClusterContents.Connector;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code pgbench} runs against a primary and against an endpoint, while branches of both are made at random moments, booted,
 * checked, written to and dropped.
 */
class PgbenchTest {
    private static final long SEED = 20261123;

    @Test
    void branchesAreConsistentUnderLoad(@TempDir Path directory, TestReporter reporter) throws Exception {
        run(directory, 3, Duration.ZERO, reporter);
    }

    @Tag("long")
    @Test
    void branchesAreConsistentForMinutes(@TempDir Path directory, TestReporter reporter) throws Exception {
        run(directory, 20, Duration.ofMinutes(4), reporter);
    }

    /** At least so many branches, and at least so long. */
    private static void run(Path directory, int atLeast, Duration time, TestReporter reporter) throws Exception {
        int major = 17;
        try (PostgresServer primary = PostgresServer.version(major)
                        .setting("max_wal_senders", "10")
                        .setting("max_wal_size", "256MB")
                        .start();
                BranchHost host = new BranchHost(directory, major)) {
            Branches branches = host.branches();
            host.attach("prod", primary);
            TpcB.initialize(primary::connect);
            Lsn loaded;
            try (Connection connection = primary.connect()) {
                loaded = MixedWorkload.insertLsn(connection);
                MixedWorkload.execute(connection, List.of("CHECKPOINT"));
            }
            host.catchUp("prod", loaded);
            branches.create("work", "prod", new Moment.AtLsn(loaded));
            EndpointView work = branches.startEndpoint("work", 0, null);
            Random random = new Random(SEED);
            int made = 0;
            try (TpcB _ = TpcB.start(primary.port(), primary::connect, SEED);
                    TpcB _ = TpcB.start(work.port(), BranchHost.on(work), SEED + 100)) {
                long end = System.nanoTime() + time.toNanos();
                while (made < atLeast || System.nanoTime() < end) {
                    made++;
                    useBranch(
                            branches,
                            made % 3 == 0 ? "work" : "prod",
                            "b" + made,
                            moment(branches, loaded, made, random));
                }
            }
            reporter.publishEntry(
                    "branches",
                    made + " with " + TpcB.program().map(Path::toString).orElse("sessions of our own") + ", "
                            + TpcB.check(primary::connect, "primary") + " transactions on the primary, "
                            + TpcB.check(BranchHost.on(work), "endpoint") + " on the endpoint");
            branches.stopEndpoint("work");
            host.catchUp("prod", flushed(primary));
            primary.stop("fast");
            DirectoryComparison.Result result =
                    branches.verify("prod", primary.dataDirectory(), PageComparison.Server.PRIMARY);
            assertThat(result.differences()).isEmpty();
            work = branches.startEndpoint("work", 0, null);
            TpcB.check(BranchHost.on(work), "endpoint, from the branch alone");
            ClusterContents.assertSound(BranchHost.on(work), "endpoint, from the branch alone");
            branches.stopEndpoint("work");
        }
    }

    private static Lsn flushed(PostgresServer primary) throws Exception {
        try (Connection connection = primary.connect()) {
            MixedWorkload.execute(connection, List.of("SELECT pg_logical_emit_message(true, '', 'the end')"));
            return MixedWorkload.insertLsn(connection);
        }
    }

    /** An LSN in between, which need not be the end of a record; a time; or now. */
    private static Moment moment(Branches branches, Lsn first, int number, Random random) throws Exception {
        return switch (number % 3) {
            case 0 -> new Moment.Latest();
            case 1 -> {
                Lsn last = branches.view("prod").lastRecordLsn();
                yield new Moment.AtLsn(first.plus((long) (random.nextDouble() * last.bytesSince(first))));
            }
            default -> new Moment.AtTime(Instant.now().minusMillis(random.nextInt(500)));
        };
    }

    private static void useBranch(Branches branches, String from, String name, Moment moment) throws Exception {
        branches.create(name, from, moment);
        EndpointView endpoint = branches.startEndpoint(name, 0, null);
        Connector connector = BranchHost.on(endpoint);
        String what = name + " of " + from + " at " + moment + ", seed " + SEED;
        long before = TpcB.check(connector, what);
        TpcB.transactions(connector, 20, SEED);
        assertThat(TpcB.check(connector, what)).isEqualTo(before + 20);
        branches.stopEndpoint(name);
        assertThat(branches.delete(name)).isEmpty();
    }
}
