package dev.palimpsest.pageserver.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.postgres.wal.StopReason;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IngestTest {
    private static final String[] WORKLOAD = {
        "CREATE TABLE plain (id int PRIMARY KEY, t text, n numeric)",
        "INSERT INTO plain SELECT g, repeat('x', g % 300), g * 1.5 FROM generate_series(1, 20000) g",
        "UPDATE plain SET t = t || 'y' WHERE id % 3 = 0",
        "DELETE FROM plain WHERE id % 7 = 0",
        "VACUUM plain",
        "UPDATE plain SET n = 0 WHERE id % 5 = 0",
        "CREATE TABLE toasted AS SELECT g AS id, string_agg(md5((g * i)::text), '') AS big"
                + " FROM generate_series(1, 200) g, generate_series(1, 300) i GROUP BY g",
        "CREATE UNLOGGED TABLE loose AS SELECT g FROM generate_series(1, 1000) g",
        "CREATE SEQUENCE s",
        "SELECT nextval('s') FROM generate_series(1, 100)",
        "CREATE TABLE dropped AS SELECT g FROM generate_series(1, 5000) g",
        "DROP TABLE dropped",
        "CREATE TABLE cut AS SELECT g FROM generate_series(1, 50000) g",
        "VACUUM (FREEZE) cut",
        "DELETE FROM cut WHERE g > 1000",
        "VACUUM cut",
        "INSERT INTO cut SELECT g FROM generate_series(1, 60000) g",
        "VACUUM cut",
        "TRUNCATE toasted",
        "CREATE DATABASE other",
        "VACUUM FULL pg_class",
        "BEGIN; SAVEPOINT a; INSERT INTO plain VALUES (-1, 'a', 1); ROLLBACK TO a;"
                + " INSERT INTO plain VALUES (-2, 'b', 1); COMMIT",
        "BEGIN; INSERT INTO plain VALUES (-3, 'c', 1); PREPARE TRANSACTION 'kept'",
        "BEGIN; INSERT INTO plain VALUES (-4, 'd', 1); PREPARE TRANSACTION 'done'",
        "COMMIT PREPARED 'done'",
        "CHECKPOINT",
        "UPDATE plain SET t = 'after the checkpoint' WHERE id % 11 = 0",
    };

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void everyPageIsAsTheServerHasIt(int major, @TempDir Path directory) throws Exception {
        try (PostgresServer server = PostgresServer.version(major)
                .setting("max_prepared_transactions", "10")
                .setting("wal_keep_size", "1GB")
                .setting("max_wal_size", "4GB")
                .setting("autovacuum", "off")
                .start()) {
            server.stop("fast");
            try (OfflineCluster cluster = new OfflineCluster(server.dataDirectory(), major, directory)) {
                cluster.compact();
                server.start();
                try (Connection connection = server.connect();
                        Statement statement = connection.createStatement()) {
                    for (String sql : WORKLOAD) {
                        statement.execute(sql);
                    }
                    if (major >= 15) {
                        statement.execute("CREATE DATABASE copied STRATEGY file_copy TEMPLATE template1");
                    }
                }
                server.stop("fast");
                assertThat(cluster.catchUp()).isInstanceOfAny(StopReason.ZeroRecord.class, StopReason.ZeroPage.class);
                DirectoryComparison.Result result = DirectoryComparison.compare(
                        server.dataDirectory(), PageComparison.Server.PRIMARY, cluster.reader());
                assertThat(result.differences()).isEmpty();
                assertThat(result.pages()).isGreaterThan(3000);
                assertThat(cluster.reader().prepared()).hasSize(1);
                assertThat(cluster.compact().layersRemoved()).isPositive();
                assertThat(DirectoryComparison.compare(
                                        server.dataDirectory(), PageComparison.Server.PRIMARY, cluster.reader())
                                .differences())
                        .as("after compaction and GC")
                        .isEmpty();
            }
        }
    }
}
