package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.testkit.PostgresServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A server with WAL archive, a tablespace and segments of 1 MiB, and base backups of it. */
final class BackedUpServer implements AutoCloseable {
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private final PostgresServer server;
    private final Path archive;

    BackedUpServer(int major) throws SQLException {
        server = PostgresServer.version(major)
                .initdbOption("--wal-segsize=1")
                .initdbOption("--data-checksums")
                .setting("max_wal_senders", "10")
                .setting("wal_keep_size", "1GB")
                .setting("archive_mode", "on")
                .setting("archive_command", "true")
                .start();
        archive = server.newDirectory("archive");
        Path tablespace = server.newDirectory("elsewhere");
        execute(
                "ALTER SYSTEM SET archive_command = 'cp %p " + archive + "/%f'",
                "SELECT pg_reload_conf()",
                "CREATE TABLESPACE elsewhere LOCATION '" + tablespace + "'",
                "CREATE TABLE t (id int PRIMARY KEY, t text) TABLESPACE elsewhere",
                "CREATE UNLOGGED TABLE fleeting AS SELECT 1 AS one");
    }

    PostgresServer server() {
        return server;
    }

    Path archive() {
        return archive;
    }

    void execute(String... statements) throws SQLException {
        try (Connection connection = server.connect()) {
            MixedWorkload.execute(connection, List.of(statements));
        }
    }

    String query(String sql) throws SQLException {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            return ClusterContents.rows(statement, sql).getFirst().getFirst();
        }
    }

    /** Rows {@code from} to {@code to}, one transaction; where the WAL is flushed to then. */
    Lsn insert(int from, int to) throws SQLException {
        return insert(server, from, to);
    }

    static Lsn insert(PostgresServer server, int from, int to) throws SQLException {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "INSERT INTO t SELECT g, repeat(md5(g::text), 8) FROM generate_series(" + from + ", " + to + ") g");
            return Lsn.parse(ClusterContents.rows(statement, "SELECT pg_current_wal_flush_lsn()")
                    .getFirst()
                    .getFirst());
        }
    }

    /** Goes on to the next segment, and waits until the one before is archived. */
    void switchWal() throws SQLException, InterruptedException {
        String last = query("SELECT pg_walfile_name(pg_switch_wal())");
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!Files.exists(archive.resolve(last))) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(last + " is not archived: " + server.log());
            }
            Thread.sleep(10);
        }
    }

    /** The names of archived segments. */
    List<Path> archived() throws IOException {
        try (var files = Files.list(archive)) {
            List<Path> all = new ArrayList<>(
                    files.filter(file -> file.getFileName().toString().length() == 24)
                            .toList());
            Collections.sort(all);
            return all;
        }
    }

    /**
     * Makes a base backup by hand, as the manual says, without WAL; rows from {@code from} on are inserted while files are
     * copied.
     */
    Path backup(Path target, int from) throws Exception {
        boolean old = server.major() < 15;
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(old ? "SELECT pg_start_backup('b', true, false)" : "SELECT pg_backup_start('b', true)");
            copy(server.dataDirectory(), target);
            insert(from, from + 99);
            for (Path link : children(server.dataDirectory().resolve("pg_tblspc"))) {
                Path elsewhere = target.resolveSibling(target.getFileName() + "-" + link.getFileName());
                run("cp", "-a", link.toRealPath().toString(), elsewhere.toString());
                run(
                        "ln",
                        "-sfn",
                        elsewhere.toString(),
                        target.resolve("pg_tblspc/" + link.getFileName()).toString());
            }
            insert(from + 100, from + 199);
            run("cp", "-a", server.dataDirectory() + "/global/pg_control", target + "/global/pg_control");
            List<String> end = ClusterContents.rows(
                            statement,
                            "SELECT labelfile, spcmapfile FROM "
                                    + (old ? "pg_stop_backup(false, false)" : "pg_backup_stop(false)"))
                    .getFirst();
            Files.writeString(target.resolve("backup_label"), end.get(0), StandardCharsets.UTF_8);
        }
        return target;
    }

    private static void copy(Path from, Path to) throws Exception {
        Files.createDirectory(to);
        for (Path child : children(from)) {
            String name = child.getFileName().toString();
            if (name.equals("pg_wal") || name.equals("postmaster.pid")) {
                continue;
            }
            run("cp", "-a", child.toString(), to.toString());
        }
        Files.createDirectory(to.resolve("pg_wal"));
    }

    private static List<Path> children(Path directory) throws IOException {
        try (var children = Files.list(directory)) {
            return children.sorted().toList();
        }
    }

    /** Runs a program; returns what it says. */
    static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new AssertionError(String.join(" ", command) + ": " + said);
        }
        return said;
    }

    @Override
    public void close() {
        server.close();
    }
}
