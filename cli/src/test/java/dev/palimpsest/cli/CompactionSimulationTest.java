package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.benchmarks.CompactionSimulation;
import dev.palimpsest.benchmarks.CompactionSimulation.Parameters;
import dev.palimpsest.benchmarks.CompactionSimulation.Row;
import dev.palimpsest.benchmarks.CompactionSimulation.Workload;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.timeline.TimelineConfig;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the planners promise with the settings that servers have. */
final class CompactionSimulationTest {
    private static final long GIB = 1L << 30;
    private static final CompactionSettings DEFAULT = CompactionSettings.DEFAULT;

    private static List<Row> run(CompactionSettings settings, Workload workload, long seed) {
        List<Row> rows = new ArrayList<>();
        CompactionSimulation.run(
                new Parameters(
                        settings,
                        TimelineConfig.DEFAULT.checkpointDistance(),
                        BackgroundSettings.DEFAULT.imageCheckDistance(),
                        24 * GIB,
                        4 * GIB,
                        6 * GIB,
                        0.5,
                        seed),
                workload,
                rows::add);
        return rows;
    }

    private static CompactionSettings settings(int l0Threshold, int imageThreshold) {
        return new CompactionSettings(
                l0Threshold,
                DEFAULT.maxInputBytes(),
                DEFAULT.targetLayerBytes(),
                imageThreshold,
                DEFAULT.maxRecordsPerKey(),
                DEFAULT.imageCompression());
    }

    @Test
    void bulkInsertWritesLittleAndIsReadFromFewFiles() {
        for (Row row : run(DEFAULT, Workload.BULK_INSERT, 1)) {
            assertThat(row.written()).as("bytes written for a byte of WAL").isBetween(0.99, 2.5);
            assertThat(row.p99()).as("files of a read").isBetween(1, 6);
        }
    }

    @ParameterizedTest
    @EnumSource(names = "BRANCHES", mode = EnumSource.Mode.EXCLUDE)
    void whatIsUpdatedStaysAsItIs(Workload workload) {
        List<Row> rows = run(DEFAULT, workload, 2);
        Row half = rows.get(1);
        Row end = rows.getLast();
        assertThat(end.written()).isLessThan(3.5);
        assertThat(end.max()).isLessThanOrEqualTo(12);
        // Bulk insert grows, and what is updated in sequence comes and goes in waves as long as the table.
        if (workload == Workload.UNIFORM || workload == Workload.HOT_COLD) {
            assertThat(end.liveBytes()).as("with history of 6 GiB").isLessThan((long) (1.3 * half.liveBytes()));
        }
    }

    @Test
    void fewerImagesAreReadFromMoreFiles() {
        Row few = run(settings(5, 3), Workload.UNIFORM, 3).getLast();
        Row none = run(settings(5, 1000), Workload.UNIFORM, 3).getLast();
        assertThat(none.images()).isZero();
        assertThat(none.p99()).isGreaterThan(2 * few.p99());
        assertThat(none.liveBytes()).as("nothing can go without images").isGreaterThan(few.liveBytes());
    }

    @Test
    void aBranchPinsWhatIsBelowIt() {
        Row branches = run(DEFAULT, Workload.BRANCHES, 4).getLast();
        Row none = run(DEFAULT, Workload.UNIFORM, 4).getLast();
        assertThat(branches.liveBytes()).isGreaterThan(2 * none.liveBytes());
    }

    @Test
    void theSameSeedGivesTheSameNumbers() {
        assertThat(run(DEFAULT, Workload.HOT_COLD, 5)).isEqualTo(run(DEFAULT, Workload.HOT_COLD, 5));
    }
}
