package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Something of everything that a PostgreSQL logs, in stages, so that it can be looked at in between: all kinds of indexes,
 * TOAST, HOT, vacuum, freezing, truncation, rewriting, DDL, tablespaces, databases made in both ways and moved, prepared
 * transactions, subtransactions, multixacts, sequences, large objects, unlogged tables, large and aborted transactions.
 */
final class MixedWorkload {
    private static final int SESSIONS = 3;
    private static final int STATEMENTS = 120;
    private static final Set<String> CONFLICTS = Set.of("40P01", "40001", "55P03");

    private static final List<String> CREATE = List.of(
            "CREATE ROLE clerk LOGIN",
            "CREATE ROLE auditor NOLOGIN ADMIN clerk",
            "CREATE TYPE mood AS ENUM ('low', 'high')",
            "CREATE TABLE items (id int PRIMARY KEY, t text, n int, a int[], p point, r int4range, m mood)"
                    + " WITH (fillfactor = 80)",
            "INSERT INTO items SELECT g, md5(g::text), g % 500, ARRAY[g % 7, g % 31, g % 101], point(g % 97, g / 97),"
                    + " int4range(g, g + g % 13), 'low' FROM generate_series(1, 6000) g",
            "CREATE INDEX ON items (t) INCLUDE (n)",
            "CREATE INDEX ON items (lower(t)) WHERE n < 100",
            "CREATE INDEX ON items USING hash (n)",
            "CREATE INDEX ON items USING gin (a)",
            "CREATE INDEX ON items USING gin (to_tsvector('simple', t))",
            "CREATE INDEX ON items USING gist (p)",
            "CREATE INDEX ON items USING gist (r)",
            "CREATE INDEX ON items USING spgist (p)",
            "CREATE INDEX ON items USING spgist (t)",
            "CREATE INDEX ON items USING brin (id) WITH (pages_per_range = 2)",
            "CREATE TABLE counters (k int PRIMARY KEY, v bigint NOT NULL) WITH (fillfactor = 50)",
            "INSERT INTO counters SELECT g, 0 FROM generate_series(1, 200) g",
            "CREATE TABLE toasted (id serial PRIMARY KEY, plain text, big text)",
            "ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL",
            "INSERT INTO toasted (plain, big) SELECT repeat(md5(g::text), 200), repeat(md5(g::text), 300)"
                    + " FROM generate_series(1, 40) g",
            "CREATE UNLOGGED TABLE loose (id serial PRIMARY KEY, t text)",
            "INSERT INTO loose (t) SELECT 'gone' FROM generate_series(1, 500)",
            "CREATE TABLE parts (k int, t text) PARTITION BY HASH (k)",
            "CREATE TABLE parts0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            "CREATE TABLE parts1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1) TABLESPACE early",
            "INSERT INTO parts SELECT g, 'part ' || g FROM generate_series(1, 2000) g",
            "CREATE MATERIALIZED VIEW seen AS SELECT id, n FROM items WHERE id < 300",
            "CREATE SEQUENCE steps INCREMENT 3",
            "SELECT nextval('steps') FROM generate_series(1, 50)",
            "CREATE SEQUENCE exact",
            "SELECT setval('exact', 4711)",
            "SELECT lo_from_bytea(50001, convert_to(repeat('large', 3000), 'UTF8'))",
            "SELECT lo_from_bytea(50002, convert_to(repeat('object', 1000), 'UTF8'))",
            "GRANT SELECT ON items TO clerk; GRANT ALL ON LARGE OBJECT 50001 TO clerk",
            "CREATE TABLE spaced (id int PRIMARY KEY, t text) TABLESPACE later",
            "INSERT INTO spaced SELECT g, 'spaced' FROM generate_series(1, 1500) g",
            "CREATE TABLE doomed AS SELECT g FROM generate_series(1, 3000) g",
            "CREATE TABLE cut AS SELECT g FROM generate_series(1, 20000) g",
            "VACUUM (FREEZE) cut",
            "SELECT pg_replication_origin_create('far')",
            "SELECT pg_replication_origin_advance('far', 'A/B0')",
            "BEGIN; CREATE TABLE later_made AS SELECT g FROM generate_series(1, 1000) g;"
                    + " UPDATE items SET n = -1 WHERE id <= 20; SAVEPOINT s; DELETE FROM items WHERE id = 21;"
                    + " PREPARE TRANSACTION 'to commit'",
            "BEGIN; CREATE TABLE never_made AS SELECT g FROM generate_series(1, 1000) g;"
                    + " UPDATE counters SET v = -1 WHERE k <= 5; PREPARE TRANSACTION 'to roll back'");

    private static final List<String> CHANGE = List.of(
            "UPDATE counters SET v = v + 1 WHERE k > 20",
            "UPDATE counters SET v = v + 1 WHERE k > 30",
            "UPDATE items SET n = n + 1, t = t || 'x' WHERE id % 5 = 0 AND id > 30",
            "DELETE FROM items WHERE id % 7 = 0 AND id > 30",
            "VACUUM items",
            "INSERT INTO items SELECT g, md5(g::text), g % 500, ARRAY[g % 7], point(g % 97, g / 97),"
                    + " int4range(g, g + 5), 'high' FROM generate_series(6001, 8000) g",
            "UPDATE toasted SET big = repeat(md5('new' || id), 400) WHERE id % 3 = 0",
            "DELETE FROM toasted WHERE id % 4 = 0",
            "DELETE FROM cut WHERE g > 500",
            "VACUUM cut",
            "INSERT INTO cut SELECT g FROM generate_series(1, 25000) g",
            "COMMIT PREPARED 'to commit'",
            "BEGIN; DROP TABLE doomed; CREATE TABLE heir AS SELECT g FROM generate_series(1, 1000) g;"
                    + " PREPARE TRANSACTION 'drops'",
            "COMMIT PREPARED 'drops'",
            "ALTER TABLE spaced SET TABLESPACE early",
            "ALTER TABLE parts0 SET TABLESPACE later",
            "ALTER INDEX items_t_n_idx SET TABLESPACE later",
            "ALTER DATABASE copied SET TABLESPACE later",
            "BEGIN; INSERT INTO cut SELECT g FROM generate_series(1, 30000) g;"
                    + " CREATE TABLE aborted AS SELECT g FROM generate_series(1, 5000) g;"
                    + " TRUNCATE toasted; ROLLBACK",
            "BEGIN; INSERT INTO cut SELECT g FROM generate_series(1, 40000) g; COMMIT",
            "DO $$ BEGIN FOR i IN 1..2000 LOOP BEGIN INSERT INTO spaced VALUES (10000 + i, 'sub');"
                    + " IF i % 3 = 0 THEN RAISE division_by_zero; END IF;"
                    + " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$",
            "ALTER TABLE parts ADD COLUMN born timestamptz DEFAULT clock_timestamp()",
            "ALTER TABLE loose SET LOGGED",
            "CREATE UNLOGGED TABLE looser AS SELECT g FROM generate_series(1, 800) g",
            "CREATE INDEX ON looser USING gist (point(g, g))",
            "REINDEX TABLE CONCURRENTLY spaced",
            "CLUSTER items USING items_pkey",
            "REFRESH MATERIALIZED VIEW seen",
            "SELECT nextval('steps') FROM generate_series(1, 40)",
            "SELECT setval('exact', 9999)",
            "SELECT lo_put(50001, 5000, 'changed'); SELECT lo_unlink(50002)",
            "SELECT pg_replication_origin_advance('far', 'C/D0')",
            "REVOKE SELECT ON items FROM clerk; GRANT INSERT ON items TO auditor",
            "ANALYZE");

    private static final List<String> FINISH = List.of(
            "ROLLBACK PREPARED 'to roll back'",
            "TRUNCATE parts1, seen_too",
            "DROP INDEX items_p_idx",
            "DROP TABLE cut",
            "CREATE TABLE cut AS SELECT g FROM generate_series(1, 3000) g",
            "VACUUM FULL pg_class",
            "VACUUM FULL items",
            "ALTER TABLE looser SET LOGGED",
            "ALTER TABLE counters SET UNLOGGED",
            "ALTER TABLE counters SET LOGGED",
            "DROP DATABASE copied",
            "ALTER DATABASE walled RENAME TO renamed",
            "VACUUM (FREEZE)",
            "UPDATE items SET m = 'high' WHERE id % 3 = 0",
            "SELECT nextval('steps')",
            "BEGIN; INSERT INTO spaced VALUES (-1, 'kept'); PREPARE TRANSACTION 'left'");

    private final PostgresServer server;
    private final Path later;

    /** @param later an empty directory of the server's */
    MixedWorkload(PostgresServer server, Path later) {
        this.server = server;
        this.later = later;
    }

    static void execute(Connection connection, List<String> statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private void execute(String... statements) throws SQLException {
        try (Connection connection = server.connect()) {
            execute(connection, List.of(statements));
        }
    }

    /** What is there already when a cluster is attached. */
    void before(Path early) throws SQLException {
        execute(
                "CREATE TABLESPACE early LOCATION '" + early + "'",
                "CREATE TABLE old TABLESPACE early AS SELECT g AS id, md5(g::text) AS t FROM generate_series(1, 5000) g",
                "CREATE INDEX ON old (id) TABLESPACE early");
    }

    /** The first stage. */
    void create() throws SQLException {
        boolean strategies = server.major() >= 15;
        execute("CREATE TABLESPACE later LOCATION '" + later + "'");
        try (Connection connection = server.connect()) {
            execute(connection, CREATE);
        }
        execute(
                "CREATE DATABASE walled" + (strategies ? " STRATEGY wal_log" : "") + " TABLESPACE later",
                "CREATE DATABASE copied" + (strategies ? " STRATEGY file_copy" : ""),
                "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"
                        + (strategies ? " STRATEGY file_copy" : ""));
        for (String database : List.of("walled", "copied", "latin")) {
            try (Connection connection = server.connect(database)) {
                execute(
                        connection,
                        List.of(
                                "CREATE TABLE special AS SELECT chr(228) || g AS t FROM generate_series(1, 500) g",
                                "CREATE INDEX ON special (t)",
                                "CREATE TABLE elsewhere TABLESPACE early AS SELECT g FROM generate_series(1, 500) g"));
            }
        }
    }

    /** The second one. */
    void change() throws SQLException {
        try (Connection connection = server.connect()) {
            execute(connection, CHANGE);
        }
        multixacts();
    }

    /** Rows whose visibility depends on who the members of a multixact are. */
    private void multixacts() throws SQLException {
        try (Connection one = server.connect();
                Connection two = server.connect();
                Statement locks = one.createStatement();
                Statement updates = two.createStatement()) {
            one.setAutoCommit(false);
            two.setAutoCommit(false);
            for (int i = 31; i <= 50; i++) {
                locks.execute("SELECT FROM counters WHERE k BETWEEN 31 AND 90 FOR KEY SHARE");
                updates.execute("UPDATE counters SET v = v + 1 WHERE k = " + i
                        + "; SELECT FROM counters WHERE k > 60 FOR KEY SHARE");
                if (i % 2 == 0) {
                    two.commit();
                } else {
                    two.rollback();
                }
                one.commit();
            }
        }
    }

    /** The third one: several sessions at once. Returns an LSN from the midst of it. */
    Lsn collide(long seed) throws Exception {
        execute("CREATE TABLE seen_too (id int)");
        try (ExecutorService sessions = Executors.newFixedThreadPool(SESSIONS)) {
            List<Future<Lsn>> all = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                all.add(sessions.submit(session(i, seed + i)));
            }
            Lsn middle = Lsn.INVALID;
            for (Future<Lsn> session : all) {
                middle = session.get();
            }
            return middle;
        }
    }

    private Callable<Lsn> session(int number, long seed) {
        return () -> {
            Random random = new Random(seed);
            Lsn middle = Lsn.INVALID;
            try (Connection connection = server.connect();
                    Statement statement = connection.createStatement()) {
                for (int i = 0; i < STATEMENTS; i++) {
                    if (i == STATEMENTS / 2) {
                        middle = insertLsn(connection);
                    }
                    try {
                        statement.execute(statement(random, number + "x" + i));
                    } catch (SQLException e) {
                        if (!CONFLICTS.contains(e.getSQLState())) {
                            throw e;
                        }
                        statement.execute("ROLLBACK");
                    }
                }
            }
            return middle;
        };
    }

    private static String statement(Random random, String id) {
        int k = 10 + random.nextInt(190);
        int item = 40 + random.nextInt(7000);
        return switch (random.nextInt(12)) {
            case 0, 1 -> "UPDATE counters SET v = v + 1 WHERE k = " + k;
            case 2 ->
                "BEGIN; SELECT FROM counters WHERE k BETWEEN " + k + " AND " + (k + 10)
                        + " FOR KEY SHARE; UPDATE counters SET v = v + 1 WHERE k = " + k + "; COMMIT";
            case 3 -> "UPDATE items SET p = point(" + k + ", " + item + "), n = " + k + " WHERE id = " + item;
            case 4 -> "DELETE FROM items WHERE id BETWEEN " + item + " AND " + (item + 20);
            case 5 ->
                "INSERT INTO items SELECT g, md5(g::text), g % 500, ARRAY[g % 7], point(g % 97, g / 97),"
                        + " int4range(g, g + 3), 'low' FROM generate_series(" + item + ", " + (item + 40)
                        + ") g ON CONFLICT (id) DO UPDATE SET t = items.t || 'y'";
            case 6 ->
                "BEGIN; INSERT INTO seen_too VALUES (" + item + "); SAVEPOINT a; INSERT INTO seen_too SELECT"
                        + " generate_series(1, 200); ROLLBACK TO a; INSERT INTO seen_too VALUES (" + k + "); COMMIT";
            case 7 ->
                "BEGIN; INSERT INTO seen_too VALUES (" + k + "); PREPARE TRANSACTION 'p" + id + "'; COMMIT PREPARED 'p"
                        + id + "'";
            case 8 -> "CREATE TABLE brief" + id + " AS SELECT " + k + " AS k; DROP TABLE brief" + id;
            case 9 -> "INSERT INTO toasted (plain, big) VALUES ('" + id + "', repeat(md5('" + id + "'), 300))";
            case 10 -> "SELECT nextval('steps')";
            default -> "VACUUM (SKIP_LOCKED) " + (random.nextBoolean() ? "items" : "counters");
        };
    }

    /** The last one. */
    void finish() throws SQLException {
        try (Connection connection = server.connect()) {
            execute(connection, FINISH);
        }
    }

    /** Where the next record begins. */
    static Lsn insertLsn(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_current_wal_insert_lsn()")) {
            row.next();
            return Lsn.parse(row.getString(1));
        }
    }
}
