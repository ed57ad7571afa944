package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.adopt.AdoptException;
import dev.palimpsest.pageserver.adopt.AdoptPlan;
import dev.palimpsest.pageserver.datadir.BackupManifest;
import dev.palimpsest.pageserver.datadir.TarSink;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Base backups and archives of real servers, adopted. PostgreSQL itself says what must come out. */
class AdoptTest {
    private static final Path DEBIAN = Path.of("/usr/lib/postgresql");

    private static byte[] archive(Path backup, List<Path> wal, Moment to) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Lsn until = to instanceof Moment.AtLsn(Lsn lsn) ? lsn : null;
        try (AdoptPlan plan = AdoptPlan.of(backup, wal, until, to instanceof Moment.AtTime)) {
            plan.send(out, () -> false);
        }
        return out.toByteArray();
    }

    private static AttachProgress adopt(BranchHost host, String name, Path backup, List<Path> wal, Moment to)
            throws Exception {
        return host.branches()
                .adopt(name, to, RetentionOverride.NONE, new ByteArrayInputStream(archive(backup, wal, to)));
    }

    private static String rows(BranchHost host, String branch) throws Exception {
        EndpointView endpoint = host.branches().startEndpoint(branch, 0, null);
        try (Connection connection = BranchHost.on(endpoint).connect("postgres");
                Statement statement = connection.createStatement()) {
            return ClusterContents.rows(statement, "SELECT count(*), max(id), (SELECT count(*) FROM fleeting) FROM t")
                    .getFirst()
                    .toString();
        } finally {
            host.branches().stopEndpoint(branch);
        }
    }

    private static void assertEveryPage(BranchHost host, String branch, PostgresServer stopped) throws Exception {
        DirectoryComparison.Result result =
                host.branches().verify(branch, stopped.dataDirectory(), PageComparison.Server.PRIMARY);
        assertThat(result.differences()).as(branch).isEmpty();
        assertThat(result.pages()).isGreaterThan(800);
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16, 17, 18})
    void aBackupAndItsArchiveBecomeABranchInEveryVersion(int major, @TempDir Path directory) throws Exception {
        backupAndArchive(major, directory);
    }

    private static void backupAndArchive(int major, Path directory) throws Exception {
        try (BackedUpServer primary = new BackedUpServer(major);
                BranchHost host = new BranchHost(Files.createDirectory(directory.resolve("store")), major)) {
            primary.insert(1, 1000);
            Path plain = primary.backup(directory.resolve("plain"), 1001);
            Lsn middle = primary.insert(1201, 2000);
            Instant between = Instant.parse(primary.query(
                    "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC'," + " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"));
            primary.insert(2001, 12000);
            primary.switchWal();
            primary.insert(12001, 13000);
            Path tar = tarBackup(primary, major, directory.resolve("tar"));
            primary.insert(13001, 14000);
            primary.server().stop("fast");
            List<Path> wal = List.of(primary.archive(), primary.server().walDirectory());

            AttachProgress adopted = adopt(host, "all", plain, wal, Moment.LATEST);
            assertThat(adopted.failure()).isNull();
            assertThat(adopted.done()).isTrue();
            assertEveryPage(host, "all", primary.server());
            host.branches().create("earlier", "all", new Moment.AtLsn(middle));
            assertThat(rows(host, "earlier")).isEqualTo("[2000, 2000, 0]");
            assertThat(rows(host, "all")).isEqualTo("[14000, 14000, 0]");

            adopt(host, "middle", plain, wal, new Moment.AtLsn(middle));
            assertThat(host.branches().view("middle").lastRecordLsn()).isEqualTo(middle);
            assertThat(rows(host, "middle")).isEqualTo("[2000, 2000, 0]");
            adopt(host, "between", plain, wal, new Moment.AtTime(between));
            assertThat(rows(host, "between")).isEqualTo("[2000, 2000, 0]");

            adopt(host, "stopped", primary.server().dataDirectory(), List.of(), Moment.LATEST);
            assertEveryPage(host, "stopped", primary.server());
            if (tar != null) {
                adopt(host, "tar", tar, wal, Moment.LATEST);
                assertEveryPage(host, "tar", primary.server());
                adopt(host, "alone", tar, List.of(), Moment.LATEST);
                assertThat(rows(host, "alone")).isEqualTo("[13000, 13000, 0]");
            }
            roundTrip(host, major, directory);
            damages(host, plain, primary, directory);
        }
    }

    /** With Debian's programs, if they are of this version or a later one; null if not. */
    private static @Nullable Path tarBackup(BackedUpServer primary, int major, Path target) throws Exception {
        for (int version = major; version <= 18; version++) {
            Path program = DEBIAN.resolve(version + "/bin/pg_basebackup");
            if (Files.isExecutable(program)) {
                BackedUpServer.run(
                        program.toString(),
                        "-h",
                        "127.0.0.1",
                        "-p",
                        Integer.toString(primary.server().port()),
                        "-U",
                        PostgresServer.USER,
                        "-D",
                        target.toString(),
                        "-Ft",
                        "-z",
                        "-X",
                        "stream",
                        "-c",
                        "fast");
                return target;
            }
        }
        return null;
    }

    private static void roundTrip(BranchHost host, int major, Path directory) throws Exception {
        Path file = directory.resolve("restored.tar");
        try (TarSink sink = new TarSink(_ -> Files.newOutputStream(file), Instant.EPOCH)) {
            host.branches().restore("middle", Moment.LATEST, BackupManifest.INCLUDED, sink);
        }
        Path unpacked = Files.createDirectory(directory.resolve("unpacked"));
        BackedUpServer.run("tar", "-xf", file.toString(), "-C", unpacked.toString());
        assertThat(unpacked.resolve("backup_manifest")).exists();
        Path verify = DEBIAN.resolve("15/bin/pg_verifybackup");
        if (Files.isExecutable(verify)) {
            // The records of WAL are only read by the program of the same version.
            boolean same = major == 15;
            if (major <= 16) {
                assertThat(
                                same
                                        ? BackedUpServer.run(verify.toString(), unpacked.toString())
                                        : BackedUpServer.run(verify.toString(), "-n", unpacked.toString()))
                        .contains("successfully verified");
            }
        }
        adopt(host, "again", file, List.of(), Moment.LATEST);
        assertThat(rows(host, "again")).isEqualTo("[2000, 2000, 0]");
    }

    private static void damages(BranchHost host, Path plain, BackedUpServer primary, Path directory) throws Exception {
        List<String> before =
                host.branches().list().stream().map(BranchView::name).toList();
        assertThatThrownBy(() -> AdoptPlan.of(plain, List.of(), null, false))
                .isInstanceOf(AdoptException.class)
                .hasMessageMatching("WAL segment [0-9A-F]{24}, with which the backup's WAL begins at .* --wal");

        Path gap = Files.createDirectory(directory.resolve("gap"));
        List<Path> archived = primary.archived();
        for (Path segment : archived) {
            Files.copy(segment, gap.resolve(segment.getFileName()));
        }
        Path missing = archived.get(archived.size() - 2).getFileName();
        Files.delete(gap.resolve(missing));
        assertThatThrownBy(() -> AdoptPlan.of(plain, List.of(gap), null, false))
                .hasMessageStartingWith("WAL segment " + missing + " is not there, but ")
                .hasMessageContaining("history reaches only to ");

        byte[] all = archive(plain, List.of(primary.archive()), Moment.LATEST);
        assertThatThrownBy(() -> host.branches()
                        .adopt(
                                "cut",
                                Moment.LATEST,
                                RetentionOverride.NONE,
                                new ByteArrayInputStream(Arrays.copyOf(all, all.length / 3))))
                .isInstanceOf(BranchException.class)
                .hasMessageContaining("cut cannot be adopted");
        assertThatThrownBy(() -> host.branches()
                        .adopt(
                                "late",
                                new Moment.AtTime(Instant.parse("2100-01-01T00:00:00Z")),
                                RetentionOverride.NONE,
                                new ByteArrayInputStream(all)))
                .hasMessageContaining("it does not reach 2100-01-01T00:00:00Z");

        Path damaged = gap.resolve(archived.get(archived.size() - 3).getFileName());
        byte[] bytes = Files.readAllBytes(damaged);
        for (int i = 300_000; i < 300_100; i++) {
            bytes[i] ^= 0x55;
        }
        Files.write(damaged, bytes);
        Files.copy(archived.get(archived.size() - 2), gap.resolve(missing));
        byte[] broken = archive(plain, List.of(gap), Moment.LATEST);
        assertThatThrownBy(() -> host.branches()
                        .adopt("broken", Moment.LATEST, RetentionOverride.NONE, new ByteArrayInputStream(broken)))
                .hasMessageContaining("the WAL is damaged")
                .hasMessageContaining("but goes on in segment");

        Files.write(damaged, new byte[] {1, 2, 3, 4});
        assertThatThrownBy(() -> AdoptPlan.of(plain, List.of(gap), null, false)).hasMessageContaining("of no version");
        assertThatThrownBy(() -> AdoptPlan.of(plain, List.of(primary.archive()), new Lsn(0x100028), false))
                .hasMessageContaining("the backup is consistent from");
        Files.delete(plain.resolve("backup_label"));
        assertThatThrownBy(() -> AdoptPlan.of(plain, List.of(primary.archive()), null, false))
                .hasMessageContaining("has no backup_label");
        Files.writeString(plain.resolve("PG_VERSION"), "13\n");
        assertThatThrownBy(() -> AdoptPlan.of(plain, List.of(primary.archive()), null, false))
                .hasMessageContaining("14 to 18 can be adopted");
        assertThat(host.branches().list().stream().map(BranchView::name)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(ints = {15})
    void timelinesAreFollowed(int major, @TempDir Path directory) throws Exception {
        try (BackedUpServer primary = new BackedUpServer(major)) {
            primary.insert(1, 1000);
            Path plain = primary.backup(directory.resolve("plain"), 1001);
            primary.server().stop("fast");
            try (PostgresServer standby = primary.server().copy();
                    BranchHost host = new BranchHost(Files.createDirectory(directory.resolve("store")), major)) {
                standby.signal("standby.signal");
                standby.start();
                standby.promote();
                Lsn after = BackedUpServer.insert(standby, 1201, 2000);
                standby.stop("fast");
                List<Path> wal = List.of(primary.archive(), standby.walDirectory());
                adopt(host, "followed", plain, wal, Moment.LATEST);
                assertEveryPage(host, "followed", standby);
                host.branches().create("there", "followed", new Moment.AtLsn(after));
                assertThat(rows(host, "there")).isEqualTo("[2000, 2000, 0]");
                EndpointView endpoint = host.branches().startEndpoint("followed", 0, null);
                assertThat(Files.readString(Path.of(endpoint.directory(), "pg_wal", "00000003.history")))
                        .startsWith("1\t")
                        .contains("\n2\t");
                host.branches().stopEndpoint("followed");
            }
        }
    }
}
