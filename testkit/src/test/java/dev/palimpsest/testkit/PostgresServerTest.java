package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PostgresServerTest {
    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void startsStopsAndLeavesNothingBehind(int major) throws Exception {
        PostgresServer kept;
        try (PostgresServer server = PostgresServer.version(major)
                .setting("work_mem", "5MB")
                .initdbOption("--wal-segsize=1")
                .start()) {
            kept = server;
            assertThat(show(server, "server_version")).startsWith(major + ".");
            assertThat(show(server, "work_mem")).isEqualTo("5MB");
            assertThat(show(server, "wal_segment_size")).isEqualTo("1MB");
            assertThat(server.walDirectory()).isDirectory();
            server.stop("fast");
            assertThatThrownBy(server::connect).hasMessageContaining("refused");
            server.start();
            assertThat(show(server, "port")).isEqualTo(String.valueOf(server.port()));
        }
        assertThat(Files.exists(kept.dataDirectory())).isFalse();
    }

    @Test
    void saysWhatPostgresSaid() {
        assertThatThrownBy(() ->
                        PostgresServer.version(17).initdbOption("--nonsense").start())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nonsense");
        assertThatThrownBy(() -> PostgresServer.version(13).start()).isInstanceOf(IllegalArgumentException.class);
    }

    private static String show(PostgresServer server, String setting) throws Exception {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SHOW " + setting)) {
            row.next();
            return row.getString(1);
        }
    }
}
