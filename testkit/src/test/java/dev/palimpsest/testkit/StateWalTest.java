package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.cluster.ClusterCounters;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.RelationMap;
import dev.palimpsest.postgres.control.TwoPhaseFile;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.StorageTruncation;
import dev.palimpsest.postgres.redo.VisibilityClear;
import dev.palimpsest.postgres.rmgr.Completion;
import dev.palimpsest.postgres.rmgr.Prepare;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.RelMapRecord;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import dev.palimpsest.postgres.rmgr.TransactionRecord;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.postgres.slru.CommitTimestamps;
import dev.palimpsest.postgres.slru.SlruChange;
import dev.palimpsest.postgres.slru.SlruChanges;
import dev.palimpsest.postgres.slru.SlruKind;
import dev.palimpsest.postgres.slru.SlruPage;
import dev.palimpsest.postgres.slru.SlruTruncation;
import dev.palimpsest.postgres.slru.SlruUpdate;
import dev.palimpsest.postgres.slru.SlruUpdateCodec;
import dev.palimpsest.postgres.wal.WalRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * State outside of relations, derived from the whole WAL of real servers from {@code initdb} on, against the files that they
 * leave behind: commit log, multixacts, commit timestamps, prepared transactions, relation maps, counters.
 */
class StateWalTest {
    private static final int SEGMENT = 16 << 20;

    private static final List<String> WORKLOAD = List.of(
            "CREATE TABLE t (id int PRIMARY KEY, n int)",
            "INSERT INTO t SELECT i, i FROM generate_series(1, 3000) i",
            "CREATE TABLE many (i int); CREATE TABLE dropped (i int); CREATE UNLOGGED TABLE unlogged (i int)",
            "DO $$ BEGIN FOR i IN 1..40000 LOOP BEGIN INSERT INTO many VALUES (i);"
                    + " IF i % 7 = 0 THEN RAISE EXCEPTION 'no'; END IF;"
                    + " EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$",
            "BEGIN; SAVEPOINT a; CREATE TABLE gone (i int); ROLLBACK TO a; DROP TABLE dropped; COMMIT",
            "BEGIN; CREATE TABLE gone (i int); ROLLBACK",
            "BEGIN; INSERT INTO t VALUES (-1, 0); SAVEPOINT a; INSERT INTO t VALUES (-2, 0); CREATE TABLE two (i int);"
                    + " PREPARE TRANSACTION 'committed'",
            "COMMIT PREPARED 'committed'",
            "BEGIN; INSERT INTO t VALUES (-3, 0); CREATE TABLE three (i int); PREPARE TRANSACTION 'aborted'",
            "CHECKPOINT",
            "ROLLBACK PREPARED 'aborted'",
            "BEGIN; LOCK TABLE two IN ACCESS EXCLUSIVE MODE; DELETE FROM t WHERE id = 9; COMMIT",
            "SELECT pg_logical_emit_message(true, 'prefix', 'transactional')",
            "SELECT pg_logical_emit_message(false, 'prefix', 'not transactional')",
            "SELECT pg_replication_origin_create('elsewhere')",
            "SELECT pg_replication_origin_session_setup('elsewhere')",
            "BEGIN; SELECT pg_replication_origin_xact_setup('0/5000', '2011-11-11 11:11:11+00');"
                    + " INSERT INTO t VALUES (-5, 0); COMMIT",
            "SELECT pg_replication_origin_session_reset()",
            "SELECT pg_replication_origin_advance('elsewhere', '0/7000')",
            "SELECT pg_replication_origin_drop('elsewhere')",
            "SELECT count(lo_create(0)) FROM generate_series(1, 9000)",
            "SELECT pg_create_restore_point('here')",
            "CREATE TABLE cut AS SELECT i, repeat('x', 1000) AS body FROM generate_series(1, 500) i",
            "VACUUM cut",
            "DELETE FROM cut WHERE i > 100",
            "VACUUM cut",
            "DELETE FROM cut WHERE i > 50",
            "VACUUM cut",
            "CREATE INDEX CONCURRENTLY ON cut (i)",
            "REINDEX TABLE CONCURRENTLY cut",
            "SELECT pg_switch_wal()",
            "VACUUM FULL pg_class",
            "VACUUM FULL pg_proc",
            "VACUUM FULL pg_database",
            "BEGIN; TRUNCATE t; ROLLBACK");

    private static final List<String> TYPES = List.of(
            "XLOG/CHECKPOINT_SHUTDOWN",
            "XLOG/CHECKPOINT_ONLINE",
            "XLOG/NEXTOID",
            "XLOG/SWITCH",
            "XLOG/PARAMETER_CHANGE",
            "XLOG/RESTORE_POINT",
            "XLOG/FPW_CHANGE",
            "Transaction/COMMIT",
            "Transaction/ABORT",
            "Transaction/PREPARE",
            "Transaction/COMMIT_PREPARED",
            "Transaction/ABORT_PREPARED",
            "Transaction/ASSIGNMENT",
            "Transaction/INVALIDATION",
            "Storage/CREATE",
            "Storage/TRUNCATE",
            "CLOG/ZEROPAGE",
            "CommitTs/ZEROPAGE",
            "CommitTs/TRUNCATE",
            "MultiXact/ZERO_OFF_PAGE",
            "MultiXact/ZERO_MEM_PAGE",
            "MultiXact/CREATE_ID",
            "MultiXact/TRUNCATE_ID",
            "RelMap/UPDATE",
            "Database/DROP",
            "Tablespace/CREATE",
            "Tablespace/DROP",
            "Standby/LOCK",
            "Standby/RUNNING_XACTS",
            "Standby/INVALIDATIONS",
            "ReplicationOrigin/SET",
            "ReplicationOrigin/DROP",
            "LogicalMessage/MESSAGE");

    /** What one server's WAL comes to. */
    private static final class Derived implements AutoCloseable {
        private final Map<SlruPage, byte[]> pages = new HashMap<>();
        private final Map<Long, WalRecord> prepared = new HashMap<>();
        private final Map<Integer, byte[]> maps = new HashMap<>();
        private final Set<String> types = new TreeSet<>();
        private final ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF);
        private final List<StorageTruncation> truncations = new ArrayList<>();
        private int bitsCut;
        private @Nullable ClusterCounters counters;
        private @Nullable ClusterCounters before;
        private long last;

        private void take(WalRecord record) throws Exception {
            assertThat(RecordDescriber.describe(record))
                    .as(RecordTypes.nameOf(record))
                    .isNotNull();
            types.add(RecordTypes.nameOf(record));
            last = record.startLsn();
            before = counters;
            CommitTimestamps timestamps = CommitTimestamps.OFF;
            if (counters == null) {
                XlogRecord.Checkpoint first = (XlogRecord.Checkpoint) XlogRecord.decode(record);
                counters = new ClusterCounters(first.checkPoint(), timestamps);
            } else {
                timestamps = counters.commitTimestamps();
                counters = counters.after(record);
            }
            for (SlruChange change : SlruChanges.of(record, timestamps)) {
                switch (change) {
                    case SlruUpdate update ->
                        SlruUpdateCodec.decode(update.page(), SlruUpdateCodec.encode(update))
                                .apply(pages.computeIfAbsent(update.page(), page -> new byte[SlruKind.PAGE_SIZE]));
                    case SlruTruncation truncation ->
                        pages.keySet()
                                .removeIf(
                                        page -> page.kind() == truncation.kind() && truncation.deletes(page.segment()));
                }
            }
            if (record.resourceManagerId() == Rmgr.TRANSACTION.id()) {
                transaction(record, TransactionRecord.decode(record));
            } else if (record.resourceManagerId() == Rmgr.RELMAP.id()) {
                RelMapRecord map = RelMapRecord.decode(record);
                maps.put(map.database(), map.map());
            } else if (record.resourceManagerId() == Rmgr.STORAGE.id()
                    && StorageRecord.decode(record) instanceof StorageRecord.Truncate truncate) {
                truncate(StorageTruncation.of(truncate));
            }
            replay.apply(record);
            for (VisibilityClear clear : VisibilityClear.of(record)) {
                Page map = replay.page(clear.mapPage());
                if (map != null) {
                    clear.applyTo(map);
                }
            }
        }

        private void truncate(StorageTruncation truncation) {
            truncations.add(truncation);
            for (StorageTruncation.Edit edit : truncation.edits()) {
                Page page = replay.page(edit.page());
                if (page != null && edit.applyTo(page) && edit.page().fork() == ForkNumber.VISIBILITY_MAP) {
                    bitsCut++;
                }
            }
        }

        @Override
        public void close() {
            replay.close();
        }

        private void transaction(WalRecord record, TransactionRecord typed) {
            if (typed instanceof Prepare prepare) {
                prepared.put(Integer.toUnsignedLong(prepare.xid()), record.copy());
            } else if (typed instanceof Completion completion
                    && completion.kind().isPrepared()) {
                assertThat(prepared.remove(Integer.toUnsignedLong(completion.xid())))
                        .isNotNull();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void walSaysWhatTheFilesSay(int major) throws Exception {
        try (RecordingServer recording = RecordingServer.startWithoutPages(PostgresServer.version(major)
                        .setting("wal_level", "logical")
                        .setting("track_commit_timestamp", "on")
                        .setting("max_prepared_transactions", "10"));
                Derived derived = new Derived()) {
            RelFileNode cut = run(recording, major);
            String database = String.valueOf(cut.dbNode());
            recording.stop("fast");
            recording.readAll(derived::take);
            PostgresServer server = recording.server();
            assertThat(derived.types).as("PostgreSQL %d", major).containsAll(TYPES);
            assertThat(derived.types)
                    .contains(
                            major == 14
                                    ? new String[] {"Database/CREATE"}
                                    : new String[] {"Database/CREATE_FILE_COPY", "Database/CREATE_WAL_LOG"});
            assertThat(derived.types.contains("XLOG/CHECKPOINT_REDO")).isEqualTo(major >= 17);
            for (SlruKind kind : SlruKind.values()) {
                assertSamePages(server, derived, kind);
            }
            assertSamePrepared(server, derived);
            assertSameMap(server.dataDirectory().resolve("global"), server, derived.maps.get(0));
            assertSameMap(
                    server.dataDirectory().resolve("base/" + database),
                    server,
                    derived.maps.get(Integer.parseInt(database)));
            assertSameCounters(server, derived);
            assertTruncated(server, derived, cut);
        }
    }

    private static RelFileNode run(RecordingServer server, int major) throws SQLException {
        server.run(WORKLOAD);
        manyMultixacts(server.server());
        databases(server, major);
        server.run(List.of(
                "ALTER SYSTEM SET full_page_writes = off",
                "SELECT pg_reload_conf()",
                "UPDATE pg_database SET datallowconn = true"));
        String[] names =
                server.one("SELECT string_agg(datname, ' ') FROM pg_database").split(" ", -1);
        for (String name : names) {
            try (Connection other = server.server().connect(name);
                    Statement vacuum = other.createStatement()) {
                vacuum.execute("VACUUM (FREEZE)");
            }
        }
        server.run(List.of(
                "CHECKPOINT",
                "BEGIN; INSERT INTO t VALUES (-7, 0); SAVEPOINT a; INSERT INTO t VALUES (-8, 0);"
                        + " DROP TABLE two; CREATE TABLE four (i int); PREPARE TRANSACTION 'it''s kept'",
                "CHECKPOINT"));
        return new RelFileNode(
                1663,
                Integer.parseInt(server.one("SELECT oid FROM pg_database WHERE datname = current_database()")),
                Integer.parseInt(server.one("SELECT pg_relation_filenode('cut')")));
    }

    /** Each subtransaction of the second session makes a multixact with the first: offsets and members of several pages. */
    private static void manyMultixacts(PostgresServer server) throws SQLException {
        try (Connection first = server.connect();
                Connection second = server.connect();
                Statement a = first.createStatement();
                Statement b = second.createStatement()) {
            first.setAutoCommit(false);
            a.execute("SELECT FROM t WHERE id > 0 FOR SHARE");
            b.execute("DO $$ BEGIN FOR i IN 10..2600 LOOP BEGIN PERFORM FROM t WHERE id = i FOR SHARE;"
                    + " EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$");
            first.commit();
        }
    }

    private static void databases(RecordingServer server, int major) throws SQLException {
        Path space = server.server().dataDirectory().resolveSibling("space");
        server.run(List.of(
                "COPY (SELECT 1) TO PROGRAM 'mkdir " + space + " && cat > /dev/null'",
                "CREATE TABLESPACE space LOCATION '" + space + "'",
                "CREATE DATABASE one" + (major == 14 ? "" : " STRATEGY file_copy"),
                "CREATE DATABASE two" + (major == 14 ? "" : " STRATEGY wal_log"),
                "ALTER DATABASE two SET TABLESPACE space",
                "DROP DATABASE two",
                "DROP TABLESPACE space"));
    }

    private static void assertSamePages(PostgresServer server, Derived derived, SlruKind kind) throws IOException {
        Set<SlruPage> onDisk = new TreeSet<>((a, b) -> Integer.compare(a.pageNumber(), b.pageNumber()));
        try (Stream<Path> files = Files.list(server.dataDirectory().resolve(kind.directory()))) {
            for (Path file : files.sorted().toList()) {
                int segment = kind.parseSegmentName(file.getFileName().toString());
                assertThat(segment).as("%s", file).isNotNegative();
                byte[] bytes = Files.readAllBytes(file);
                for (int at = 0; at < bytes.length; at += SlruKind.PAGE_SIZE) {
                    SlruPage page = new SlruPage(kind, segment * SlruKind.PAGES_PER_SEGMENT + at / SlruKind.PAGE_SIZE);
                    byte[] ours = derived.pages.getOrDefault(page, new byte[SlruKind.PAGE_SIZE]);
                    int difference = Arrays.mismatch(ours, Arrays.copyOfRange(bytes, at, at + SlruKind.PAGE_SIZE));
                    assertThat(difference)
                            .as("first difference on %s of PostgreSQL %d", page, server.major())
                            .isEqualTo(-1);
                    onDisk.add(page);
                }
            }
        }
        assertThat(onDisk).as("%s", kind).hasSizeGreaterThan(1);
        assertThat(derived.pages.keySet().stream().filter(page -> page.kind() == kind && !onDisk.contains(page)))
                .as("pages that no file has, of PostgreSQL %d", server.major())
                .isEmpty();
    }

    private static void assertSamePrepared(PostgresServer server, Derived derived) throws Exception {
        PostgresVersion version = PostgresVersion.ofMajor(server.major());
        List<Path> files;
        try (Stream<Path> found = Files.list(server.dataDirectory().resolve(TwoPhaseFile.DIRECTORY))) {
            files = found.toList();
        }
        assertThat(files).hasSize(1);
        assertThat(derived.prepared).hasSize(1);
        Map.Entry<Long, WalRecord> ours = derived.prepared.entrySet().iterator().next();
        Path file = files.get(0);
        assertThat(file.getFileName().toString()).isEqualTo(TwoPhaseFile.name(version, ours.getKey()));
        assertThat(TwoPhaseFile.content(ours.getValue())).isEqualTo(Files.readAllBytes(file));
        assertThat(TwoPhaseFile.check(file.toString(), Files.readAllBytes(file)))
                .isEqualTo(ours.getKey().intValue());
        Prepare prepare = (Prepare) TransactionRecord.decode(ours.getValue());
        assertThat(prepare.gid()).isEqualTo("it's kept");
        assertThat(prepare.subXids()).hasSize(1);
        assertThat(prepare.commitDropped()).hasSize(1);
        assertThat(prepare.abortDropped()).hasSize(1);
        assertThat(prepare.invalidations()).isNotEmpty();
        assertThat(prepare.commitStatistics()).hasSize(server.major() == 14 ? 0 : 1);
    }

    private static void assertSameMap(Path directory, PostgresServer server, byte @Nullable [] ours) throws Exception {
        byte[] theirs = Files.readAllBytes(directory.resolve(RelationMap.FILE_NAME));
        PostgresVersion version = PostgresVersion.ofMajor(server.major());
        assertThat(ours).as("%s", directory).isEqualTo(theirs);
        RelationMap map = RelationMap.parse(version, theirs);
        assertThat(map.files()).hasSizeGreaterThan(10);
        assertThat(RelationMap.parse(
                                version, RelationMap.of(version, map.files()).encode())
                        .files())
                .isEqualTo(map.files());
        int pgClass = 1259;
        assertThat(map.fileOf(pgClass).isPresent()).isEqualTo(!directory.endsWith("global"));
    }

    private static void assertSameCounters(PostgresServer server, Derived derived) throws Exception {
        byte[] bytes = Files.readAllBytes(server.dataDirectory().resolve(ControlFile.PATH));
        ControlFile control = ControlFile.parse(bytes);
        assertThat(control.encode()).isEqualTo(bytes);
        assertThat(control.version().major()).isEqualTo(server.major());
        assertThat(control.state()).isEqualTo(ClusterState.SHUT_DOWN);
        assertThat(control.trackCommitTimestamp()).isTrue();
        assertThat(control.maxPreparedTransactions()).isEqualTo(10);
        assertThat(control.walSegmentSize()).isEqualTo(SEGMENT);
        assertThat(control.checkPointLocation()).isEqualTo(new Lsn(derived.last));
        ClusterCounters after = Objects.requireNonNull(derived.counters);
        CheckPoint theirs = control.checkPoint();
        assertThat(after.checkPoint()).isEqualTo(theirs);
        assertThat(after.commitTimestamps()).isEqualTo(CommitTimestamps.ON);
        CheckPoint ours = Objects.requireNonNull(derived.before).checkPoint();
        assertThat(ours.nextXid()).isEqualTo(theirs.nextXid());
        assertThat(ours.nextOid() - theirs.nextOid()).isBetween(0, 8192);
        assertThat(ours.nextMulti()).isEqualTo(theirs.nextMulti());
        assertThat(ours.nextMultiOffset()).isEqualTo(theirs.nextMultiOffset());
        assertThat(ours.oldestXid()).isEqualTo(theirs.oldestXid());
        assertThat(ours.oldestMulti()).isEqualTo(theirs.oldestMulti());
        assertThat(ours.oldestMultiDb()).isEqualTo(theirs.oldestMultiDb());
        assertThat(ours.oldestCommitTsXid()).isEqualTo(theirs.oldestCommitTsXid());
        assertThat(ours.newestCommitTsXid()).isEqualTo(theirs.newestCommitTsXid());
    }

    /** The map of a table that was cut in the middle of the map's page, as PostgreSQL left it. */
    private static void assertTruncated(PostgresServer server, Derived derived, RelFileNode cut) throws IOException {
        assertThat(derived.truncations)
                .filteredOn(truncation -> truncation.relation().equals(cut))
                .hasSizeBetween(2, 3)
                .allSatisfy(truncation -> assertThat(truncation.edits()).isNotEmpty());
        if (server.major() < 18) {
            assertThat(derived.bitsCut)
                    .as("without data checksums nothing but the truncation says so")
                    .isPositive();
        }
        byte[] theirs = Files.readAllBytes(
                server.dataDirectory().resolve("base/" + cut.dbNode() + "/" + cut.relNode() + "_vm"));
        assertThat(theirs).hasSize(8192);
        Page ours = Objects.requireNonNull(derived.replay.page(new BlockTag(cut, ForkNumber.VISIBILITY_MAP, 0)));
        assertThat(Arrays.mismatch(ours.bytes(), 24, 8192, theirs, 24, 8192)).isEqualTo(-1);
    }
}
