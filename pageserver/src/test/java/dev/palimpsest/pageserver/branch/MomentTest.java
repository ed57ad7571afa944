package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MomentTest {
    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

    @Test
    void anLsnIsAnLsn() throws Exception {
        assertThat(Moment.parse("0/3A1B2C8", BERLIN)).isEqualTo(new Moment.AtLsn(new Lsn(0x3A1B2C8)));
        assertThat(Moment.parse("latest", BERLIN)).isEqualTo(Moment.LATEST);
    }

    @ParameterizedTest
    @CsvSource({
        "2026-11-20T10:15:00Z, 2026-11-20T10:15:00Z",
        "2026-11-20 10:15:00+00, 2026-11-20T10:15:00Z",
        "2026-11-20 10:15:00.123456+01, 2026-11-20T09:15:00.123456Z",
        "2026-11-20 10:15:00 +05:30, 2026-11-20T04:45:00Z",
        "2026-11-20 10:15, 2026-11-20T09:15:00Z",
        "2026-07-20, 2026-07-19T22:00:00Z"
    })
    void timesComeInEveryIsoForm(String text, Instant time) throws Exception {
        assertThat(Moment.parse(text, BERLIN)).isEqualTo(new Moment.AtTime(time));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "yesterday", "0/", "1/2/3", "2026-13-01", "2026-11-20 25:00", "123456789/0"})
    void whatIsNeitherIsRefusedByName(String text) {
        assertThatThrownBy(() -> Moment.parse(text, BERLIN))
                .isInstanceOf(BranchException.class)
                .hasMessageContaining("'" + text + "'");
    }
}
