package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A dump of a whole cluster made by SQL: every row of every logged table of every database, with all catalogs, so roles,
 * privileges, definitions and large objects too; prepared transactions; how far replication origins are.
 */
public final class ClusterContents {
    private static final String TABLES = """
            SELECT c.oid::regclass::text, (xpath('/row/m/text()', query_to_xml(format(
                'SELECT count(*) || %L || coalesce(md5(string_agg(t::text, %L ORDER BY t::text)), %L) AS m FROM %s t',
                ' rows ', ';', 'none', c.oid::regclass), false, true, '')))[1]::text
            FROM pg_class c
            WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p'
              AND c.relnamespace <> 'information_schema'::regnamespace
            ORDER BY 1
            """;
    private static final String INDEXES = """
            SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
            WHERE c.relam = 403 AND c.relkind = 'i' AND i.indisvalid AND c.relpersistence <> 't'""";
    private static final String HEAPS = """
            SELECT c.oid::regclass::text, v.* FROM pg_class c, verify_heapam(c.oid) v
            WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence <> 't'""";

    private ClusterContents() {}

    /** Connects to a database of a cluster. */
    public interface Connector {
        /** A new connection, which the caller closes. */
        Connection connect(String database) throws SQLException;
    }

    /** A sequence's value. Sequences are logged ahead: after a boot one may be up to 32 increments further. */
    public record SequenceValue(long last, long increment) {}

    /** The databases that take connections. */
    public static List<String> databases(Connector cluster) throws SQLException {
        try (Connection connection = cluster.connect("postgres");
                Statement sql = connection.createStatement()) {
            return rows(sql, "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1").stream()
                    .map(List::getFirst)
                    .toList();
        }
    }

    /** Everything but the values of sequences and what is in unlogged tables, by what it is. */
    public static SortedMap<String, String> of(Connector cluster) throws SQLException {
        TreeMap<String, String> contents = new TreeMap<>();
        for (String database : databases(cluster)) {
            try (Connection connection = cluster.connect(database);
                    Statement sql = connection.createStatement()) {
                rows(sql, TABLES).forEach(row -> contents.put(database + " " + row.get(0), row.get(1)));
                contents.put(
                        database + " large objects",
                        rows(sql, "SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY 1")
                                .toString());
            }
        }
        try (Connection connection = cluster.connect("postgres");
                Statement sql = connection.createStatement()) {
            contents.put("prepared transactions", rows(sql, """
                    SELECT transaction, gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY gid""").toString());
            contents.put("origins", rows(sql, """
                    SELECT roname, pg_replication_origin_progress(roname, false) FROM pg_replication_origin
                    ORDER BY 1""").toString());
        }
        return contents;
    }

    /** The values of all sequences that were used and are logged, by database and name. */
    public static SortedMap<String, SequenceValue> sequences(Connector cluster) throws SQLException {
        TreeMap<String, SequenceValue> values = new TreeMap<>();
        for (String database : databases(cluster)) {
            try (Connection connection = cluster.connect(database);
                    Statement sql = connection.createStatement()) {
                for (List<String> row : rows(sql, """
                        SELECT format('%I.%I', s.schemaname, s.sequencename), s.last_value, s.increment_by
                        FROM pg_sequences s
                        JOIN pg_class c ON c.oid = format('%I.%I', s.schemaname, s.sequencename)::regclass
                        WHERE s.last_value IS NOT NULL AND c.relpersistence = 'p'""")) {
                    values.put(
                            database + " " + row.get(0),
                            new SequenceValue(Long.parseLong(row.get(1)), Long.parseLong(row.get(2))));
                }
            }
        }
        return values;
    }

    /** Only what differs is in the message of the failure. */
    public static void assertSame(SortedMap<String, String> contents, SortedMap<String, String> expected, String what) {
        TreeMap<String, String> actual = new TreeMap<>(contents);
        TreeMap<String, String> missing = new TreeMap<>(expected);
        missing.entrySet().removeIf(entry -> entry.getValue().equals(actual.get(entry.getKey())));
        actual.entrySet().removeIf(entry -> entry.getValue().equals(expected.get(entry.getKey())));
        assertThat(actual).as(what).isEqualTo(missing);
    }

    /** No sequence is behind, and none further ahead than sequences are logged. */
    public static void assertSequences(Connector cluster, SortedMap<String, SequenceValue> expected, String what)
            throws SQLException {
        SortedMap<String, SequenceValue> actual = sequences(cluster);
        assertThat(actual.keySet()).as(what).isEqualTo(expected.keySet());
        for (Map.Entry<String, SequenceValue> entry : expected.entrySet()) {
            SequenceValue value = entry.getValue();
            assertThat(Objects.requireNonNull(actual.get(entry.getKey())).last())
                    .as(what + ": " + entry.getKey())
                    .isBetween(value.last(), value.last() + 33 * value.increment());
        }
    }

    /** Has {@code amcheck} look at every B-tree, with every row of its table, and at every heap, of all databases. */
    public static void assertSound(Connector cluster, String what) throws SQLException {
        for (String database : databases(cluster)) {
            try (Connection connection = cluster.connect(database);
                    Statement sql = connection.createStatement()) {
                sql.execute("CREATE EXTENSION IF NOT EXISTS amcheck");
                assertThat(rows(sql, INDEXES)).as(what + ", " + database).hasSizeGreaterThan(100);
                assertThat(rows(sql, HEAPS)).as(what + ", " + database).isEmpty();
            }
        }
    }

    /** The rows of a query's result, as text. */
    public static List<List<String>> rows(Statement sql, String query) throws SQLException {
        List<List<String>> rows = new ArrayList<>();
        try (ResultSet result = sql.executeQuery(query)) {
            while (result.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
                    row.add(String.valueOf(result.getString(i)));
                }
                rows.add(row);
            }
        }
        return rows;
    }
}
