package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** What the tests of an index's records have in common: a workload, and a replay of all that it wrote. */
final class IndexWal {
    private static final int SEGMENT = 16 << 20;

    /** Looks at a record; it is valid for the call only. */
    interface Reader {
        void read(WalRecord record) throws MalformedRecordException;
    }

    private IndexWal() {}

    /** A server of this version that writes an image of every page with every change. */
    static PostgresServer.Builder server(int major) {
        return PostgresServer.version(major)
                .setting("wal_consistency_checking", "all")
                .setting("wal_keep_size", "2GB")
                .setting("max_wal_size", "4GB")
                .setting("autovacuum", "off");
    }

    /** Runs the commands, and one more so that all they wrote is flushed; returns how far that is. */
    static Lsn run(Statement statement, List<String> commands) throws SQLException {
        for (String command : commands) {
            statement.execute(command);
        }
        statement.execute("CREATE TABLE last (i int)");
        Lsn end = Lsn.parse(one(statement, "SELECT pg_current_wal_flush_lsn()"));
        statement.execute("DROP TABLE last");
        return end;
    }

    static String one(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    /** Replays everything the server wrote, which must reach {@code end}, and shows it to {@code reader} too. */
    static void replay(PostgresServer server, Lsn end, ConsistencyReplay replay, Reader reader)
            throws IOException, MalformedRecordException {
        List<Path> segments = segments(server);
        Lsn first = WalSegment.parse(segments.get(0).getFileName().toString(), SEGMENT)
                .start();
        WalStreamDecoder decoder = new WalStreamDecoder(PostgresVersion.ofMajor(server.major()), SEGMENT, -1, first);
        for (Path segment : segments) {
            byte[] bytes = Files.readAllBytes(segment);
            decoder.feed(bytes, 0, bytes.length);
            while (decoder.next()) {
                replay.apply(decoder.record());
                reader.read(decoder.record());
            }
            if (decoder.stopped() != null) {
                break;
            }
        }
        assertThat(decoder.endOfLastRecord()).as(decoder.finish().describe()).isGreaterThanOrEqualTo(end);
        assertThat(replay.faults()).isEmpty();
    }

    /** All these types of record changed pages, and left them as the server did. */
    static void assertCompared(ConsistencyReplay replay, String manager, List<String> types) {
        for (String type : types) {
            String name = manager + "/" + type;
            ConsistencyReplay.Counts count =
                    Objects.requireNonNull(replay.counts().get(name), name);
            assertThat(count.applied()).as(name).isPositive();
            assertThat(count.compared()).as(name).isPositive();
            assertThat(count.mismatches()).as(name).isZero();
            assertThat(count.failures()).as(name).isZero();
        }
    }

    /** Records of this type were there, and changed no page. */
    static void assertWithoutPages(ConsistencyReplay replay, String name) {
        ConsistencyReplay.Counts count = Objects.requireNonNull(replay.counts().get(name), name);
        assertThat(count.records()).as(name).isPositive();
        assertThat(count.applied()).as(name).isZero();
    }

    private static List<Path> segments(PostgresServer server) throws IOException {
        try (Stream<Path> files = Files.list(server.walDirectory())) {
            return files.filter(f -> WalSegment.isName(f.getFileName().toString()))
                    .sorted()
                    .toList();
        }
    }
}
