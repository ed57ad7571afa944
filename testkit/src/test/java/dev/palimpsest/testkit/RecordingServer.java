package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A server whose WAL a test reads: it keeps all segments, and each record has PostgreSQL's own idea of the pages it
 * changes, to compare with.
 */
final class RecordingServer implements AutoCloseable {
    /** What is done with each record in turn. */
    interface Visitor {
        void visit(WalRecord record) throws Exception;
    }

    private final PostgresServer server;
    /** Where its WAL was when it began to keep all of it: initdb, before, has small segments thrown away. */
    private final Lsn begin;

    private Connection connection;
    private Statement statement;

    private RecordingServer(PostgresServer server) throws SQLException {
        this.server = server;
        this.connection = server.connect();
        this.statement = connection.createStatement();
        this.begin = Lsn.parse(one("SELECT pg_current_wal_insert_lsn()"));
    }

    /**
     * Starts a server with what the builder says, that keeps its WAL and puts into each record what the pages become that
     * it changes.
     */
    static RecordingServer start(PostgresServer.Builder builder) throws SQLException {
        return startWithoutPages(builder.setting("wal_consistency_checking", "all"));
    }

    /** The same but for the pages, so that there is nothing to compare with in the WAL. */
    static RecordingServer startWithoutPages(PostgresServer.Builder builder) throws SQLException {
        PostgresServer server = builder.setting("wal_keep_size", "8GB")
                .setting("max_wal_size", "8GB")
                .setting("autovacuum", "off")
                .start();
        try {
            return new RecordingServer(server);
        } catch (SQLException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    PostgresServer server() {
        return server;
    }

    /** On a connection to the database {@code postgres}. */
    Statement statement() {
        return statement;
    }

    void run(List<String> commands) throws SQLException {
        for (String command : commands) {
            statement.execute(command);
        }
    }

    /** The first column of the first row. */
    String one(String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    /** Stops the server, see {@link PostgresServer#stop}. */
    void stop(String mode) throws SQLException {
        connection.close();
        server.stop(mode);
    }

    /** Starts the server again. */
    void start() throws SQLException {
        server.start();
        connect();
    }

    /** Starts the server again as a standby of nobody, and then makes it one that is written to, on a new timeline. */
    void startAsStandbyAndPromote() throws IOException, SQLException {
        Files.createFile(server.dataDirectory().resolve("standby.signal"));
        server.start();
        server.promote();
        connect();
    }

    private void connect() throws SQLException {
        connection = server.connect();
        statement = connection.createStatement();
    }

    /** Has everything written that was logged so far, and says where it ends. */
    Lsn flush() throws SQLException {
        run(List.of("SELECT pg_logical_emit_message(true, '', 'flush')"));
        return Lsn.parse(one("SELECT pg_current_wal_flush_lsn()"));
    }

    /**
     * Reads the WAL from the first record that is there to the one that ends at {@code end}; the record is the same object each time.
     * After {@link #stop} there may be more behind it.
     */
    void read(Lsn end, Visitor visitor) throws Exception {
        WalStreamDecoder decoder = readAll(record -> {
            if (record.endLsn() <= end.value()) {
                visitor.visit(record);
            }
        });
        assertThat(decoder.endOfLastRecord()).as(decoder.finish().describe()).isGreaterThanOrEqualTo(end);
    }

    /** Reads all the WAL there is. */
    WalStreamDecoder readAll(Visitor visitor) throws Exception {
        List<Path> segments = segments(server.walDirectory());
        WalStreamDecoder decoder = decoderFor(segments.get(0));
        for (Path segment : segments) {
            byte[] bytes = Files.readAllBytes(segment);
            decoder.feed(bytes, 0, bytes.length);
            while (decoder.next()) {
                visitor.visit(decoder.record());
            }
            if (decoder.stopped() != null) {
                break;
            }
        }
        return decoder;
    }

    private WalStreamDecoder decoderFor(Path segment) throws IOException {
        WalPageHeader header = WalPageHeader.decode(Files.readAllBytes(segment), 0);
        assertThat(header.version()).isEqualTo(PostgresVersion.ofMajor(server.major()));
        Lsn start = WalSegment.parse(segment.getFileName().toString(), header.segmentSize())
                .start();
        assertThat(start).as("the first WAL that is kept").isLessThanOrEqualTo(begin);
        return new WalStreamDecoder(PostgresVersion.ofMajor(server.major()), header.segmentSize(), -1, start);
    }

    /** In the order of the WAL; of a segment that two timelines have, the later one's. */
    private static List<Path> segments(Path directory) throws IOException {
        TreeMap<String, Path> byNumber = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            files.filter(f -> WalSegment.isName(f.getFileName().toString()))
                    .sorted()
                    .forEach(f -> byNumber.put(f.getFileName().toString().substring(8), f));
        }
        return List.copyOf(byNumber.values());
    }

    /** Copies of the records that end at {@code end} or before. */
    List<WalRecord> records(Lsn end) throws Exception {
        List<WalRecord> records = new ArrayList<>();
        read(end, record -> records.add(record.copy()));
        return records;
    }

    /** Every page that was compared is as PostgreSQL has it, and no record gave redo any trouble. */
    static void assertNoFaults(ConsistencyReplay replay) {
        assertThat(replay.faults()).isEmpty();
        replay.counts().forEach((type, count) -> {
            assertThat(count.mismatches()).as("mismatches of %s", type).isZero();
            assertThat(count.failures()).as("failures of %s", type).isZero();
        });
    }

    /** Records of these types changed pages, and left them as the server did. */
    static void assertCompared(ConsistencyReplay replay, Rmgr manager, List<String> types) {
        assertCompared(replay, types.stream().map(type -> manager + "/" + type).toList());
    }

    /** Records of these types, {@code Heap/INSERT}, changed pages, and left them as the server did. */
    static void assertCompared(ConsistencyReplay replay, List<String> types) {
        assertNoFaults(replay);
        for (String type : types) {
            ConsistencyReplay.Counts count = counts(replay, type);
            assertThat(count.applied()).as("applied %s", type).isPositive();
            assertThat(count.compared()).as("compared %s", type).isPositive();
        }
    }

    /** Records of this type were there, and changed no page. */
    static void assertWithoutPages(ConsistencyReplay replay, String type) {
        assertThat(counts(replay, type).records()).as(type).isPositive();
        assertThat(counts(replay, type).applied()).as(type).isZero();
        assertThat(counts(replay, type).compared()).as(type).isZero();
    }

    /** What became of the records of a type, of which there must be some. */
    static ConsistencyReplay.Counts counts(ConsistencyReplay replay, String type) {
        return Objects.requireNonNull(replay.counts().get(type), () -> "no record of " + type);
    }

    @Override
    public void close() throws SQLException {
        try (server) {
            connection.close();
        }
    }
}
