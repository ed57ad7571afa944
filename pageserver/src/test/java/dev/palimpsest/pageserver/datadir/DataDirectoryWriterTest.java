package dev.palimpsest.pageserver.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageChecksum;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class DataDirectoryWriterTest {
    private static final RelTag PLAIN = new RelTag(1663, 5, 16384, RelTag.MAIN);
    private static final RelTag OTHER = new RelTag(1663, 5, 16390, RelTag.MAIN);
    private static final int SEGMENT = 131072;

    private final SystemClock clock = new SystemClock();
    private final DataDirectoryWriter writer = new DataDirectoryWriter(new VirtualThreadTasks(clock), clock);
    private final TinyCluster cluster = new TinyCluster();
    private final RecordingSink sink = new RecordingSink();

    private BootPoint write() throws Exception {
        return write(DataDirectoryOptions.onTimeline(4));
    }

    private BootPoint write(DataDirectoryOptions options) throws Exception {
        return writer.write(cluster, options, sink, WriteProgress.NONE, Cancellation.NEVER);
    }

    private byte[] file(String path) {
        return Objects.requireNonNull(sink.files.get(path), path);
    }

    @Test
    void looksLikeACleanShutdown() throws Exception {
        BootPoint point = write();
        assertThat(point).isEqualTo(new BootPoint(4, Lsn.parse("0/5100028"), Lsn.parse("0/51000A0")));
        assertThat(sink.complete).isTrue();
        assertThat(sink.order.getLast()).isEqualTo("global/pg_control");
        ControlFile control = ControlFile.parse(file("global/pg_control"));
        assertThat(control.state()).isEqualTo(ClusterState.SHUT_DOWN);
        assertThat(control.checkPointLocation()).isEqualTo(point.checkpoint());
        assertThat(control.checkPoint().redo()).isEqualTo(point.checkpoint());
        assertThat(control.checkPoint().nextXid()).isEqualTo(1000);
        assertThat(control.checkPoint().timeline()).isEqualTo(4);
        assertThat(control.checkPoint().oldestActiveXid()).isZero();
        assertThat(control.checkPoint().fullPageWrites()).isOne();
        assertThat(control.minRecoveryPoint()).isEqualTo(Lsn.INVALID);
        assertThat(sink.sizes).containsEntry("pg_wal/000000040000000000000051", 1L << 20);
        assertThat(file("pg_wal/00000004.history")).asString().startsWith("3\t0/5000100\t");
        assertThat(file("base/5/PG_VERSION")).asString().isEqualTo("17\n");
        assertThat(sink.sizes).doesNotContainKey("global/PG_VERSION").containsKey("global/pg_filenode.map");
        assertThat(sink.order).contains("pg_wal/summaries/", "pg_subtrans/", "pg_logical/mappings/");
    }

    @Test
    void cutsRelationsIntoFilesAndGivesPagesChecksums() throws Exception {
        cluster.relations.put(PLAIN, SEGMENT + 300);
        cluster.relations.put(new RelTag(1663, 5, 16385, RelTag.MAIN), 0);
        write(DataDirectoryOptions.onTimeline(4).withReaders(3));
        assertThat(sink.sizes)
                .containsEntry("base/5/16384", SEGMENT * 8192L)
                .containsEntry("base/5/16384.1", 300 * 8192L)
                .containsEntry("base/5/16385", 0L)
                .doesNotContainKeys("base/5/16384.2", "base/5/16385.1");
        for (int segment = 0; segment < 2; segment++) {
            byte[] pages = file("base/5/16384" + (segment == 0 ? "" : "." + segment));
            for (int i = 0; i < 300; i++) {
                int block = segment * SEGMENT + i;
                Page page = Page.wrap(Arrays.copyOfRange(pages, i * 8192, (i + 1) * 8192));
                assertThat(page.isNew()).isEqualTo(block % 16 == 15);
                assertThat(LittleEndian.i32(page.bytes(), 4096)).isEqualTo(page.isNew() ? 0 : block);
                assertThat(page.isNew() ? page.checksum() : PageChecksum.compute(page, block))
                        .isEqualTo(page.checksum());
            }
        }
        assertThat(cluster.mostReading.get()).isBetween(1, 4);
        assertThat(cluster.reading.get()).isZero();
    }

    @Test
    void readsSmallRelationsTogether() throws Exception {
        for (int i = 0; i < 600; i++) {
            cluster.relations.put(new RelTag(1663, 5, 20000 + i, RelTag.MAIN), i % 3);
        }
        cluster.relations.put(PLAIN, 300);
        write();
        for (int i = 0; i < 600; i++) {
            byte[] pages = file("base/5/" + (20000 + i));
            assertThat(pages).hasSize(i % 3 * 8192);
            for (int block = 0; block < i % 3; block++) {
                assertThat(LittleEndian.i32(pages, block * 8192 + 4096)).isEqualTo(block);
                assertThat(LittleEndian.i32(pages, block * 8192 + 4100)).isEqualTo(20000 + i);
            }
        }
        assertThat(file("base/5/16384")).hasSize(300 * 8192);
        assertThat(cluster.reads).hasSize(4);
    }

    @Test
    void countsBlocksWithoutSign() throws Exception {
        List<RelationFile> files = RelationFile.of(
                PostgresVersion.V17,
                List.of(new ClusterAt.Relation(PLAIN, -2), new ClusterAt.Relation(OTHER, 2 * SEGMENT)));
        assertThat(files).hasSize(32768 + 2);
        assertThat(files.get(32767)).isEqualTo(new RelationFile("base/5/16384.32767", PLAIN, -SEGMENT, SEGMENT - 2));
        assertThat(files.get(32768)).isEqualTo(new RelationFile("base/5/16390", OTHER, 0, SEGMENT));
        assertThat(files.get(32769)).isEqualTo(new RelationFile("base/5/16390.1", OTHER, SEGMENT, SEGMENT));
    }

    @Test
    void writesNoChecksumsWhereThereAreNone() throws Exception {
        cluster.checksumVersion = 0;
        cluster.relations.put(PLAIN, 2);
        write();
        assertThat(LittleEndian.u16(file("base/5/16384"), 8)).isZero();
        assertThat(LittleEndian.u16(file("base/5/16384"), 8192 + 8)).isZero();
    }

    @Test
    void resetsUnloggedRelations() throws Exception {
        for (int fork = 0; fork <= 3; fork++) {
            cluster.relations.put(new RelTag(1663, 5, 16384, fork), fork == 3 ? 2 : 7);
            cluster.relations.put(new RelTag(1663, 5, 16385, fork == 3 ? 0 : fork), 1);
        }
        cluster.relations.put(new RelTag(1663, 5, 16386, RelTag.INIT), 0);
        write();
        assertThat(sink.sizes)
                .containsEntry("base/5/16384", 2 * 8192L)
                .containsEntry("base/5/16384_init", 2 * 8192L)
                .containsEntry("base/5/16386", 0L)
                .containsEntry("base/5/16386_init", 0L)
                .containsKeys("base/5/16385", "base/5/16385_fsm", "base/5/16385_vm")
                .doesNotContainKeys("base/5/16384_fsm", "base/5/16384_vm");
        assertThat(file("base/5/16384")).isEqualTo(file("base/5/16384_init"));
        assertThat(LittleEndian.i32(file("base/5/16384"), 4104)).isEqualTo(RelTag.INIT);
    }

    @Test
    void givesTablespacesElsewhereFirst() throws Exception {
        cluster.tablespaces.put(16390, "/on/the/primary");
        cluster.tablespaces.put(16391, "/other");
        cluster.relations.put(new RelTag(16390, 5, 1, 0), 1);
        cluster.relations.put(new RelTag(16391, 5, 2, 0), 1);
        write(DataDirectoryOptions.onTimeline(4).withTablespaces(new TreeMap<>(Map.of(16390, "/here", 7, "/unused"))));
        assertThat(sink.order.subList(0, 4))
                .containsExactly(
                        "tablespace 16390 /here",
                        "pg_tblspc/16390/PG_17_202406281/",
                        "pg_tblspc/16390/PG_17_202406281/5/",
                        "pg_tblspc/16390/PG_17_202406281/5/1");
        assertThat(sink.order).contains("pg_tblspc/16391/", "pg_tblspc/16391/PG_17_202406281/5/2");
        assertThat(sink.order).doesNotContain("pg_tblspc/16390/", "pg_tblspc/16390/PG_17_202406281/PG_VERSION");
    }

    @Test
    void saysWhichBlocksCannotBeRead() {
        cluster.relations.put(PLAIN, 1000);
        cluster.missingBlock = 600;
        assertThatThrownBy(this::write)
                .isInstanceOf(MissingKeyException.class)
                .hasMessage("relation 1663/5/16384 blocks 512 to 767 at 0/5000100: no image of block 600");
        assertThat(cluster.reading.get()).isZero();
        assertThat(sink.complete).isFalse();
        assertThat(sink.sizes).doesNotContainKey("global/pg_control");
    }

    @Test
    void saysWhichOfManyRelationsCannotBeRead() {
        cluster.relations.put(PLAIN, 3);
        cluster.relations.put(OTHER, 8);
        cluster.missingBlock = 7;
        assertThatThrownBy(this::write)
                .isInstanceOf(MissingKeyException.class)
                .hasMessage("relation 1663/5/16390 blocks 0 to 7 at 0/5000100: no image of block 7");
    }

    @Test
    void refusesPagesOfTheFuture() {
        cluster.relations.put(PLAIN, 2);
        cluster.pageLsn = TinyCluster.LSN.plus(8);
        assertThatThrownBy(this::write)
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("relation 1663/5/16384 block 0")
                .hasMessageContaining("0/5000108");
    }

    @Test
    void stopsWhenCancelled() {
        cluster.relations.put(PLAIN, 100000);
        Cancellation cancellation = new Cancellation();
        assertThatThrownBy(() -> writer.write(
                        cluster,
                        DataDirectoryOptions.onTimeline(4),
                        sink,
                        (done, total) -> {
                            if (done > 1 << 20) {
                                cancellation.cancel();
                            }
                        },
                        cancellation))
                .isInstanceOf(CancelledException.class);
        assertThat(cluster.reading.get()).isZero();
        assertThat(sink.complete).isFalse();
    }

    @Test
    void wantsATimelineOfItsOwn() throws Exception {
        assertThatThrownBy(() -> write(DataDirectoryOptions.onTimeline(3)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("timeline 3");
        cluster.files.put("pg_wal/00000004.history", new byte[0]);
        assertThatThrownBy(this::write)
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("used before");
        cluster.files.put("pg_wal/00000003.history", "1\t0/28\tx\n".getBytes(StandardCharsets.UTF_8));
        write(DataDirectoryOptions.onTimeline(-1));
        assertThat(file("pg_wal/FFFFFFFF.history")).asString().startsWith("1\t0/28\tx\n3\t0/5000100\t");
        assertThat(sink.sizes).containsKey("pg_wal/00000003.history");
    }

    @Test
    void refusesStateThatContradictsItself() {
        cluster.prepared.put(1000L, prepared(1000));
        assertThatThrownBy(this::write)
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("pg_twophase/00000000000003E8");
        cluster.prepared.clear();
        cluster.prepared.put(998L, prepared(999));
        assertThatThrownBy(this::write).isInstanceOf(CorruptionException.class).hasMessageContaining("999");
        cluster.prepared.clear();
        cluster.files.put("../../etc/passwd", new byte[0]);
        assertThatThrownBy(this::write).isInstanceOf(CorruptionException.class).hasMessageContaining("/etc/passwd");
        assertThat(sink.order).isEmpty();
    }

    @Test
    void writesPreparedTransactionsAndOrigins() throws Exception {
        cluster.prepared.put(998L, prepared(998));
        cluster.origins.put(1, Lsn.parse("0/77"));
        write();
        assertThat(sink.sizes)
                .containsEntry("pg_twophase/00000000000003E6", 76L)
                .containsEntry("pg_logical/replorigin_checkpoint", 24L);
        assertThat(file("palimpsest.conf")).asString().contains("max_prepared_transactions = '1'");
    }

    private static byte[] prepared(int xid) {
        byte[] state = new byte[72];
        LittleEndian.putI32(state, 0, 0x57F94534);
        LittleEndian.putI32(state, 4, 76);
        LittleEndian.putI32(state, 8, xid);
        return state;
    }
}
