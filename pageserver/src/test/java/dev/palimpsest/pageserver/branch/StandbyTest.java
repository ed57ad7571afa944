package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.ClusterContents.Connector;
import dev.palimpsest.pageserver.ClusterContents.SequenceValue;
import dev.palimpsest.pageserver.datadir.BackupManifest;
import dev.palimpsest.pageserver.datadir.DirectorySink;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A primary is attached while it does everything that a PostgreSQL can do. At LSNs in between and at the end, a standby of it
 * that was stopped exactly there, by PostgreSQL's own recovery, is the oracle for every page that we give for that LSN; and a
 * PostgreSQL that boots on a branch from there must be sound and have what the primary had.
 */
class StandbyTest {
    private static final long SEED = 20261121;

    /** A moment: what the primary had then is only known if it was quiet. */
    private record Point(String name, Lsn lsn, @Nullable Dump dump) {}

    private record Dump(
            SortedMap<String, String> contents, SortedMap<String, SequenceValue> sequences, Optional<String> pgDump) {}

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void theOldestAndTheNewest(int major, @TempDir Path directory, TestReporter reporter) throws Exception {
        run(major, directory, reporter);
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(ints = {15, 16, 17})
    void thoseBetween(int major, @TempDir Path directory, TestReporter reporter) throws Exception {
        run(major, directory, reporter);
    }

    private static PostgresServer primary(int major) {
        PostgresServer.Builder builder = PostgresServer.version(major)
                .setting("max_wal_senders", "10")
                .setting("max_prepared_transactions", "10")
                .setting("max_wal_size", "4GB")
                .setting("wal_keep_size", "4GB")
                .setting("autovacuum", "off")
                .setting("wal_compression", major == 15 || major == 17 ? "on" : "off")
                .setting("wal_log_hints", major == 14 ? "on" : "off")
                .setting("track_commit_timestamp", major % 2 == 0 ? "on" : "off");
        if (major == 15 || major == 17) {
            builder.initdbOption("--data-checksums");
        }
        return builder.start();
    }

    private static void run(int major, Path directory, TestReporter reporter) throws Exception {
        reporter.publishEntry("pg_dumpall", PgDump.describe(major));
        try (PostgresServer primary = primary(major)) {
            Path later = primary.newDirectory("later");
            MixedWorkload workload = new MixedWorkload(primary, later);
            workload.before(primary.newDirectory("early"));
            primary.stop("fast");
            try (PostgresServer standby = primary.copy();
                    BranchHost host = new BranchHost(directory, major)) {
                primary.start();
                host.attach("prod", primary);
                List<Point> points = work(primary, workload);
                host.catchUp("prod", flushed(primary));
                primary.stop("fast");
                DirectoryComparison.Result last =
                        host.branches().verify("prod", primary.dataDirectory(), PageComparison.Server.PRIMARY);
                assertThat(last.differences()).as("the primary, at its end").isEmpty();
                // The standby makes this tablespace itself, in the same place.
                Files.move(later, later.resolveSibling("later-of-the-primary"));
                primary.newDirectory("later");
                compareWithStandby(standby, primary, host, points);
                for (Point point : points) {
                    bootOnBranch(host, major, point);
                }
                restore(host, primary, directory.resolve("restored"), points.get(1));
            }
        }
    }

    private static Lsn flushed(PostgresServer primary) throws Exception {
        try (Connection connection = primary.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_logical_emit_message(true, '', 'the end')");
            return Lsn.parse(ClusterContents.rows(statement, "SELECT pg_current_wal_flush_lsn()")
                    .getFirst()
                    .getFirst());
        }
    }

    /** Each time with a transaction that has not ended; each point has a checkpoint since the one before, see {@link Recovery}. */
    private static List<Point> work(PostgresServer primary, MixedWorkload workload) throws Exception {
        List<Point> points = new ArrayList<>();
        try (Connection open = primary.connect()) {
            checkpoint(primary);
            workload.create();
            points.add(quiet(primary, open, "created"));
            checkpoint(primary);
            workload.change();
            points.add(quiet(primary, open, "changed"));
            checkpoint(primary);
            points.add(new Point("in the midst", workload.collide(SEED), null));
            checkpoint(primary);
            workload.finish();
            points.add(quiet(primary, open, "finished"));
        }
        return points;
    }

    private static void checkpoint(PostgresServer primary) throws Exception {
        try (Connection connection = primary.connect()) {
            MixedWorkload.execute(connection, List.of("CHECKPOINT"));
        }
    }

    private static Point quiet(PostgresServer primary, Connection open, String name) throws Exception {
        MixedWorkload.execute(
                open,
                List.of(
                        "BEGIN",
                        "UPDATE items SET n = 0 WHERE id BETWEEN 7000 AND 7100",
                        "INSERT INTO spaced SELECT g, 'open' FROM generate_series(50001, 50200) g",
                        "CREATE TABLE half_made AS SELECT g FROM generate_series(1, 500) g"));
        Lsn lsn;
        try (Connection connection = primary.connect()) {
            // What is open is in the log, or it could be missing from the standby too.
            MixedWorkload.execute(connection, List.of("SELECT pg_logical_emit_message(true, '', 'flush')"));
            lsn = MixedWorkload.insertLsn(connection);
        }
        Optional<PgDump> program = PgDump.of(primary.major());
        Dump dump = new Dump(
                ClusterContents.of(primary::connect),
                ClusterContents.sequences(primary::connect),
                program.isEmpty() ? Optional.empty() : Optional.of(program.get().dump(primary.port())));
        MixedWorkload.execute(open, List.of("ROLLBACK"));
        return new Point(name, lsn, dump);
    }

    private static void compareWithStandby(
            PostgresServer standby, PostgresServer primary, BranchHost host, List<Point> points) throws Exception {
        Recovery recovery = new Recovery(standby, primary.walDirectory());
        for (Point point : points) {
            recovery.stopAt(point.lsn());
            DirectoryComparison.Result result = DirectoryComparison.compare(
                    standby.dataDirectory(), PageComparison.Server.STANDBY, host.reader("prod", point.lsn()));
            assertThat(result.differences())
                    .as("a standby at %s, \"%s\"", point.lsn(), point.name())
                    .isEmpty();
            assertThat(result.pages()).isGreaterThan(3000);
        }
    }

    /**
     * PostgreSQL's own recovery, on a copy of the primary from before, to one LSN after the other. A standby that shuts down
     * writes its pages out only if it has replayed a checkpoint since the last time, which is checked.
     */
    private static final class Recovery {
        private final PostgresServer standby;
        private Lsn redo = Lsn.INVALID;

        Recovery(PostgresServer standby, Path wal) {
            this.standby = standby;
            standby.signal("recovery.signal");
            standby.configure("restore_command", "cp \"" + wal + "/%f\" \"%p\"");
            standby.configure("recovery_target_inclusive", "off");
            standby.configure("recovery_target_action", "shutdown");
            standby.configure("hot_standby", "off");
        }

        /** Replays every record that ends at {@code lsn} or before, and none after. */
        void stopAt(Lsn lsn) throws Exception {
            standby.configure("recovery_target_lsn", lsn.toString());
            String log = standby.runUntilItEnds();
            assertThat(log).contains("recovery stopping before WAL location (LSN) \"" + lsn + "\"");
            ControlFile control =
                    ControlFile.parse(Files.readAllBytes(standby.dataDirectory().resolve(ControlFile.PATH)));
            assertThat(control.state()).isEqualTo(ClusterState.SHUT_DOWN_IN_RECOVERY);
            assertThat(control.checkPoint().redo()).as(log).isGreaterThan(redo);
            redo = control.checkPoint().redo();
        }
    }

    private static void bootOnBranch(BranchHost host, int major, Point point) throws Exception {
        String name = point.name().replace(' ', '-');
        host.branches().create(name, "prod", new Moment.AtLsn(point.lsn()));
        EndpointView endpoint = host.branches().startEndpoint(name, 0, null);
        check(point, BranchHost.on(endpoint), endpoint.port(), major);
        host.branches().stopEndpoint(name);
        host.branches().delete(name);
    }

    private static void check(Point point, Connector booted, int port, int major) throws Exception {
        Dump dump = point.dump();
        if (dump != null) {
            ClusterContents.assertSame(ClusterContents.of(booted), dump.contents(), point.name());
            ClusterContents.assertSequences(booted, dump.sequences(), point.name());
            if (dump.pgDump().isPresent()) {
                assertThat(PgDump.of(major).orElseThrow().dump(port))
                        .as(point.name())
                        .isEqualTo(dump.pgDump().get());
            }
        }
        ClusterContents.assertSound(booted, point.name());
    }

    /** To a directory, tablespaces within it; on the port that the primary had. */
    private static void restore(BranchHost host, PostgresServer primary, Path directory, Point point) throws Exception {
        DirectorySink.Owner owner = PostgresServer.owner()
                .map(o -> new DirectorySink.Owner(o.uid(), o.gid()))
                .orElse(null);
        try (DirectorySink sink = new DirectorySink(directory, owner, DirectorySink.Durability.NONE)) {
            host.branches().restore("prod", new Moment.AtLsn(point.lsn()), BackupManifest.OMITTED, sink);
        }
        try (PostgresServer restored = PostgresServer.existing(primary.major(), directory, primary.port())) {
            check(point, restored::connect, restored.port(), primary.major());
        }
    }
}
