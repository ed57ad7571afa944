package dev.palimpsest.postgres.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PageMaskTest {
    private final Page page = new Page();

    @BeforeEach
    void fill() throws PageException {
        page.initialize(8);
        Arrays.fill(page.bytes(), 24, 8192, (byte) 0x55);
        page.setLsn(77);
        page.setChecksum(5);
        page.setFlags(0xFFFF);
        page.setPruneXid(9);
        page.setLower(24 + 3 * 4);
        page.setUpper(8000);
        page.setLinePointer(1, LinePointer.of(8000, LinePointer.DEAD, 20));
        page.setLinePointer(2, LinePointer.of(8040, LinePointer.NORMAL, 20));
        page.setLinePointer(3, 0);
    }

    @Test
    void eachMaskTouchesItsOwnFieldsOnly() throws Exception {
        byte[] expected = page.bytes().clone();
        PageMask.lsnAndChecksum(page);
        Arrays.fill(expected, 0, 10, (byte) 0);
        assertThat(page.bytes()).isEqualTo(expected);

        PageMask.headerHints(page);
        expected[10] = (byte) 0xF8;
        Arrays.fill(expected, 20, 24, (byte) 0);
        assertThat(page.bytes()).isEqualTo(expected);

        PageMask.unusedSpace(page);
        Arrays.fill(expected, 36, 8000, (byte) 0);
        assertThat(page.bytes()).isEqualTo(expected);

        PageMask.linePointerStates(page);
        assertThat(page.linePointer(1)).isEqualTo(LinePointer.of(8000, LinePointer.UNUSED, 20));
        assertThat(page.linePointer(2)).isEqualTo(LinePointer.of(8040, LinePointer.UNUSED, 20));
        assertThat(page.linePointer(3)).isZero();

        PageMask.content(page);
        assertThat(page.lower()).isZero();
        assertThat(page.upper()).isZero();
        assertThat(page.special()).isEqualTo(8184);
        assertThat(Arrays.copyOfRange(page.bytes(), 24, 8192)).containsOnly(0);
    }

    @Test
    void aHoleThatIsNoneIsAnError() {
        page.setLower(8100);
        assertThatThrownBy(() -> PageMask.unusedSpace(page)).isInstanceOf(PageException.class);
        page.setLower(20);
        assertThatThrownBy(() -> PageMask.unusedSpace(page)).isInstanceOf(PageException.class);
    }
}
