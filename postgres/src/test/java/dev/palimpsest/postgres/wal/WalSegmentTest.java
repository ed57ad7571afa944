package dev.palimpsest.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import org.junit.jupiter.api.Test;

class WalSegmentTest {
    @Test
    void namesAreThoseOfPostgres() {
        WalSegment segment = WalSegment.containing(Lsn.parse("12/3456789A"), 0xAB, 16 << 20);
        assertThat(segment.fileName()).isEqualTo("000000AB0000001200000034");
        assertThat(segment.start()).isEqualTo(Lsn.parse("12/34000000"));
        assertThat(segment.end()).isEqualTo(Lsn.parse("12/35000000"));
        assertThat(WalSegment.parse(segment.fileName(), 16 << 20)).isEqualTo(segment);
        assertThat(WalSegment.containing(Lsn.parse("2/FFFFFFFF"), 1, 1 << 20).fileName())
                .isEqualTo("000000010000000200000FFF");
        assertThat(WalSegment.containing(Lsn.parse("2/FFFFFFFF"), 1, 1 << 30).fileName())
                .isEqualTo("000000010000000200000003");
    }

    @Test
    void refusesWhatIsNone() {
        assertThat(WalSegment.isName("00000001000000020000000")).isFalse();
        assertThat(WalSegment.isName("00000001000000020000000a")).isFalse();
        assertThat(WalSegment.isName("000000010000000200000003.partial")).isFalse();
        assertThatThrownBy(() -> WalSegment.parse("000000010000000200000004", 1 << 30))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new WalSegment(1, 1, 3 << 20)).isInstanceOf(IllegalArgumentException.class);
    }
}
