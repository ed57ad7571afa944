package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.le;
import static dev.palimpsest.postgres.redo.HeapRecords.BLOCK;
import static dev.palimpsest.postgres.redo.HeapRecords.END;
import static dev.palimpsest.postgres.redo.HeapRecords.HEAP;
import static dev.palimpsest.postgres.redo.HeapRecords.HEAP2;
import static dev.palimpsest.postgres.redo.HeapRecords.START;
import static dev.palimpsest.postgres.redo.HeapRecords.TABLE;
import static dev.palimpsest.postgres.redo.HeapRecords.onBlock;
import static dev.palimpsest.postgres.redo.HeapRecords.record;
import static dev.palimpsest.postgres.redo.HeapRecords.withMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

class VisibilityClearTest {
    private static final PostgresVersion V16 = PostgresVersion.V16;
    private static final VisibilityClear BOTH = new VisibilityClear(TABLE, BLOCK, 3);
    private static final VisibilityClear FROZEN = new VisibilityClear(TABLE, BLOCK, 2);

    private static List<VisibilityClear> of(RecordBuilder builder) throws MalformedRecordException {
        return VisibilityClear.of(builder.decoded(START, END));
    }

    @Test
    void recordsOfOnePageClearItIfTheFlagSaysSo() throws Exception {
        for (PostgresVersion version : PostgresVersion.values()) {
            assertThat(of(onBlock(version, HEAP, 0x00).main(le("hb", 1, 1)))).containsExactly(BOTH);
            assertThat(of(onBlock(version, HEAP, 0x80).willInit().main(le("hb", 1, 9))))
                    .containsExactly(BOTH);
            assertThat(of(onBlock(version, HEAP, 0x00).main(le("hb", 1, 8)))).isEmpty();
            assertThat(of(onBlock(version, HEAP, 0x10).main(le("ihbb", -1, -1, 0, 1))))
                    .containsExactly(BOTH);
            assertThat(of(onBlock(version, HEAP, 0x10).main(le("ihbb", -1, -1, -1, 0xFE))))
                    .isEmpty();
            assertThat(of(onBlock(version, HEAP, 0x60).main(le("ihbb", 1, 1, 0, 1))))
                    .containsExactly(FROZEN);
            assertThat(of(onBlock(version, HEAP2, 0x60).main(le("ihbb", 1, 1, 0, 1))))
                    .containsExactly(FROZEN);
            assertThat(of(onBlock(version, HEAP2, 0x60).main(le("ihbb", 1, 1, 0xFF, 0))))
                    .isEmpty();
            assertThat(of(onBlock(version, HEAP2, 0x50).main(le("bbhh", 1, 0, 1, 1))))
                    .containsExactly(BOTH);
            assertThat(of(onBlock(version, HEAP2, 0xD0).willInit().main(le("bbh", 0x20, 1, 1))))
                    .isEmpty();
        }
    }

    @Test
    void anUpdateClearsTheOldPageAndTheNewOne() throws Exception {
        VisibilityClear old = new VisibilityClear(TABLE, 99, 3);
        List<List<VisibilityClear>> apart = List.of(List.of(), List.of(old), List.of(BOTH), List.of(old, BOTH));
        for (int flags = 0; flags < 4; flags++) {
            byte[] main = le("ihbbih", 1, 1, 0xFF, flags | 0xFC, 0, 2);
            for (int type : new int[] {0x20, 0x40}) {
                assertThat(of(onBlock(V16, HEAP, type).main(main)))
                        .as("one page, flags %d", flags)
                        .isEqualTo(flags == 0 ? List.of() : List.of(BOTH));
            }
            assertThat(of(onBlock(V16, HEAP, 0x20).main(main).block(1, TABLE, 99)))
                    .as("two pages, flags %d", flags)
                    .isEqualTo(apart.get(flags));
        }
    }

    @Test
    void whereTheMapIsABlockNothingIsImplied() throws Exception {
        PostgresVersion version = PostgresVersion.V18;
        byte[] update = le("ihbbih", 1, 1, 0, 3, 0, 2);
        assertThat(of(withMap(onBlock(version, HEAP, 0).main(le("hb", 1, 1)), 1, 0)))
                .isEmpty();
        assertThat(of(withMap(onBlock(version, HEAP2, 0x60).main(le("ihbb", 1, 1, 0, 1)), 1, 0)))
                .isEmpty();
        for (int id = 2; id <= 3; id++) {
            assertThat(of(withMap(onBlock(version, HEAP, 0x20).main(update).block(1, TABLE, 99), id, 0)))
                    .isEmpty();
        }
    }

    @Test
    void otherRecordsImplyNothing() throws Exception {
        for (int manager = 0; manager <= 21; manager++) {
            for (int type = 0; type <= 0xF0; type += 0x10) {
                int code = type & 0x70;
                boolean heap = manager == HEAP && (code <= 0x20 || code == 0x40 || code == 0x60);
                boolean heap2 = manager == HEAP2 && (code == 0x50 || code == 0x60);
                if (!heap && !heap2) {
                    assertThat(of(record(V16, manager, type))).isEmpty();
                }
            }
        }
    }

    @Test
    void aRecordCutShortIsMalformed() {
        assertThatThrownBy(() -> of(onBlock(V16, HEAP, 0).main(le("h", 1))))
                .isInstanceOf(MalformedRecordException.class);
        assertThatThrownBy(() -> of(record(V16, HEAP, 0).main(le("hb", 1, 1))))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("without block reference 0");
    }

    @Test
    void itIsAppliedWithoutTouchingTheLsn() throws Exception {
        VisibilityClear clear = new VisibilityClear(TABLE, 32672 * 2 + 5, 2);
        assertThat(clear.mapPage()).isEqualTo(new BlockTag(TABLE, ForkNumber.VISIBILITY_MAP, 2));
        Page map = HeapRecords.fullMap();
        assertThat(clear.applyTo(map)).isTrue();
        assertThat(map.u8(25)).isEqualTo(0b1111_0111);
        assertThat(map.u8(24)).isEqualTo(0xFF);
        assertThat(map.lsn()).isEqualTo(64);
        assertThat(clear.applyTo(map)).isFalse();
        Page missing = new Page();
        assertThat(clear.applyTo(missing)).isFalse();
        assertThat(missing.hasValidHeader()).isTrue();
        assertThat(missing.upper()).isEqualTo(8192);
        assertThat(missing.lsn()).isZero();
        assertThat(new VisibilityClear(TABLE, -2, 3).mapPage().blockNumber()).isEqualTo(131_457);
        assertThat(new VisibilityClear(TABLE, 32671, 3).mapPage().blockNumber()).isZero();
    }
}
