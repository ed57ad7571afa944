package dev.palimpsest.postgres.rmgr;

import static dev.palimpsest.postgres.Bytes.buffer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BrinRecordTest {
    private static BrinRecord decoded(int opcode, byte[] main) throws MalformedRecordException {
        return BrinRecord.decode(
                new RecordBuilder(PostgresVersion.V18, 17, opcode).main(main).decoded(0x100, 0x180));
    }

    @Test
    void everyTypeIsDecoded() throws Exception {
        assertThat(decoded(0x00, buffer(6).putInt(128).putShort((short) 1).array()))
                .isEqualTo(new BrinRecord.CreateIndex(128, 1))
                .hasToString("v1 pagesPerRange 128");
        byte[] insert = buffer(10).putInt(-2).putInt(128).putShort((short) 7).array();
        for (int opcode : new int[] {0x10, 0x90}) {
            assertThat(decoded(opcode, insert))
                    .isEqualTo(new BrinRecord.Insert(-2, 128, 7))
                    .hasToString("heapBlk 4294967294 pagesPerRange 128 offnum 7");
        }
        byte[] update = buffer(14).putInt(0x770005).put(insert).array();
        for (int opcode : new int[] {0x20, 0xA0}) {
            assertThat(decoded(opcode, update))
                    .isEqualTo(new BrinRecord.Update(-2, 128, 5, 7))
                    .hasToString("heapBlk 4294967294 pagesPerRange 128 old offnum 5, new offnum 7");
        }
        assertThat(decoded(0x30, buffer(2).putShort((short) 7).array()))
                .isEqualTo(new BrinRecord.SamePageUpdate(7))
                .hasToString("offnum 7");
        assertThat(decoded(0x40, buffer(4).putInt(9).array()))
                .isEqualTo(new BrinRecord.ExtendRangeMap(9))
                .hasToString("targetBlk 9");
        assertThat(decoded(
                        0x50,
                        buffer(10).putInt(128).putInt(256).putShort((short) 7).array()))
                .isEqualTo(new BrinRecord.Desummarize(128, 256, 7))
                .hasToString("pagesPerRange 128, heapBlk 256, page offset 7");
        for (int opcode : new int[] {0x60, 0x70, 0x80, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0}) {
            assertThatThrownBy(() -> decoded(opcode, update))
                    .isInstanceOf(MalformedRecordException.class)
                    .hasMessageContaining("there is no record type");
        }
    }

    @Test
    void whatIsTooShortIsRefused() throws Exception {
        int[][] sizes = {{0x00, 6}, {0x10, 10}, {0x90, 10}, {0x20, 14}, {0xA0, 14}, {0x30, 2}, {0x40, 4}, {0x50, 10}};
        Random random = new Random(17);
        byte[] main = new byte[20];
        for (int[] size : sizes) {
            for (int length = 0; length <= main.length; length++) {
                random.nextBytes(main);
                byte[] cut = Arrays.copyOf(main, length);
                if (length >= size[1]) {
                    assertThat(decoded(size[0], cut).toString()).isNotBlank();
                } else {
                    assertThatThrownBy(() -> decoded(size[0], cut)).isInstanceOf(MalformedRecordException.class);
                }
            }
        }
    }
}
