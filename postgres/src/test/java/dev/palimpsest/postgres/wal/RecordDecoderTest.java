package dev.palimpsest.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RecordDecoderTest {
    private static final RelFileNode TABLE = new RelFileNode(1663, 5, 24633);

    /** A heap insert that PostgreSQL 18 wrote. */
    private static final String INSERT = "3b000000" + "15030000" + "600d000300000000" + "800a0000" + "a572c1c1"
            + "00600a00" + "7f0600000500000039600000" + "00000000" + "ff03" + "01000008180001000000" + "010008";

    @Test
    void readsAnInsertOfPostgres() throws Exception {
        byte[] bytes = HexFormat.of().parseHex(INSERT);
        WalRecord record = decode(PostgresVersion.V18, bytes);
        assertThat(bytes).hasSize(59);
        assertThat(new RecordDecoder().crc(bytes, 0, bytes.length)).isEqualTo(0xC1C172A5);
        assertThat(record.xid()).isEqualTo(789);
        assertThat(record.prevLsn()).isEqualTo(0x3000D60);
        assertThat(record.resourceManagerId()).isEqualTo(10);
        assertThat(record.opcode()).isEqualTo(0x80);
        assertThat(record.maxBlockId()).isZero();
        assertThat(record.relation(0)).isEqualTo(TABLE);
        assertThat(record.forkNumber(0)).isZero();
        assertThat(record.willInit(0)).isTrue();
        assertThat(record.hasImage(0)).isFalse();
        assertThat(record.data(0).length()).isEqualTo(10);
        assertThat(record.data(0).u16(0)).isEqualTo(1);
        assertThat(record.data(0).u16(2)).isEqualTo(0x0800);
        assertThat(record.data(0).u8(4)).isEqualTo(24);
        assertThat(record.mainData().copy(0, 3)).containsExactly(1, 0, 8);
    }

    @Test
    void readsTheTopLevelTransaction() throws Exception {
        byte[] bytes = HexFormat.of()
                .parseHex("40000000" + "16030000" + "0000000000000000" + "000a0000" + "00000000" + "00200a00"
                        + "7f0600000500000039600000" + "00000000" + "fc15030000" + "ff03" + "01000008180001000000"
                        + "010008");
        WalRecord record = decode(PostgresVersion.V17, bytes);
        assertThat(record.xid()).isEqualTo(790);
        assertThat(record.topLevelXid()).isEqualTo(789);
        assertThat(record.mainData().length()).isEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource(PostgresVersion.class)
    void readsEveryKindOfPart(PostgresVersion version) throws Exception {
        Page page = new Page();
        page.initialize(16);
        RelFileNode other = new RelFileNode(1663, 5, 7);
        byte[] main = new byte[300];
        Arrays.fill(main, (byte) 9);
        WalRecord record = new RecordBuilder(version, 11, 0x32)
                .xid(-5)
                .block(0, TABLE, 1)
                .data((byte) 1, (byte) 2)
                .block(2, TABLE, ForkNumber.VISIBILITY_MAP, -2)
                .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)
                .data((byte) 3)
                .block(32, other, 4)
                .image(page, RecordBuilder.ImageUse.COMPARE, ImageCompression.PGLZ)
                .willInit()
                .origin(17)
                .topLevelXid(99)
                .main(main)
                .decoded(800, 1600);
        assertThat(record.blockCount()).isEqualTo(3);
        assertThat(record.hasBlock(1)).isFalse();
        assertThat(record.maxBlockId()).isEqualTo(32);
        assertThat(record.relation(2)).isEqualTo(TABLE);
        assertThat(record.relation(32)).isEqualTo(other);
        assertThat(record.blockTag(2)).hasToString("1663/5/24633 vm block 4294967294");
        assertThat(record.hasAppliedImage(2)).isTrue();
        assertThat(record.imageCompression(2)).isEqualTo(ImageCompression.NONE);
        assertThat(record.hasImage(32)).isTrue();
        assertThat(record.hasAppliedImage(32)).isFalse();
        assertThat(record.imageCompression(32)).isEqualTo(ImageCompression.PGLZ);
        assertThat(record.holeLength(32)).isEqualTo(8192 - 24 - 16);
        assertThat(record.data(2).u8(0)).isEqualTo(3);
        assertThat(record.origin()).isEqualTo(17);
        assertThat(record.topLevelXid()).isEqualTo(99);
        assertThat(record.mainData().copy(0, 300)).isEqualTo(main);
        assertThat(record.checksConsistency()).isTrue();
        assertThatThrownBy(() -> record.willInit(1)).isInstanceOf(IllegalArgumentException.class);

        WalRecord copy = record.copy();
        Arrays.fill(record.bytes(), (byte) 0);
        assertThat(copy.mainData().copy(0, 300)).isEqualTo(main);
        assertThat(copy.data(0).u8(1)).isEqualTo(2);
        assertThat(copy.blockTag(32)).isEqualTo(record.blockTag(32));
    }

    @Test
    void customManagersExistSince15() throws Exception {
        byte[] bytes =
                new RecordBuilder(PostgresVersion.V15, 200, 0).main((byte) 1).build();
        assertThat(decode(PostgresVersion.V15, bytes).resourceManagerId()).isEqualTo(200);
        assertThatThrownBy(() -> decode(PostgresVersion.V14, bytes))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("resource manager 200");
        bytes[17] = 22;
        assertThatThrownBy(() -> decode(PostgresVersion.V18, bytes)).isInstanceOf(MalformedRecordException.class);
    }

    @Test
    void refusesEveryTruncation() {
        byte[] bytes = HexFormat.of().parseHex(INSERT);
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> decode(PostgresVersion.V18, cut)).isInstanceOf(MalformedRecordException.class);
            boolean endsAfterTheBlockData = length == 24 + 20 + 10;
            if (length > 24 && !endsAfterTheBlockData) {
                LittleEndian.putI32(cut, 0, length);
                assertThat(catchThrowable(() -> decode(PostgresVersion.V18, cut)))
                        .as("cut to %d, length corrected", length)
                        .isInstanceOfAny(MalformedRecordException.class);
            }
        }
    }

    @Test
    void refusesABlockInTheSameRelationAsNone() {
        byte[] bytes = HexFormat.of().parseHex(INSERT);
        bytes[25] |= (byte) 0x80;
        assertThatThrownBy(() -> decode(PostgresVersion.V18, bytes)).isInstanceOf(MalformedRecordException.class);
    }

    @Test
    void mutationsDecodeOrAreMalformed() throws Exception {
        long seed = 20261121;
        Random random = new Random(seed);
        Page page = new Page();
        page.initialize(8);
        random.nextBytes(page.bytes());
        page.setLower(100);
        page.setUpper(4000);
        for (int round = 0; round < 50_000; round++) {
            PostgresVersion version = PostgresVersion.values()[random.nextInt(5)];
            byte[] bytes = round % 2 == 0
                    ? HexFormat.of().parseHex(INSERT)
                    : new RecordBuilder(version, 11, 0)
                            .block(0, TABLE, 1)
                            .data((byte) 1, (byte) 2)
                            .block(3, TABLE, 2)
                            .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE)
                            .main(new byte[random.nextInt(300)])
                            .build();
            int reach = Math.min(bytes.length, 90);
            for (int i = 1 + random.nextInt(3); i > 0; i--) {
                bytes[16 + random.nextInt(reach - 16)] = (byte) random.nextInt();
            }
            try {
                WalRecord record = decode(version, bytes);
                int end = record.mainData().arrayOffset() + record.mainData().length();
                assertThat(end).as("seed %d round %d", seed, round).isEqualTo(bytes.length);
            } catch (MalformedRecordException e) {
                assertThat(e).hasMessageContaining("malformed WAL record at 0/64");
            }
        }
    }

    private static WalRecord decode(PostgresVersion version, byte[] bytes) throws MalformedRecordException {
        WalRecord record = new WalRecord();
        new RecordDecoder().decode(version, bytes, 0, bytes.length, 100, 200, record);
        return record;
    }
}
