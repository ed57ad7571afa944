package dev.palimpsest.pageserver.retention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingTextTest {
    @ParameterizedTest
    @CsvSource({
        "7d, PT168H, 7d",
        "7 days, , ",
        "1h30m, PT1H30M, 1h30m",
        "1h 30min, PT1H30M, 1h30m",
        "90s, PT1M30S, 1m30s",
        "250ms, PT0.25S, 250ms",
        "PT2H, PT2H, 2h",
        "0, PT0S, 0",
    })
    void durations(String text, String iso, String again) {
        if (iso == null) {
            assertThatThrownBy(() -> SettingText.duration(text)).hasMessageContaining("is no duration such as");
        } else {
            assertThat(SettingText.duration(text)).isEqualTo(Duration.parse(iso));
            assertThat(SettingText.of(SettingText.duration(text))).isEqualTo(again);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "d", "-1d", "1", "1d-", "1x", "PT-2H", "P", "99999999999999999999d", "9223372036854775807d"})
    void noDurations(String text) {
        assertThatThrownBy(() -> SettingText.duration(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "67108864, 67108864",
        "64MB, 67108864",
        "64 MiB, 67108864",
        "1k, 1024",
        "2GB, 2147483648",
        "5B, 5"
    })
    void sizes(String text, long bytes) {
        assertThat(SettingText.bytes(text)).isEqualTo(bytes);
    }

    @Test
    void noSizes() {
        for (String text :
                new String[] {"", "MB", "-1", "1.5GB", "1PB", "9999999999999999999", "9223372036854775807T"}) {
            assertThatThrownBy(() -> SettingText.bytes(text))
                    .as(text)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is no size such as");
        }
    }
}
