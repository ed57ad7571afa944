package dev.palimpsest.postgres.rmgr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.WalLevel;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RecordTypesTest {
    @Test
    void numbersAndNamesOfManagersAreThoseOfPostgres() {
        assertThat(Rmgr.values()).hasSize(22);
        assertThat(Rmgr.of(10)).isEqualTo(Rmgr.HEAP);
        assertThat(Rmgr.of(16)).hasToString("SPGist");
        assertThat(Rmgr.of(21)).isEqualTo(Rmgr.LOGICAL_MESSAGE);
        assertThat(Rmgr.of(22)).isNull();
        assertThat(Rmgr.nameOf(128)).isEqualTo("custom128");
    }

    @Test
    void typesDifferByVersion() {
        RecordTypes v14 = RecordTypes.of(PostgresVersion.V14);
        RecordTypes v15 = RecordTypes.of(PostgresVersion.V15);
        RecordTypes v16 = RecordTypes.of(PostgresVersion.V16);
        RecordTypes v17 = RecordTypes.of(PostgresVersion.V17);
        assertThat(v14.name(4, 0x10)).isEqualTo("DROP");
        assertThat(v15.name(4, 0x10)).isEqualTo("CREATE_WAL_LOG");
        assertThat(v16.name(9, 0x30)).isEqualTo("FREEZE_PAGE");
        assertThat(v17.name(9, 0x30)).isEqualTo("PRUNE_VACUUM_CLEANUP");
        assertThat(v16.find(0, 0xE0)).isNull();
        assertThat(v17.name(0, 0xE0)).isEqualTo("CHECKPOINT_REDO");
        assertThat(v17.name(0, 0xF3)).isEqualTo("UNKNOWN (f0)");
        assertThat(v17.name(200, 0x10)).isEqualTo("UNKNOWN (10)");
    }

    @Test
    void flagsThatAreNoPartOfTheTypeGiveTheSameType() {
        RecordTypes types = RecordTypes.of(PostgresVersion.V18);
        assertThat(types.find(1, 0x82)).isSameAs(types.find(1, 0x00)).hasToString("Transaction/COMMIT");
        assertThat(types.name(10, 0x81)).isEqualTo("INSERT+INIT");
        assertThat(types.find(10, 0x90)).isNull();
        assertThat(types.find(20, 0x70)).isSameAs(types.find(20, 0));
        assertThat(types.all())
                .hasSize(RecordTypes.of(PostgresVersion.V16).all().size() + 1);
    }

    @Test
    void checkpointsReadAndWriteTheirBytes() throws Exception {
        Random random = new Random(5);
        byte[] bytes = new byte[CheckPoint.SIZE];
        random.nextBytes(bytes);
        LittleEndian.putI32(bytes, 16, 1);
        LittleEndian.putI32(bytes, 20, WalLevel.LOGICAL.number());
        LittleEndian.putI32(bytes, 60, 0);
        LittleEndian.putI32(bytes, 84, 0);
        byte[] again = new byte[CheckPoint.SIZE];
        CheckPoint.decode(PostgresVersion.V17, bytes, 0).encode(again, 0);
        assertThat(again).isEqualTo(bytes);
        assertThat(CheckPoint.decode(PostgresVersion.V16, bytes, 0).walLevel()).isNull();
    }

    @Test
    void xlogRecordsAreTyped() throws Exception {
        byte[] end = new byte[24];
        LittleEndian.putI32(end, 8, 4);
        LittleEndian.putI32(end, 12, 3);
        LittleEndian.putI32(end, 16, 2);
        assertThat(xlog(PostgresVersion.V18, 0x90, end))
                .hasToString("tli 4; prev tli 3; time 2000-01-01T00:00:00Z; wal_level logical");
        assertThat(xlog(PostgresVersion.V16, 0x90, end)).hasToString("tli 4; prev tli 3; time 2000-01-01T00:00:00Z");
        assertThat(xlog(PostgresVersion.V18, 0x30, new byte[] {-1, -1, -1, -1})).hasToString("4294967295");
        byte[] point = new byte[72];
        point[8] = 'h';
        point[9] = 'i';
        assertThat(xlog(PostgresVersion.V14, 0x70, point)).hasToString("hi");
        byte[] checkPoint = new byte[CheckPoint.SIZE];
        LittleEndian.putI64(checkPoint, 0, 0x1000028);
        LittleEndian.putI64(checkPoint, 24, 1L << 32 | 1000);
        assertThat(xlog(PostgresVersion.V17, 0x10, checkPoint).toString())
                .startsWith("redo 0/1000028; tli 0; prev tli 0; fpw false; wal_level minimal; xid 1:1000; ")
                .endsWith("; online");
        for (int code = 0; code <= 0xF0; code += 0x10) {
            boolean known = RecordTypes.of(PostgresVersion.V18).find(0, code) != null;
            int opcode = code;
            if (known) {
                assertThat(xlog(PostgresVersion.V18, code, new byte[100])).isNotNull();
            } else {
                assertThatThrownBy(() -> xlog(PostgresVersion.V18, opcode, new byte[100]))
                        .isInstanceOf(MalformedRecordException.class);
            }
        }
        assertThatThrownBy(() -> xlog(PostgresVersion.V16, 0xE0, new byte[100]))
                .isInstanceOf(MalformedRecordException.class);
        assertThatThrownBy(() -> xlog(PostgresVersion.V16, 0x00, new byte[87]))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("main data: 88 bytes");
    }

    @Test
    void everyRecordCanBeDescribed() throws Exception {
        Page page = new Page();
        page.initialize(0);
        WalRecord record = new RecordBuilder(PostgresVersion.V18, 200, 0x20)
                .block(0, new RelFileNode(1663, 5, 7), 3)
                .willInit()
                .image(page, RecordBuilder.ImageUse.COMPARE, ImageCompression.NONE)
                .main((byte) 1)
                .decoded(8, 64);
        assertThat(RecordTypes.nameOf(record)).isEqualTo("custom200/UNKNOWN (20)");
        assertThat(RecordDescriber.describe(record)).isEqualTo("1 bytes of main data");
        assertThat(RecordDescriber.describeBlocks(record))
                .isEqualTo(
                        "blkref #0: rel 1663/5/7 blk 3 INIT FPW for WAL verification (24 bytes, hole of 8168 at 24)");
    }

    private static XlogRecord xlog(PostgresVersion version, int info, byte[] main) throws MalformedRecordException {
        return XlogRecord.decode(new RecordBuilder(version, 0, info).main(main).decoded(8, 64));
    }
}
