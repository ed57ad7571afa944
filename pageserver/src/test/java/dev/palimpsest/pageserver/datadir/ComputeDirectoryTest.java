package dev.palimpsest.pageserver.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.RelationMap;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.testkit.PostgresBinaries;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a compute starts from, against the reference of Neon's base backup, {@code tar} and {@code postgres}. */
class ComputeDirectoryTest {
    private static final Lsn PREVIOUS = Lsn.parse("0/50000C8");

    private final DataDirectoryWriter writer =
            new DataDirectoryWriter(new VirtualThreadTasks(new SystemClock()), new SystemClock());

    @TempDir
    private Path directory;

    /** A cluster of any version. */
    private static final class Cluster extends TinyCluster {
        private final PostgresVersion version;

        Cluster(PostgresVersion version) {
            this.version = version;
        }

        @Override
        public PostgresVersion version() {
            return version;
        }

        @Override
        public byte[] controlFile() {
            byte[] file = super.controlFile();
            int at = version == PostgresVersion.V18 ? 292 : 288;
            int[] layout = {
                204, 8, 216, 8192, 220, 131072, 224, 8192, 228, 16 << 20, 232, 64, 236, 32, 240, 1996, 244, 2048
            };
            for (int i = 0; i < layout.length; i += 2) {
                LittleEndian.putI32(file, layout[i], layout[i + 1]);
            }
            LittleEndian.putI64(file, 208, Double.doubleToLongBits(1234567));
            file[248] = 1;
            Arrays.fill(file, 288, 296, (byte) 0);
            CRC32C crc = new CRC32C();
            crc.update(file, 0, at);
            LittleEndian.putI32(file, at, (int) crc.getValue());
            return file;
        }

        @Override
        public List<SlruSegment> slruSegments(SlruKind kind) {
            return kind == SlruKind.COMMIT_TIMESTAMPS ? List.of() : List.of(new SlruSegment(0, 1));
        }

        @Override
        public byte[] readSlruSegment(SlruKind kind, SlruSegment segment) {
            byte[] pages = super.readSlruSegment(kind, segment);
            Arrays.fill(pages, (byte) (kind.number() + 1));
            return pages;
        }
    }

    private byte[] archive(TinyCluster cluster, PreviousRecord previous) throws StorageException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarSink sink = TarSink.likeNeons(out, Instant.ofEpochSecond(1_700_000_000))) {
            writer.writeForCompute(cluster, previous, sink, new Cancellation());
        }
        return out.toByteArray();
    }

    /** Names, to which the reader adds a slash for directories, and contents, in the order of the archive. */
    private static Map<String, byte[]> entries(byte[] archive) throws Exception {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(new ByteArrayInputStream(archive))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                assertThat(entry.getMode() & 0777).isEqualTo(entry.isDirectory() ? 0755 : 0600);
                assertThat(entry.getLongUserId()).isZero();
                assertThat(entry.getLongGroupId()).isZero();
                assertThat(entry.getLastModifiedDate()).isEqualTo(Instant.ofEpochSecond(1_700_000_000));
                entries.put(entry.getName(), tar.readAllBytes());
            }
        }
        return entries;
    }

    private static byte[] content(Map<String, byte[]> entries, String name) {
        return Objects.requireNonNull(entries.get(name), name);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @EnumSource(PostgresVersion.class)
    void everythingIsWhereNeonsComputeExpectsIt(PostgresVersion version) throws Exception {
        Cluster cluster = new Cluster(version);
        cluster.relations.put(new RelTag(1663, 5, 16384, RelTag.MAIN), 7);
        cluster.relations.put(new RelTag(1663, 5, 16385, RelTag.MAIN), 7);
        cluster.relations.put(new RelTag(1663, 5, 16385, RelTag.INIT), 1);
        cluster.files.put("postgresql.conf", text("shared_buffers = 1GB"));
        byte[] archive = archive(cluster, new PreviousRecord.At(PREVIOUS));
        Map<String, byte[]> entries = entries(archive);

        List<String> expected = new ArrayList<>(List.of("global/", "pg_wal/archive_status/"));
        if (version.isAtLeast(PostgresVersion.V17)) {
            expected.add("pg_wal/summaries/");
        }
        expected.addAll(List.of(
                "pg_commit_ts/",
                "pg_dynshmem/",
                "pg_notify/",
                "pg_serial/",
                "pg_snapshots/",
                "pg_subtrans/",
                "pg_twophase/",
                "pg_multixact/",
                "pg_multixact/members/",
                "pg_multixact/offsets/",
                "base/",
                "base/1/",
                "pg_replslot/",
                "pg_tblspc/",
                "pg_stat/",
                "pg_stat_tmp/",
                "pg_xact/",
                "pg_logical/",
                "pg_logical/snapshots/",
                "pg_logical/mappings/",
                "pg_hba.conf",
                "pg_ident.conf",
                "postgresql.auto.conf",
                "pg_xact/0000",
                "pg_multixact/members/0000",
                "pg_multixact/offsets/0000",
                "PG_VERSION",
                "global/pg_filenode.map",
                "base/5/",
                "base/5/PG_VERSION",
                "base/5/pg_filenode.map",
                "base/5/16385",
                "base/5/16385_init",
                "neon.signal",
                "zenith.signal",
                "global/pg_control",
                "pg_wal/000000030000000000000005"));
        assertThat(entries.keySet()).containsExactlyElementsOf(expected);
        assertThat(Arrays.copyOf(archive, 108)).startsWith(text("global\0")).endsWith(text("0000755 "));

        String major = version.major() + (version.major() < 16 ? "" : "\n");
        byte[] map = RelationMap.of(version, Map.of(1259, 1259)).encode();
        assertThat(entries)
                .containsEntry("pg_ident.conf", new byte[0])
                .containsEntry("postgresql.auto.conf", new byte[0])
                .containsEntry("PG_VERSION", text(major))
                .containsEntry("base/5/PG_VERSION", text(major))
                .containsEntry("global/pg_filenode.map", map)
                .containsEntry("base/5/pg_filenode.map", map)
                .containsEntry("neon.signal", text("PREV LSN: 0/50000C8"))
                .containsEntry("zenith.signal", text("PREV LSN: 0/50000C8"));
        assertThat(map).hasSize(version.isAtLeast(PostgresVersion.V16) ? 524 : 512);
        assertThat(content(entries, "pg_xact/0000")).hasSize(8192).containsOnly(SlruKind.XACT.number() + 1);
        assertThat(content(entries, "pg_multixact/members/0000"))
                .hasSize(8192)
                .containsOnly(SlruKind.MULTIXACT_MEMBERS.number() + 1);
        assertThat(content(entries, "base/5/16385")).hasSize(8192).isEqualTo(content(entries, "base/5/16385_init"));
        checkControlFile(version, content(entries, "global/pg_control"));
        byte[] wal = content(entries, "pg_wal/000000030000000000000005");
        assertThat(wal).hasSize(16 << 20);
        assertThat(HexFormat.of().formatHex(wal, 0, 48))
                .isEqualTo(String.format("%02x%02x", version.walMagic() & 0xFF, version.walMagic() >> 8) + "0300"
                        + "03000000" + "0000000500000000" + "d8000000" + "00000000" + "71605f4e3d2c1b6a" + "00000001"
                        + "00200000" + "0000000000000000");
        assertThat(Arrays.copyOfRange(archive, archive.length - 1024, archive.length))
                .as("the end of the archive")
                .containsOnly(0);
        unpack(version, archive);
    }

    private static void checkControlFile(PostgresVersion version, byte[] bytes) throws Exception {
        assertThat(bytes).hasSize(8192);
        ControlFile control = ControlFile.parse(bytes);
        assertThat(control.version()).isEqualTo(version);
        assertThat(control.systemIdentifier()).isEqualTo(0x6A1B2C3D4E5F6071L);
        assertThat(control.state()).isEqualTo(ClusterState.SHUT_DOWN);
        assertThat(control.checkPointLocation()).isEqualTo(Lsn.INVALID);
        assertThat(control.checkPoint().redo()).isEqualTo(TinyCluster.LSN);
        assertThat(control.checkPoint().nextXid()).isEqualTo(1000);
        assertThat(control.checkPoint().timeline()).isEqualTo(3);
        assertThat(control.minRecoveryPoint()).isEqualTo(Lsn.INVALID);
        assertThat(Arrays.copyOfRange(bytes, 296, 8192)).containsOnly(0);
    }

    /** As an administrator would; PostgreSQL itself reads the control file, to say that there are checksums (as of 15). */
    private void unpack(PostgresVersion version, byte[] archive) throws Exception {
        Path file = Files.write(directory.resolve("backup.tar"), archive);
        Path target = Files.createDirectory(directory.resolve("data"));
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwx------"));
        run("tar", "-xf", file.toString(), "-C", target.toString());
        assertThat(target.resolve("global/pg_control")).hasSize(8192);
        if (version.isAtLeast(PostgresVersion.V15)) {
            Files.createFile(target.resolve("postgresql.conf"));
            String server =
                    PostgresBinaries.of(version.major()).program("postgres").toString();
            assertThat(run(server, "-C", "data_checksums", "-D", target.toString()))
                    .isEqualTo("on\n");
        }
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    @Test
    void aBranchThatBeginsThereSaysSoAndOneThatDoesNotKnowToo() throws Exception {
        Cluster cluster = new Cluster(PostgresVersion.V17);
        assertThat(entries(archive(cluster, new PreviousRecord.None())))
                .containsEntry("neon.signal", text("PREV LSN: none"))
                .containsEntry("zenith.signal", text("PREV LSN: none"));
        assertThat(entries(archive(cluster, new PreviousRecord.Unknown())))
                .containsEntry("zenith.signal", text("PREV LSN: invalid"));
    }

    @Test
    void preparedTransactionsOriginsAndHistoriesAreCarriedAlong() throws Exception {
        Cluster cluster = new Cluster(PostgresVersion.V16);
        byte[] state = new byte[64];
        LittleEndian.putI32(state, 0, 0x57F94534);
        LittleEndian.putI32(state, 4, 68);
        LittleEndian.putI32(state, 8, 900);
        cluster.prepared.put(900L, state);
        cluster.origins.putAll(new TreeMap<>(Map.of(3, Lsn.parse("1/20"))));
        cluster.files.put("pg_wal/00000003.history", text("2\t0/4000000\tbefore\n"));
        Map<String, byte[]> entries = entries(archive(cluster, new PreviousRecord.Unknown()));
        List<String> names = new ArrayList<>(entries.keySet());
        assertThat(names.subList(names.indexOf("pg_wal/00000003.history"), names.indexOf("neon.signal")))
                .containsExactly("pg_wal/00000003.history", "pg_twophase/00000384", "pg_logical/replorigin_checkpoint");
        byte[] file = content(entries, "pg_twophase/00000384");
        CRC32C crc = new CRC32C();
        crc.update(state);
        assertThat(file).hasSize(68).startsWith(state);
        assertThat(LittleEndian.i32(file, 64)).isEqualTo((int) crc.getValue());
        assertThat(HexFormat.of().formatHex(content(entries, "pg_logical/replorigin_checkpoint"), 0, 20))
                .isEqualTo("deda5712" + "0300000000000000" + "2000000001000000");
    }

    @Test
    void whatIsInATablespaceCannotBeHadThisWay() {
        Cluster cluster = new Cluster(PostgresVersion.V17);
        cluster.tablespaces.put(16390, "/somewhere");
        cluster.relations.put(new RelTag(16390, 5, 16400, RelTag.MAIN), 1);
        assertThatThrownBy(() -> archive(cluster, new PreviousRecord.Unknown()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("tablespace 16390");
    }

    @Test
    void anArchiveThatWasNotFinishedHasNoEnd() {
        Cluster cluster = new Cluster(PostgresVersion.V17);
        cluster.relations.put(new RelTag(1663, 5, 16385, RelTag.INIT), 3);
        cluster.missingBlock = 2;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThatThrownBy(() -> {
                    try (TarSink sink = TarSink.likeNeons(out, Instant.EPOCH)) {
                        writer.writeForCompute(cluster, new PreviousRecord.Unknown(), sink, new Cancellation());
                    }
                })
                .hasMessageContaining("no image of block 2");
        assertThat(out.toString(StandardCharsets.ISO_8859_1)).doesNotContain("pg_control");
    }
}
