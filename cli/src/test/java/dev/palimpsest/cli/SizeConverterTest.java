package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import picocli.CommandLine.TypeConversionException;

class SizeConverterTest {
    private final SizeConverter converter = new SizeConverter();

    @Test
    void unitsAreOf1024() {
        assertThat(converter.convert("0")).isZero();
        assertThat(converter.convert("8191B")).isEqualTo(8191);
        assertThat(converter.convert("3kB")).isEqualTo(3 << 10);
        assertThat(converter.convert(" 500 MB ")).isEqualTo(500L << 20);
        assertThat(converter.convert("20gb")).isEqualTo(20L << 30);
        assertThat(converter.convert("7PB")).isEqualTo(7L << 50);
    }

    @Test
    void whatIsNoSizeIsRefused() {
        for (String text : new String[] {"", "GB", "-1", "1.5GB", "10 parsecs", "8192PB", "99999999999999999999"}) {
            assertThatThrownBy(() -> converter.convert(text))
                    .as(text)
                    .isInstanceOf(TypeConversionException.class)
                    .hasMessageContaining(text);
        }
    }
}
