package dev.palimpsest.pageserver.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.protocol.ServerError;
import dev.palimpsest.testkit.PostgresServer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Everything against a real PostgreSQL of each major version. */
class RealServerTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final int SEGMENT = 1 << 20;

    private static PostgresServer.Builder server(int major) {
        return PostgresServer.version(major)
                .initdbOption("--wal-segsize=1")
                .setting("max_replication_slots", "2")
                .setting("wal_keep_size", "64MB");
    }

    private static ConnectionSettings settings(PostgresServer server) {
        return ConnectionSettings.parse(
                "host=127.0.0.1 port=" + server.port() + " user=postgres", Map.of("HOME", "/nonexistent"));
    }

    private static void sql(PostgresServer server, String... commands) throws Exception {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            for (String command : commands) {
                statement.execute(command);
            }
        }
    }

    private static String query(PostgresServer server, String query) throws Exception {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void commandsBackupStreamAndSwitch(int major) throws Exception {
        try (PostgresServer server = server(major).start()) {
            commands(server, major);
            slots(server, major);
            backup(server, major);
            stream(server);
            checks(server, major);
            lostSlot(server);
            shutdown(server);
            switchTimeline(server);
        }
    }

    private static void commands(PostgresServer server, int major) throws Exception {
        try (ReplicationConnection connection = ReplicationConnection.connect(settings(server))) {
            assertThat(connection.version()).isEqualTo(PostgresVersion.ofMajor(major));
            assertThat(connection.serverVersion()).startsWith(major + ".");
            assertThat(connection.reported("in_hot_standby")).isEqualTo("off");
            assertThat(connection.isEncrypted()).isFalse();
            SystemIdentification system = connection.identifySystem();
            assertThat(Long.toUnsignedString(system.systemIdentifier()))
                    .isEqualTo(query(server, "SELECT system_identifier FROM pg_control_system()"));
            assertThat(system.timeline()).isEqualTo(1);
            assertThat(system.flushLsn())
                    .isLessThanOrEqualTo(Lsn.parse(query(server, "SELECT pg_current_wal_flush_lsn()")));
            assertThat(connection.show("wal_segment_size")).isEqualTo("1MB");
            assertThatThrownBy(() -> connection.show("no_such_setting"))
                    .isInstanceOfSatisfying(
                            ServerRefusedException.class,
                            e -> assertThat(e.sqlState()).isEqualTo(ServerError.UNDEFINED_OBJECT));
            assertThat(connection.isOpen()).isTrue();
            assertThatThrownBy(() -> connection.timelineHistory(7)).isInstanceOf(ServerRefusedException.class);
            assertThat(connection.show("wal_level")).isEqualTo("replica");
        }
    }

    private static void slots(PostgresServer server, int major) throws Exception {
        try (ReplicationConnection connection = ReplicationConnection.connect(settings(server))) {
            connection.createPhysicalSlot("kept", WalReservation.AT_CREATION);
            connection.createPhysicalSlot("unused", WalReservation.AT_FIRST_USE);
            assertThatThrownBy(() -> connection.createPhysicalSlot("kept", WalReservation.AT_CREATION))
                    .isInstanceOfSatisfying(
                            ServerRefusedException.class,
                            e -> assertThat(e.sqlState()).isEqualTo(ServerError.DUPLICATE_OBJECT));
            assertThatThrownBy(() -> connection.createPhysicalSlot("third", WalReservation.AT_CREATION))
                    .isInstanceOfSatisfying(
                            ServerRefusedException.class,
                            e -> assertThat(e.sqlState()).isEqualTo(ServerError.CONFIGURATION_LIMIT_EXCEEDED));
            if (major == 14) {
                assertThat(connection.readSlot("kept")).isEqualTo(new SlotState.Unknown());
            } else {
                Lsn restart = Lsn.parse(
                        query(server, "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = 'kept'"));
                assertThat(connection.readSlot("kept")).isEqualTo(new SlotState.Physical(restart, 1));
                assertThat(connection.readSlot("unused")).isEqualTo(new SlotState.Physical(null, 0));
                assertThat(connection.readSlot("absent")).isEqualTo(new SlotState.Absent());
            }
            connection.dropSlot("unused");
            assertThatThrownBy(() -> connection.dropSlot("unused"))
                    .isInstanceOfSatisfying(
                            ServerRefusedException.class,
                            e -> assertThat(e.sqlState()).isEqualTo(ServerError.UNDEFINED_OBJECT));
            assertThatThrownBy(() -> connection.dropSlot("kept\"; DROP")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static void backup(PostgresServer server, int major) throws Exception {
        Path tablespace = server.newDirectory("space");
        sql(
                server,
                "CREATE TABLESPACE other LOCATION '" + tablespace + "'",
                "CREATE TABLE there (n int) TABLESPACE other",
                "INSERT INTO there SELECT generate_series(1, 100000)",
                "CREATE TABLE here AS SELECT * FROM there",
                "CREATE UNLOGGED TABLE fleeting AS SELECT 1",
                "CHECKPOINT");
        String oid = query(server, "SELECT oid FROM pg_tablespace WHERE spcname = 'other'");
        String here = query(server, "SELECT pg_relation_filepath('here')");
        try (ReplicationConnection connection = ReplicationConnection.connect(settings(server))) {
            BaseBackupStream backup =
                    connection.baseBackup(new BackupOptions("it's a test", BackupOptions.Checkpoint.FAST, 1_000_000));
            assertThatThrownBy(connection::identifySystem).isInstanceOf(IllegalStateException.class);
            assertThat(backup.startTimeline()).isEqualTo(1);
            assertThat(backup.startLsn().isAligned()).isTrue();
            assertThat(backup.tablespaces())
                    .extracting(t -> Integer.toUnsignedString(t.oid()), BackupTablespace::location)
                    .containsExactly(tuple(oid, tablespace.toString()), tuple("0", ""));
            List<String> paths = members(server, tablespace, backup);
            assertThat(paths).doesNotHaveDuplicates();
            assertThat(paths).contains(here, "global/pg_control", "pg_wal", "PG_VERSION");
            assertThat(paths.getLast()).isEqualTo("global/pg_control");
            int base = paths.indexOf("backup_label");
            assertThat(paths.get(base + 1)).isEqualTo("tablespace_map");
            assertThat(paths.subList(0, base)).isNotEmpty().allMatch(p -> p.startsWith("PG_" + major + "_"));
            assertThat(backup.end().timeline()).isEqualTo(1);
            assertThat(backup.end().lsn()).isGreaterThan(backup.startLsn());
            assertThat(backup.receivedBytes()).isBetween(backup.estimatedBytes() / 2, backup.estimatedBytes() * 2);
            assertThat(backup.next()).isNull();
            assertThat(connection.identifySystem().timeline()).isEqualTo(1);
        }
    }

    /** Reads a backup of a server that rests, and compares with its files. */
    private static List<String> members(PostgresServer server, Path tablespace, BaseBackupStream backup)
            throws Exception {
        List<String> paths = new ArrayList<>();
        Set<String> compared = new HashSet<>();
        byte[] buffer = new byte[10_000];
        int number = 0;
        for (BackupEntry entry = backup.next(); entry != null; entry = backup.next()) {
            paths.add(entry.path());
            number++;
            if (entry.kind() != BackupEntry.Kind.FILE || number % 7 == 0) {
                continue;
            }
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            int count = backup.readFully(buffer, 0, buffer.length);
            while (count > 0) {
                content.write(buffer, 0, count);
                count = backup.readFully(buffer, 0, buffer.length);
            }
            assertThat(content.size()).as(entry.path()).isEqualTo((int) entry.size());
            if (entry.path().equals("backup_label")) {
                assertThat(content.toString(StandardCharsets.UTF_8))
                        .contains("LABEL: it's a test", "START TIMELINE: 1");
            } else if (entry.path().equals("tablespace_map")) {
                assertThat(content.toString(StandardCharsets.UTF_8)).contains(tablespace.toString());
            } else if (entry.path().matches("(base|PG_).*/[0-9]+|PG_VERSION|postgresql.conf")) {
                Path root = entry.tablespace() == 0 ? server.dataDirectory() : tablespace;
                assertThat(content.toByteArray())
                        .as(entry.path())
                        .isEqualTo(Files.readAllBytes(root.resolve(entry.path())));
                compared.add(entry.path());
            }
        }
        assertThat(compared.size()).isGreaterThan(100);
        return paths;
    }

    private static void stream(PostgresServer server) throws Exception {
        try (ReplicationConnection connection =
                ReplicationConnection.connect(settings(server).withApplicationName("streaming test"))) {
            SystemIdentification system = connection.identifySystem();
            Lsn start = new Lsn(system.flushLsn().value() & -SEGMENT);
            WalStream stream = connection.startReplication("kept", start, 1);
            sql(server, "CREATE TABLE streamed AS SELECT g, md5(g::text) FROM generate_series(1, 60000) g");
            Lsn target = Lsn.parse(query(server, "SELECT pg_current_wal_flush_lsn()"));
            ByteArrayOutputStream received = new ByteArrayOutputStream();
            while (stream.endLsn().isBefore(target)) {
                WalStream.Event event = stream.receive(SOON);
                assertThat(event).isNotEqualTo(WalStream.Event.NOTHING).isNotEqualTo(WalStream.Event.END);
                if (event == WalStream.Event.WAL) {
                    assertThat(stream.startLsn()).isEqualTo(start.plus(received.size()));
                    received.write(stream.array(), stream.offset(), stream.length());
                    assertThat(stream.serverEnd()).isGreaterThanOrEqualTo(stream.endLsn());
                }
            }
            assertThat(received.size()).isGreaterThan(3 * SEGMENT);
            compareWithFiles(server, start, received.toByteArray());
            stream.sendStatus(target, target, start, WalStream.ReplyRequest.WANTED);
            awaitKeepalive(stream);
            assertThat(query(
                            server,
                            "SELECT flush_lsn::text || ' ' || replay_lsn FROM pg_stat_replication"
                                    + " WHERE application_name = 'streaming test'"))
                    .isEqualTo(target + " " + start);
            assertThat(query(server, "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = 'kept'"))
                    .isEqualTo(target.toString());
            Lsn before = stream.endLsn();
            sql(server, "CREATE TABLE streamed2 AS SELECT * FROM streamed");
            stream.stop();
            assertThat(stream.end()).isEqualTo(new StreamEnd.Stopped());
            assertThat(connection.show("wal_level")).isEqualTo("replica");
            WalStream again = connection.startReplication(null, before, 1);
            assertThat(again.receive(SOON)).isEqualTo(WalStream.Event.WAL);
            assertThat(again.startLsn()).isEqualTo(before);
        }
    }

    private static void awaitKeepalive(WalStream stream) throws UpstreamException {
        WalStream.Event event = stream.receive(SOON);
        while (event != WalStream.Event.KEEPALIVE) {
            assertThat(event).isEqualTo(WalStream.Event.WAL);
            event = stream.receive(SOON);
        }
    }

    private static void compareWithFiles(PostgresServer server, Lsn start, byte[] received) throws Exception {
        for (int at = 0; at < received.length; at += SEGMENT) {
            Path segment = server.walDirectory()
                    .resolve(query(server, "SELECT pg_walfile_name('" + start.plus(at + 1) + "')"));
            int count = Math.min(SEGMENT, received.length - at);
            assertThat(Arrays.copyOfRange(received, at, at + count))
                    .as(segment.toString())
                    .isEqualTo(Arrays.copyOf(Files.readAllBytes(segment), count));
        }
    }

    private static void checks(PostgresServer server, int major) throws Exception {
        assertThat(SourceChecks.check(settings(server), "fresh")).isEmpty();
        assertThat(query(server, "SELECT count(*) FROM pg_replication_slots")).isEqualTo("1");
        String restart = query(server, "SELECT restart_lsn FROM pg_replication_slots");
        assertThat(SourceChecks.check(settings(server), "kept")).singleElement().satisfies(p -> {
            assertThat(p.severity()).isEqualTo(Problem.Severity.WARNING);
            assertThat(p.message()).contains("\"kept\" already", "pg_drop_replication_slot('kept')");
            if (major > 14) {
                assertThat(p.message()).contains(restart);
            }
        });
        assertThat(query(server, "SELECT restart_lsn FROM pg_replication_slots"))
                .isEqualTo(restart);
        try (ReplicationConnection holder = ReplicationConnection.connect(settings(server))) {
            holder.startReplication("kept", Lsn.parse(restart), 1);
            assertThat(SourceChecks.check(settings(server), "kept"))
                    .singleElement()
                    .satisfies(p -> assertThat(p.message()).contains("somebody streams from it"));
        }
    }

    /** The slot's WAL goes when more is written than it may keep. */
    private static void lostSlot(PostgresServer server) throws Exception {
        Lsn gone = Lsn.parse(query(server, "SELECT restart_lsn FROM pg_replication_slots"));
        sql(
                server,
                "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'",
                "ALTER SYSTEM SET wal_keep_size = 0",
                "ALTER SYSTEM SET max_wal_size = '2MB'",
                "ALTER SYSTEM SET min_wal_size = '2MB'",
                "SELECT pg_reload_conf()");
        sql(
                server,
                "CREATE TABLE much AS SELECT g, md5(g::text) FROM generate_series(1, 60000) g",
                "CHECKPOINT",
                "SELECT pg_switch_wal()",
                "INSERT INTO much SELECT * FROM much",
                "CHECKPOINT");
        assertThat(query(server, "SELECT wal_status FROM pg_replication_slots")).isEqualTo("lost");
        try (ReplicationConnection connection = ReplicationConnection.connect(settings(server))) {
            assertThatThrownBy(() -> drain(connection.startReplication("kept", gone, 1)))
                    .isInstanceOfSatisfying(
                            ServerRefusedException.class,
                            e -> assertThat(e.sqlState())
                                    .isIn(ServerError.NOT_IN_PREREQUISITE_STATE, ServerError.UNDEFINED_FILE));
            assertThatThrownBy(() -> drain(connection.startReplication(null, gone, 1)))
                    .isInstanceOfSatisfying(
                            ServerRefusedException.class,
                            e -> assertThat(e.sqlState()).isEqualTo(ServerError.UNDEFINED_FILE));
            assertThat(connection.isOpen()).isTrue();
            connection.dropSlot("kept");
        }
        assertThat(SourceChecks.check(settings(server), "kept"))
                .singleElement()
                .satisfies(p -> assertThat(p.message()).contains("max_slot_wal_keep_size is 1MB"));
    }

    private static void drain(WalStream stream) throws UpstreamException {
        while (stream.receive(SOON) != WalStream.Event.END) {
            assertThat(stream.length()).isPositive();
        }
    }

    private static void shutdown(PostgresServer server) throws Exception {
        try (ReplicationConnection connection = ReplicationConnection.connect(settings(server))) {
            Lsn start = connection.identifySystem().flushLsn();
            WalStream stream = connection.startReplication(null, start, 1);
            // A walsender that is told to stop before its loop has begun ends with an error.
            stream.sendStatus(start, start, start, WalStream.ReplyRequest.WANTED);
            awaitKeepalive(stream);
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread stopping = Thread.ofVirtual().start(() -> {
                try {
                    server.stop("fast");
                } catch (RuntimeException e) {
                    failure.set(e);
                }
            });
            while (stream.receive(SOON) != WalStream.Event.END) {
                stream.sendStatus(stream.endLsn(), stream.endLsn(), stream.endLsn(), WalStream.ReplyRequest.NOT_WANTED);
            }
            stopping.join();
            assertThat(failure.get()).isNull();
            assertThat(stream.end()).isEqualTo(new StreamEnd.ServerShutdown());
            assertThat(stream.endLsn()).isGreaterThan(start);
            assertThat(connection.isOpen()).isFalse();
            assertThatThrownBy(connection::identifySystem).isInstanceOf(ConnectionLostException.class);
        }
    }

    /** A server that was stopped goes on as a standby, and is promoted while we stream. */
    private static void switchTimeline(PostgresServer server) throws Exception {
        Files.writeString(server.dataDirectory().resolve("standby.signal"), "");
        server.start();
        assertThat(SourceChecks.check(settings(server), "fresh"))
                .extracting(Problem::message)
                .anyMatch(m -> m.contains("is a standby"));
        ConnectionSettings primary = ConnectionSettings.parse(
                "host=127.0.0.1 target_session_attrs=primary user=postgres port=" + server.port(), Map.of());
        assertThatThrownBy(() -> ReplicationConnection.connect(primary))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("is a standby");
        try (ReplicationConnection connection = ReplicationConnection.connect(settings(server))) {
            SystemIdentification system = connection.identifySystem();
            assertThat(system.timeline()).isEqualTo(1);
            WalStream stream = connection.startReplication(null, system.flushLsn(), 1);
            server.promote();
            drain(stream);
            StreamEnd.NextTimeline next = (StreamEnd.NextTimeline) stream.end();
            assertThat(next.timeline()).isEqualTo(2);
            assertThat(stream.receive(SOON)).isEqualTo(WalStream.Event.END);
            TimelineHistory history = connection.timelineHistory(2);
            assertThat(history.fileName()).isEqualTo("00000002.history");
            assertThat(history.ancestors()).hasSize(1);
            assertThat(history.ancestors().getFirst().timeline()).isEqualTo(1);
            assertThat(history.ancestors().getFirst().switchLsn()).isEqualTo(next.switchLsn());
            WalStream already = connection.startReplication(null, next.switchLsn(), 1);
            assertThat(already.receive(SOON)).isEqualTo(WalStream.Event.END);
            assertThat(already.end()).isEqualTo(next);
            WalStream onward = connection.startReplication(null, next.switchLsn(), 2);
            assertThat(onward.receive(SOON)).isEqualTo(WalStream.Event.WAL);
            assertThat(onward.startLsn()).isEqualTo(next.switchLsn());
            assertThat(onward.timeline()).isEqualTo(2);
        }
    }
}
