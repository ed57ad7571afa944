package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Branches are detached from the one they came from, archived, brought back and deleted; PostgreSQL says what they have. */
class DeparturesTest {
    private static final int VERSION = 17;
    private static final String SUM = "SELECT count(*) || ' ' || md5(string_agg(id || t, '' ORDER BY id)) FROM a";

    @TempDir
    private Path directory;

    private static String run(Connection connection, String... statements) throws Exception {
        String last = "";
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                if (statement.execute(sql)) {
                    try (ResultSet rows = statement.getResultSet()) {
                        assertThat(rows.next()).isTrue();
                        last = rows.getString(1);
                    }
                }
            }
        }
        return last;
    }

    /** What the end of a branch has, after statements there. */
    private static String on(Branches branches, String name, String... statements) throws Exception {
        EndpointView endpoint = branches.startEndpoint(name, 0, null);
        try (Connection connection = DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:" + endpoint.port() + "/postgres?user=postgres")) {
            run(connection, statements);
            run(connection, "CREATE EXTENSION IF NOT EXISTS amcheck", "SELECT bt_index_check('a_pkey', true)");
            return run(connection, SUM);
        } finally {
            branches.stopEndpoint(name);
        }
    }

    private List<Path> localDirectories(BranchView branch) throws Exception {
        try (Stream<Path> files = Files.walk(directory.resolve("tenants"))) {
            return files.filter(file -> file.endsWith(branch.timeline())).toList();
        }
    }

    @Test
    void aBranchOutlivesItsParentAndTheArchive() throws Exception {
        String onFix;
        String onEarly;
        Lsn before;
        String sumBefore;
        try (PostgresServer primary = PostgresServer.version(VERSION)
                        .setting("max_wal_senders", "10")
                        .start();
                BranchHost host = new BranchHost(directory, VERSION);
                Connection connection = primary.connect()) {
            Branches branches = host.branches();
            run(
                    connection,
                    "CREATE TABLE a (id int PRIMARY KEY, t text)",
                    "INSERT INTO a SELECT g, md5(g::text) FROM generate_series(1, 5000) g");
            host.attach("prod", primary);
            run(connection, "SELECT pg_replication_origin_create('hidden')");
            run(connection, "INSERT INTO a SELECT g, md5(g::text) FROM generate_series(5001, 8000) g");
            before = Lsn.parse(run(connection, "SELECT pg_current_wal_flush_lsn()"));
            sumBefore = run(connection, SUM);
            host.catchUp("prod", before);
            branches.create("early", "prod", new Moment.AtLsn(before));
            run(connection, "UPDATE a SET t = 'x' WHERE id % 3 = 0");
            Instant time = branches.timeOf("prod", before);
            host.catchUp("prod", Lsn.parse(run(connection, "SELECT pg_current_wal_flush_lsn()")));
            branches.create("fix", "prod", Moment.LATEST);
            run(connection, "DELETE FROM a WHERE id < 1000");
            host.catchUp("prod", Lsn.parse(run(connection, "SELECT pg_current_wal_flush_lsn()")));
            onFix = on(branches, "fix", "INSERT INTO a VALUES (-1, 'fix')");
            branches.create("late", "prod", Moment.LATEST);
            onEarly = on(branches, "early", "INSERT INTO a VALUES (-2, 'early')");

            detachAndDeleteParent(branches, before, time);
            assertThat(run(connection, "SELECT count(*) FROM pg_replication_slots"))
                    .isEqualTo("0");
            assertThat(on(branches, "fix")).isEqualTo(onFix);
            branches.create("again", "fix", new Moment.AtLsn(before));
            assertThat(on(branches, "again")).isEqualTo(sumBefore);
            branches.delete("again");
            branches.archive("early", false);
            assertThat(localDirectories(branches.view("early"))).isEmpty();
            assertThatThrownBy(() -> branches.startEndpoint("early", 0, null)).hasMessageContaining("unarchive early");
        }
        takeBackAndDelete(before, onFix, onEarly);
        List<Path> kept = objects();
        new BranchHost(directory, VERSION).close();
        assertThat(objects())
                .as("a tenant without branches is not claimed again")
                .isEqualTo(kept);
    }

    private static void detachAndDeleteParent(Branches branches, Lsn before, @Nullable Instant time) throws Exception {
        assertThatThrownBy(() -> branches.archive("prod", true)).hasMessageContaining("early, fix, late");
        assertThat(branches.detach("fix")).containsExactly("early");
        assertThat(branches.detach("fix")).isEmpty();
        assertThat(branches.view("fix").parent()).isNull();
        assertThat(branches.view("early").parent()).isEqualTo("fix");
        assertThat(branches.view("late").parent()).isEqualTo("prod");
        assertThat(branches.timeOf("fix", before)).isEqualTo(time);
        assertThatThrownBy(() -> branches.delete("prod")).hasMessageContaining("late");
        branches.delete("late");
        assertThatThrownBy(() -> branches.archive("prod", false)).hasMessageContaining("--force");
        assertThat(branches.archive("prod", true)).isEmpty();
        assertThat(branches.delete("prod")).isEmpty();
    }

    /** After a restart. */
    private void takeBackAndDelete(Lsn before, String onFix, String onEarly) throws Exception {
        try (BranchHost host = new BranchHost(directory, VERSION)) {
            Branches branches = host.branches();
            BranchView archived = branches.view("early");
            assertThat(archived.phase()).isEqualTo(BranchView.Phase.ARCHIVED);
            assertThat(archived.parent()).isEqualTo("fix");
            assertThat(archived.layerBytes()).isPositive();
            assertThat(localDirectories(archived)).isEmpty();
            assertThatThrownBy(() -> branches.delete("fix")).hasMessageContaining("early");
            branches.archive("fix", false);
            assertThatThrownBy(() -> branches.unarchive("early")).hasMessageContaining("fix, which is archived");
            assertThat(branches.unarchive("fix").readableFrom()).isLessThan(before);
            assertThat(branches.unarchive("early").phase()).isEqualTo(BranchView.Phase.READY);
            assertThat(on(branches, "early")).isEqualTo(onEarly);
            assertThat(on(branches, "fix")).isEqualTo(onFix);
            branches.archive("early", false);
            branches.delete("early");
            branches.delete("fix");
            assertThat(branches.list()).isEmpty();
        }
    }

    private List<Path> objects() throws Exception {
        try (Stream<Path> files = Files.walk(directory.resolve("objects"))) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
