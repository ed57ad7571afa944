package dev.palimpsest.pageserver.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.datadir.DirectorySink.Durability;
import dev.palimpsest.pageserver.datadir.DirectorySink.Owner;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageChecksum;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.testkit.PostgresServer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Data directories made of the pages of a server that was shut down; unmodified servers boot from them. The last server's
 * own directory is the oracle: its files must be the same, and everything that SQL shows.
 */
class DataDirectoryBootTest {
    /** What would stop a server from booting elsewhere, or do harm. */
    private static final String HOSTILE = """
            data_directory = '/nonexistent/data'
            hba_file = '/nonexistent/pg_hba.conf'
            ident_file='/nonexistent/pg_ident.conf'
            external_pid_file = '/nonexistent/pid'
            include 'absent.conf'
            include_dir '/nonexistent/conf.d'
            unix_socket_directories = '/nonexistent'
            unix_socket_group = 'nonexistent'
            listen_addresses = '203.0.113.1'
            archive_mode = on
            archive_command = 'false'
            ssl = on
            ssl_cert_file = '/nonexistent/cert.pem'
            synchronous_standby_names = 'somebody'
            logging_collector = on
            log_directory = '/nonexistent/log'
            primary_conninfo = 'host=nonexistent'
            recovery_target_name = 'x'
            recovery_target_xid = '5'
            huge_pages = on
            max_replication_slots = 0
            """;

    private final SystemClock clock = new SystemClock();
    private final DataDirectoryWriter writer = new DataDirectoryWriter(new VirtualThreadTasks(clock), clock);
    private Path scratch = Path.of("");

    @BeforeEach
    void makeScratch() throws Exception {
        scratch = Files.createTempDirectory("palimpsest-datadir-");
        Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @AfterEach
    void deleteScratch() throws Exception {
        try (Stream<Path> paths = Files.walk(scratch)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static @Nullable Owner owner() {
        return PostgresServer.owner().map(o -> new Owner(o.uid(), o.gid())).orElse(null);
    }

    private static PostgresServer source(int major) {
        PostgresServer.Builder builder = PostgresServer.version(major)
                .setting("max_prepared_transactions", "7")
                .setting("track_commit_timestamp", "on")
                .setting("wal_level", "logical")
                .setting("autovacuum", "off");
        if (major == 16) {
            builder.initdbOption("--wal-segsize=1");
        }
        if (major == 18) {
            builder.initdbOption("--no-data-checksums");
        }
        return builder.start();
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void bootsWithEverything(int major) throws Exception {
        Path tablespace = Files.createDirectory(scratch.resolve("tablespace"));
        if (owner() != null) {
            Files.setAttribute(
                    tablespace, "unix:uid", Objects.requireNonNull(owner()).uid());
        }
        try (PostgresServer source = source(major)) {
            BootWorkload.run(source, tablespace);
            SortedMap<String, String> contents = BootWorkload.contents(source);
            source.stop("fast");
            OfflineCluster original = new OfflineCluster(source.dataDirectory());
            bootsAsItIs(major, original, contents);
            bootsWithChecksums(major, original, contents, source.dataDirectory());
        }
    }

    /** Without checksums, tablespaces within the data directory, to a directory. */
    private void bootsAsItIs(int major, OfflineCluster original, SortedMap<String, String> contents) throws Exception {
        int port = PostgresServer.freePort();
        Path directory = scratch.resolve("made/plain");
        DataDirectoryOptions options =
                DataDirectoryOptions.onTimeline(5).withSettings(Map.of("port", Integer.toString(port), "fsync", "off"));
        ClusterAt hostile = new ForwardingCluster(original) {
            @Override
            public SortedMap<String, byte[]> files() throws dev.palimpsest.storage.StorageException {
                SortedMap<String, byte[]> files = super.files();
                byte[] plain = Objects.requireNonNull(files.get("postgresql.conf"));
                files.put("postgresql.conf", concat(plain, HOSTILE.getBytes(StandardCharsets.UTF_8)));
                files.put(
                        "postgresql.auto.conf", "listen_addresses = '203.0.113.2'\n".getBytes(StandardCharsets.UTF_8));
                files.put("standby.signal", new byte[0]);
                files.put("backup_label", new byte[] {1});
                return files;
            }
        };
        long[] seen = new long[2];
        BootPoint point;
        try (DirectorySink sink = new DirectorySink(directory, owner(), Durability.SYNCED)) {
            point = writer.write(
                    hostile,
                    options,
                    sink,
                    (done, total) -> {
                        seen[0] = done;
                        seen[1] = total;
                    },
                    Cancellation.NEVER);
        }
        assertThat(seen[0]).isEqualTo(seen[1]).isGreaterThan(10 << 20);
        int segment = original.control().walSegmentSize();
        assertThat(point.checkpoint().value() % segment).isEqualTo(40);
        assertThat(point.checkpoint().isBefore(original.lsn())).isFalse();
        assertThat(point.checkpoint().bytesSince(original.lsn())).isBetween(0L, (long) segment + 40);
        try (PostgresServer booted = PostgresServer.existing(major, directory, port)) {
            assertThat(collected(directory))
                    .contains("database system was shut down at")
                    .doesNotContain("redo");
            ClusterContents.assertSame(BootWorkload.contents(booted), contents, "booted");
            assertThat(BootWorkload.single(booted, "SELECT pg_current_wal_insert_lsn() >= '" + point.end() + "'"))
                    .isEqualTo("t");
            assertThat(BootWorkload.single(booted, "SELECT timeline_id FROM pg_control_checkpoint()"))
                    .isEqualTo("5");
            assertThat(BootWorkload.single(booted, "SHOW max_prepared_transactions"))
                    .isEqualTo("7");
            assertThat(BootWorkload.single(booted, "SELECT pg_walfile_name('" + point.end() + "')"))
                    .startsWith("00000005");
            booted.stop("fast");
            booted.start();
            assertThat(BootWorkload.single(booted, "SELECT count(*) FROM plain"))
                    .isEqualTo("3200");
            booted.stop("fast");
        }
        bootedOnceMore(major, directory);
    }

    /** What the server's logging collector wrote, to the place it was moved to. */
    private static String collected(Path directory) throws Exception {
        StringBuilder log = new StringBuilder();
        try (Stream<Path> files = Files.list(directory.resolve("log"))) {
            for (Path file : files.toList()) {
                log.append(Files.readString(file));
            }
        }
        return log.toString();
    }

    /** The parent's history is carried on. */
    private void bootedOnceMore(int major, Path directory) throws Exception {
        OfflineCluster second = new OfflineCluster(directory);
        int port = PostgresServer.freePort();
        DataDirectoryOptions options =
                DataDirectoryOptions.onTimeline(6).withSettings(Map.of("port", Integer.toString(port), "fsync", "off"));
        Path child = scratch.resolve("child");
        try (DirectorySink sink = new DirectorySink(child, owner(), Durability.NONE)) {
            assertThatThrownBy(() -> writer.write(
                            second, DataDirectoryOptions.onTimeline(5), sink, WriteProgress.NONE, Cancellation.NEVER))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("on 5 already");
            writer.write(second, options, sink, WriteProgress.NONE, Cancellation.NEVER);
        }
        assertThat(Files.readString(child.resolve("pg_wal/00000006.history")))
                .startsWith(Files.readString(directory.resolve("pg_wal/00000005.history")))
                .contains("\n5\t" + second.lsn() + "\t");
        try (PostgresServer booted = PostgresServer.existing(major, child, port)) {
            assertThat(BootWorkload.single(booted, "SELECT count(*) FROM plain"))
                    .isEqualTo("3200");
        }
    }

    /** As if the cluster had had checksums, and the next transaction id was rounded up; through tar; checked to the bottom. */
    private void bootsWithChecksums(int major, OfflineCluster original, SortedMap<String, String> contents, Path source)
            throws Exception {
        ClusterAt withChecksums = new ForwardingCluster(original) {
            @Override
            public byte[] controlFile() {
                return original.control().withDataChecksumVersion(1).encode();
            }

            @Override
            public CheckPoint checkPoint() throws dev.palimpsest.storage.StorageException {
                CheckPoint c = super.checkPoint();
                byte[] bytes = new byte[CheckPoint.SIZE];
                c.encode(bytes, 0);
                dev.palimpsest.postgres.LittleEndian.putI64(bytes, 24, (c.nextXid() | 1023) + 1);
                return CheckPoint.decode(version(), bytes, 0);
            }
        };
        int port = PostgresServer.freePort();
        TreeMap<Integer, String> elsewhere = new TreeMap<>();
        int oid = original.tablespaces().firstKey();
        elsewhere.put(oid, scratch.resolve("moved").toString());
        DataDirectoryOptions options = DataDirectoryOptions.onTimeline(2)
                .withTablespaces(elsewhere)
                .withReaders(4)
                .withSettings(Map.of("port", Integer.toString(port), "fsync", "off"));
        Path directory = scratch.resolve("summed");
        SortedMap<String, byte[]> archives = tarArchives(withChecksums, options);
        assertThat(archives).containsOnlyKeys("base.tar", oid + ".tar");
        Untar.all(archives, directory, elsewhere, owner());
        sameFiles(source, directory, original);
        try (PostgresServer booted = PostgresServer.existing(major, directory, port)) {
            assertThat(booted.log())
                    .contains("database system was shut down at")
                    .doesNotContain("redo");
            ClusterContents.assertSame(BootWorkload.contents(booted), contents, "booted");
            assertThat(BootWorkload.single(booted, "SHOW data_checksums")).isEqualTo("on");
            ClusterContents.assertSound(booted::connect, "booted");
            goesOn(booted, original.checkPoint(), String.valueOf(contents.get("postgres large objects")));
            assertThat(booted.log()).doesNotContain("PANIC").doesNotContain("page verification failed");
        }
    }

    private SortedMap<String, byte[]> tarArchives(ClusterAt cluster, DataDirectoryOptions options) throws Exception {
        TreeMap<String, ByteArrayOutputStream> streams = new TreeMap<>();
        try (TarSink sink = new TarSink(
                name -> {
                    assertThat(streams).doesNotContainKey(name);
                    ByteArrayOutputStream stream = new ByteArrayOutputStream();
                    streams.put(name, stream);
                    return stream;
                },
                clock.now())) {
            writer.write(cluster, options, sink, WriteProgress.NONE, Cancellation.NEVER);
        }
        TreeMap<String, byte[]> archives = new TreeMap<>();
        streams.forEach((name, stream) -> archives.put(name, stream.toByteArray()));
        return archives;
    }

    /** Every file of a relation that is logged is as it was, but for checksums, which are right. */
    private static void sameFiles(Path source, Path made, OfflineCluster original) throws Exception {
        int compared = 0;
        for (ClusterAt.Database database : original.databases()) {
            List<ClusterAt.Relation> relations = original.relations(database.spcNode(), database.dbNode());
            for (RelationFile file : RelationFile.of(original.version(), relations)) {
                byte[] is = Files.readAllBytes(made.resolve(file.path()));
                verify(file.path(), is);
                String from = file.source().forkNumber() == 3 && !file.path().endsWith("_init")
                        ? file.path() + "_init"
                        : file.path();
                assertThat(withoutChecksums(is))
                        .as(file.path())
                        .isEqualTo(withoutChecksums(Files.readAllBytes(source.resolve(from))));
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(1000);
    }

    private static void verify(String path, byte[] file) {
        for (int block = 0; block < file.length / 8192; block++) {
            Page page = Page.wrap(Arrays.copyOfRange(file, block * 8192, (block + 1) * 8192));
            assertThat(PageChecksum.isValid(page, block))
                    .as(path + " block " + block)
                    .isTrue();
        }
    }

    private static byte[] withoutChecksums(byte[] file) {
        for (int at = 0; at < file.length; at += 8192) {
            file[at + 8] = 0;
            file[at + 9] = 0;
        }
        return file;
    }

    /** Prepared transactions end, unlogged relations work, and new ids are new. */
    private static void goesOn(PostgresServer server, CheckPoint before, String largeObjects) throws Exception {
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            sql.execute("SET lock_timeout = 100");
            assertThatThrownBy(() -> sql.execute("ALTER TABLE plain ADD COLUMN extra int"))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("lock timeout");
            sql.execute("RESET lock_timeout");
            sql.execute("COMMIT PREPARED 'kept one'");
            sql.execute("ROLLBACK PREPARED 'kept two'");
            assertThat(BootWorkload.rows(sql, "SELECT filler, n FROM plain WHERE filler LIKE 'kept%' ORDER BY n"))
                    .isEqualTo(List.of(List.of("kept one", "1"), List.of("kept one", "2")));
            assertThat(BootWorkload.rows(sql, "SELECT count(*) FROM volatile")).isEqualTo(List.of(List.of("0")));
            sql.execute("INSERT INTO volatile(t) SELECT 'new' FROM generate_series(1, 500)");
            sql.execute("SET enable_seqscan = off");
            assertThat(BootWorkload.rows(
                            sql, "SELECT t FROM volatile WHERE point(id, id) <@ box '((0,0),(100000,100000))' LIMIT 1"))
                    .isEqualTo(List.of(List.of("new")));
            long xid = Long.parseLong(BootWorkload.rows(sql, "SELECT pg_current_xact_id()::text")
                    .getFirst()
                    .getFirst());
            assertThat(xid).isGreaterThanOrEqualTo(before.nextXid());
            long oid = Long.parseLong(
                    BootWorkload.rows(sql, "SELECT lo_create(0)").getFirst().getFirst());
            assertThat(oid).isGreaterThanOrEqualTo(Integer.toUnsignedLong(before.nextOid()));
            assertThat(largeObjects).doesNotContain("[" + oid + ",");
            sql.execute("SELECT FROM shared FOR UPDATE");
            sql.execute("CREATE TABLE after AS SELECT * FROM plain");
            sql.execute("VACUUM FREEZE");
            sql.execute("CHECKPOINT");
        }
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }
}
