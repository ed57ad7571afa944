package dev.palimpsest.postgres.page;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PageChecksumTest {
    @Test
    void isThatOfPostgres() {
        Page page = new Page();
        for (int i = 0; i < 8192; i++) {
            page.bytes()[i] = (byte) (31 * i + 7);
        }
        assertThat(PageChecksum.compute(page, 42)).isEqualTo(0xC80E);
        assertThat(PageChecksum.compute(page, 0)).isEqualTo(0xC7E8);
        page.setChecksum(0x1234);
        assertThat(PageChecksum.compute(page, 42))
                .as("does not depend on itself")
                .isEqualTo(0xC80E);
        page.initialize(0);
        assertThat(PageChecksum.compute(page, 0)).isEqualTo(0x6560);
        assertThat(PageChecksum.compute(page, 1)).isEqualTo(0x655F);
    }

    @Test
    void newPagesHaveNone() {
        Page page = new Page();
        PageChecksum.store(page, 3);
        assertThat(page.checksum()).isZero();
        assertThat(PageChecksum.isValid(page, 3)).isTrue();
        page.initialize(0);
        assertThat(PageChecksum.isValid(page, 3)).isFalse();
        PageChecksum.store(page, 3);
        assertThat(PageChecksum.isValid(page, 3)).isTrue();
        assertThat(PageChecksum.isValid(page, 4)).isFalse();
        page.bytes()[8191] ^= 1;
        assertThat(PageChecksum.isValid(page, 3)).isFalse();
    }
}
