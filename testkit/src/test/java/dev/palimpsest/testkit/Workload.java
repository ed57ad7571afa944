package dev.palimpsest.testkit;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalSegment;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Has a server do what makes it write each type of record that there is.
 *
 * <p>What SQL can say stands in resources, one for each resource manager or a few that belong together: statements with
 * blank lines between them, where a line {@code -- since 15} or {@code -- before 15} leaves the statement below it out in
 * other versions. Each resource has a schema of its own.
 */
final class Workload {
    /** The resources about changes to pages, in any order. */
    private static final List<String> PAGES =
            List.of("heap", "btree", "hash", "gin", "gist", "spgist", "brin", "sequence", "generic");

    private static final List<String> STATE = List.of("logical", "transaction", "storage", "xlog");

    /** So many transactions need new pages of the commit log, and fill segments of the log of timestamps. */
    static final int SOME_TRANSACTIONS = 60_000;

    /** So many fill a segment of the commit log, which then can go: 32 pages of 32768. */
    static final int A_SEGMENT_OF_TRANSACTIONS = 1 << 20;

    private static final int TORN_MESSAGE = 100_000;

    private Workload() {}

    /** The settings without which some of it writes nothing. */
    static PostgresServer.Builder settings(PostgresServer.Builder builder) {
        return builder.setting("wal_level", "logical")
                .setting("wal_log_hints", "on")
                .setting("full_page_writes", "off")
                .setting("track_commit_timestamp", "on")
                .setting("max_prepared_transactions", "5");
    }

    /**
     * Does all of it. The server is one with these {@link #settings}, and is in the end one that logs as little as can be.
     *
     * @param transactions how many to use up
     */
    static void runAll(RecordingServer server, int transactions) throws IOException, SQLException {
        for (String name : PAGES) {
            run(server, name);
        }
        lockFromSeveralSessions(server.server(), "heap_");
        for (String name : STATE) {
            run(server, name);
        }
        useTablespace(server);
        age(server, transactions);
        crashWithinRecord(server);
        server.start();
        writeFullPages(server);
        run(server, "hint");
        server.stop("fast");
        server.startAsStandbyAndPromote();
        buildWithoutLogging(server);
    }

    /** Executes the resource with this name. */
    static void run(RecordingServer server, String name) throws IOException, SQLException {
        server.run(List.of("CREATE SCHEMA " + name + "_", "SET search_path = " + name + "_, public"));
        server.run(statements(name, server.server().major()));
    }

    private static List<String> statements(String name, int major) throws IOException {
        List<String> statements = new ArrayList<>();
        try (InputStream in = Objects.requireNonNull(Workload.class.getResourceAsStream("workload/" + name + ".sql"))) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            for (String statement : text.strip().split("\n\\s*\n")) {
                boolean tooNew = statement.startsWith("-- since ") && major < version(statement);
                boolean tooOld = statement.startsWith("-- before ") && major >= version(statement);
                if (!tooNew && !tooOld) {
                    statements.add(statement);
                }
            }
        }
        return statements;
    }

    private static int version(String statement) {
        return Integer.parseInt(statement.lines().findFirst().orElseThrow().replaceAll("\\D", ""));
    }

    /**
     * Takes locks on rows in two transactions at once, which then have a multixact, and on rows that another transaction
     * is changing.
     *
     * @param schema where the tables {@code w} and {@code t} of the resource {@code heap} are
     */
    static void lockFromSeveralSessions(PostgresServer server, String schema) throws SQLException {
        try (Connection first = server.connect();
                Connection second = server.connect();
                Statement a = first.createStatement();
                Statement b = second.createStatement()) {
            first.setAutoCommit(false);
            second.setAutoCommit(false);
            a.execute("SELECT FROM " + schema + ".w WHERE id BETWEEN 2 AND 5 FOR SHARE");
            b.execute("SELECT FROM " + schema + ".w WHERE id BETWEEN 2 AND 5 FOR SHARE");
            a.execute("UPDATE " + schema + ".t SET n = n + 1 WHERE id BETWEEN 1 AND 30");
            b.execute("SELECT FROM " + schema + ".t WHERE id BETWEEN 1 AND 30 FOR KEY SHARE");
            first.commit();
            second.commit();
        }
    }

    /** Has the server put whole pages into the log from now on. */
    private static void writeFullPages(RecordingServer server) throws SQLException {
        server.run(List.of("ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()"));
        do {
            server.run(List.of("CHECKPOINT"));
        } while (!server.one("SELECT full_page_writes FROM pg_control_checkpoint()")
                .equals("t"));
    }

    /** Makes a tablespace with a table and drops both. */
    private static void useTablespace(RecordingServer server) throws SQLException {
        Path directory = server.server().dataDirectory().resolveSibling("tablespace");
        server.run(List.of(
                "COPY (SELECT 1) TO PROGRAM 'mkdir " + directory + " && cat > /dev/null'",
                "CREATE TABLESPACE elsewhere LOCATION '" + directory + "'",
                "CREATE TABLE there TABLESPACE elsewhere AS SELECT 1",
                "DROP TABLE there",
                "DROP TABLESPACE elsewhere"));
    }

    /** Uses up transaction numbers, and freezes all databases, so that the logs of transactions can be cut. */
    private static void age(RecordingServer server, int transactions) throws SQLException {
        server.run(List.of(
                "SET synchronous_commit = off",
                "DO $$ BEGIN FOR i IN 1.." + transactions + " LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$",
                "RESET synchronous_commit",
                "ALTER DATABASE template0 ALLOW_CONNECTIONS true"));
        for (String database : List.of("template0", "template1", "postgres")) {
            try (Connection connection = server.server().connect(database);
                    Statement statement = connection.createStatement()) {
                statement.execute("VACUUM (FREEZE)");
            }
        }
    }

    /**
     * Stops the server in the middle of writing a record: the log has its first pages but not the last ones, as after a
     * power failure. When it starts, it gives that record up.
     */
    private static void crashWithinRecord(RecordingServer server) throws IOException, SQLException {
        Lsn start = Lsn.parse(server.one("SELECT pg_current_wal_insert_lsn()"));
        server.run(List.of("SELECT pg_logical_emit_message(true, '', repeat('x', " + TORN_MESSAGE + "))"));
        Lsn end = Lsn.parse(server.one("SELECT pg_current_wal_insert_lsn()"));
        int segmentSize =
                Integer.parseInt(server.one("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'"));
        server.stop("immediate");
        long cut = start.value() + TORN_MESSAGE / 2;
        cut -= cut % WalPageHeader.PAGE_SIZE;
        while (cut < end.value()) {
            WalSegment segment = WalSegment.containing(new Lsn(cut), 1, segmentSize);
            try (RandomAccessFile file = new RandomAccessFile(
                    server.server().walDirectory().resolve(segment.fileName()).toFile(), "rw")) {
                long from = cut - segment.start().value();
                file.seek(from);
                file.write(new byte[(int) (segmentSize - from)]);
            }
            cut = segment.end().value();
        }
    }

    /** Goes to a level at which changes to what a transaction has made itself are not logged. */
    private static void buildWithoutLogging(RecordingServer server) throws SQLException {
        server.run(List.of(
                "ALTER SYSTEM SET wal_level = minimal",
                "ALTER SYSTEM SET max_wal_senders = 0",
                "ALTER SYSTEM SET max_connections = 40"));
        server.stop("fast");
        server.start();
        server.run(List.of("BEGIN; CREATE TABLE public.unlogged (at point);"
                + " CREATE INDEX ON public.unlogged USING gist (at);"
                + " INSERT INTO public.unlogged SELECT point(i % 61, i / 61) FROM generate_series(1, 2000) i;"
                + " COMMIT"));
    }
}
