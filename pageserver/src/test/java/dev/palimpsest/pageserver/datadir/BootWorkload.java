package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.SortedMap;

/** Something of everything that a data directory can hold, and questions about all of it. */
final class BootWorkload {
    static final List<String> DATABASES = List.of("postgres", "second", "latin");

    private static final List<String> SCHEMA = List.of(
            "CREATE EXTENSION amcheck",
            "CREATE TABLE plain(id int PRIMARY KEY, filler text, n numeric)",
            "INSERT INTO plain SELECT g, repeat(md5(g::text), 10), g / 7.0 FROM generate_series(1, 4000) g",
            "DELETE FROM plain WHERE id % 5 = 0",
            "UPDATE plain SET n = n + 1 WHERE id % 7 = 0",
            "CREATE INDEX ON plain USING hash (n)",
            "CREATE INDEX ON plain USING gin (to_tsvector('simple', filler))",
            "CREATE INDEX ON plain USING brin (id)",
            "CREATE TABLE points(p point)",
            "INSERT INTO points SELECT point(g, -g) FROM generate_series(1, 2000) g",
            "CREATE INDEX ON points USING gist (p)",
            "CREATE INDEX ON points USING spgist (p)",
            "CREATE TABLE toasted(id serial, big text)",
            "ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL",
            "INSERT INTO toasted(big) SELECT repeat(md5(g::text), 500) FROM generate_series(1, 20) g",
            "CREATE TABLE empty(id int PRIMARY KEY)",
            "CREATE MATERIALIZED VIEW matview AS SELECT id, n FROM plain WHERE id < 100",
            "VACUUM (FREEZE) plain",
            "VACUUM points");

    private BootWorkload() {}

    static void run(PostgresServer server, Path tablespace) throws Exception {
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            sql.execute("CREATE TABLESPACE elsewhere LOCATION '" + tablespace + "'");
            sql.execute("CREATE DATABASE second TABLESPACE elsewhere");
            sql.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
            for (String statement : SCHEMA) {
                sql.execute(statement);
            }
            sql.execute("CREATE TABLE spaced(id int PRIMARY KEY) TABLESPACE elsewhere");
            sql.execute("INSERT INTO spaced SELECT generate_series(1, 1000)");
            sql.execute("CREATE UNLOGGED TABLE volatile(id serial PRIMARY KEY, t text)");
            sql.execute("INSERT INTO volatile(t) SELECT 'gone' FROM generate_series(1, 1000)");
            sql.execute("CREATE INDEX ON volatile USING gist (point(id, id))");
            sql.execute("CREATE SEQUENCE seq INCREMENT 5");
            sql.execute("SELECT nextval('seq') FROM generate_series(1, 40)");
            sql.execute("SELECT lo_from_bytea(0, convert_to(repeat('large', 2000), 'UTF8'))");
            sql.execute("SELECT pg_replication_origin_create('origin one')");
            sql.execute("SELECT pg_replication_origin_advance('origin one', 'A/B0')");
            sql.execute("CREATE TABLE many(id int)");
            sql.execute("DO $$ BEGIN FOR i IN 1..40000 LOOP BEGIN INSERT INTO many VALUES (i);"
                    + " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$");
            prepare(sql);
        }
        multixacts(server);
        inDatabase(server, "second");
        inDatabase(server, "latin");
    }

    private static void prepare(Statement sql) throws Exception {
        for (String gid : List.of("kept one", "kept two")) {
            sql.execute("BEGIN");
            sql.execute("INSERT INTO plain VALUES (" + (gid.length() * 100000 + gid.hashCode() % 1000) + ", '" + gid
                    + "', 1)");
            sql.execute("SAVEPOINT s");
            sql.execute("INSERT INTO plain VALUES (" + (gid.length() * 200000 + gid.hashCode() % 1000) + ", '" + gid
                    + "', 2)");
            sql.execute("PREPARE TRANSACTION '" + gid + "'");
        }
        sql.execute("BEGIN");
        sql.execute("DELETE FROM points WHERE p[0] < 1000");
        sql.execute("ROLLBACK");
    }

    /** Rows whose visibility depends on who the members of a multixact are. */
    private static void multixacts(PostgresServer server) throws Exception {
        try (Connection one = server.connect();
                Connection two = server.connect();
                Statement locks = one.createStatement();
                Statement updates = two.createStatement()) {
            locks.execute("CREATE TABLE shared(id int PRIMARY KEY, t text)");
            locks.execute("INSERT INTO shared SELECT g, 'old' FROM generate_series(1, 300) g");
            one.setAutoCommit(false);
            two.setAutoCommit(false);
            for (int i = 1; i <= 20; i++) {
                locks.execute("SELECT FROM shared WHERE id <= 100 FOR KEY SHARE");
                updates.execute("UPDATE shared SET t = 'new " + i + "' WHERE id = " + i);
                updates.execute("UPDATE shared SET t = 'never' WHERE id = 50; SELECT FROM shared FOR KEY SHARE");
                if (i % 2 == 0) {
                    two.commit();
                } else {
                    two.rollback();
                }
                one.commit();
            }
        }
    }

    private static void inDatabase(PostgresServer server, String database) throws Exception {
        try (Connection connection = server.connect(database);
                Statement sql = connection.createStatement()) {
            for (String statement : SCHEMA) {
                sql.execute(statement);
            }
            sql.execute("CREATE TABLE special AS SELECT chr(228) || g AS t FROM generate_series(1, 100) g");
            sql.execute(
                    "CREATE TABLE back(id int) TABLESPACE " + (database.equals("second") ? "pg_default" : "elsewhere"));
            sql.execute("INSERT INTO back SELECT generate_series(1, 500)");
        }
    }

    /** Everything that can be read of the cluster, by what it is. */
    static SortedMap<String, String> contents(PostgresServer server) throws Exception {
        SortedMap<String, String> contents = ClusterContents.of(server::connect);
        for (String database : DATABASES) {
            try (Connection connection = server.connect(database);
                    Statement sql = connection.createStatement()) {
                rows(sql, "SELECT sequencename, last_value FROM pg_sequences WHERE sequencename NOT LIKE 'volatile%'")
                        .forEach(row -> contents.put(database + " sequence " + row.get(0), row.get(1)));
            }
        }
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            contents.put("commit times", rows(sql, """
                            SELECT md5(string_agg(xmin || ' ' || pg_xact_commit_timestamp(xmin), ';' ORDER BY id))
                            FROM many""").toString());
            contents.put("commit times of a subtransaction", rows(sql, """
                            SELECT count(DISTINCT xmin::text), count(DISTINCT pg_xact_commit_timestamp(xmin)) FROM many""").toString());
        }
        return contents;
    }

    static List<List<String>> rows(Statement sql, String query) throws SQLException {
        return ClusterContents.rows(sql, query);
    }

    static String single(PostgresServer server, String query) throws Exception {
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            return rows(sql, query).getFirst().getFirst();
        }
    }
}
