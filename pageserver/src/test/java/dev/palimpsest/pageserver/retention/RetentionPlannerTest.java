package dev.palimpsest.pageserver.retention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.retention.RetentionPlanner.Rule;
import dev.palimpsest.postgres.Lsn;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetentionPlannerTest {
    /** What is known of a branch, in plain numbers, -1 for a time that is not known; then what is decided. */
    @ParameterizedTest
    @CsvSource({
        // last, durable, applied, atPitr, hours, horizon, cutoff, rule
        "10000, 10000,    0,  4000, 1,  1000, 4000, PITR_INTERVAL",
        "10000, 10000,    0,  9000, 1,  1000, 9000, PITR_INTERVAL",
        "10000, 10000,    0,  9001, 1,  1000, 9000, GC_HORIZON",
        "10000, 10000,    0,    -1, 1,  1000,    0, NOTHING_THAT_OLD",
        "10000, 10000, 3000,    -1, 1,  1000, 3000, NOTHING_THAT_OLD",
        "10000, 10000,    0,    -1, 0,  1000, 9000, GC_HORIZON",
        "10000, 10000,    0,  4000, 0,  1000, 9000, GC_HORIZON",
        "10000, 10000,    0,  4000, 0,     0, 10000, GC_HORIZON",
        "10000,  9999,    0,  4000, 0,     0, 9999, NOT_FLUSHED",
        "10000,  6000,    0,  7000, 1,  1000, 6000, NOT_FLUSHED",
        "10000, 10000,    0,  4000, 1, 10000,    0, ALREADY",
        "10000, 10000,    0,  4000, 1, 99999,    0, ALREADY",
        "10000, 10000, 5000,  4000, 1,  1000, 5000, ALREADY",
        "10000, 10000, 4000,  4000, 1,  1000, 4000, ALREADY",
        "10000, 10000, 9500,  9800, 1,  1000, 9500, ALREADY",
    })
    void theRuleThatKeepsMoreDecides(
            long last, long durable, long applied, long atPitr, int hours, long horizon, long cutoff, Rule rule) {
        RetentionPlanner.Plan plan = RetentionPlanner.plan(
                new RetentionPlanner.Inputs(
                        new Lsn(last), new Lsn(durable), new Lsn(applied), atPitr < 0 ? null : new Lsn(atPitr)),
                new Retention(Duration.ofHours(hours), horizon));
        assertThat(plan.cutoff()).isEqualTo(new Lsn(cutoff));
        assertThat(plan.rule()).isEqualTo(rule);
        assertThat(plan.gcInputs().cutoff()).isEqualTo(plan.cutoff());
    }

    @Test
    void aBranchKeepsItsOwnWhereItSaysSo() {
        Retention server = RetentionSettings.DEFAULT.kept();
        RetentionOverride hours = new RetentionOverride(Duration.ofHours(2), null);
        RetentionOverride bytes = new RetentionOverride(null, 5L);
        assertThat(RetentionOverride.NONE.over(server)).isEqualTo(server);
        assertThat(hours.over(server)).isEqualTo(new Retention(Duration.ofHours(2), 64 << 20));
        assertThat(bytes.or(hours).over(server)).isEqualTo(new Retention(Duration.ofHours(2), 5));
        assertThat(new RetentionOverride(Duration.ZERO, 0L).or(hours).over(server))
                .isEqualTo(new Retention(Duration.ZERO, 0));
        assertThatThrownBy(() -> new RetentionOverride(Duration.ofSeconds(-1), null))
                .hasMessageContaining("pitr_interval");
        assertThatThrownBy(() -> new RetentionOverride(null, -1L)).hasMessageContaining("gc_horizon");
    }
}
