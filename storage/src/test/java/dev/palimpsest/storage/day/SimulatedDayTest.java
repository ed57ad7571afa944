package dev.palimpsest.storage.day;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.day.SimulatedDay.Parameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the store takes does not grow with what was written to it, only with what is kept. */
class SimulatedDayTest {
    @Test
    void someHoursTakeNoMoreThanTheFirst() throws Exception {
        Duration pitr = Duration.ofMinutes(30);
        Parameters hours = new Parameters(1, pitr.multipliedBy(8), pitr, 60, pitr.dividedBy(4));
        checkFlat(hours, pitr.multipliedBy(5), 1.25, 1.5);
    }

    @Test
    @Tag("long")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void aDayTakesNoMoreThanItsFirstHalf() throws Exception {
        for (long seed = 1; seed <= 3; seed++) {
            checkFlat(
                    Parameters.DEFAULT.withSeed(seed),
                    Parameters.DEFAULT.length().dividedBy(2),
                    1.3,
                    1.5);
        }
    }

    @Test
    void aSeedAlwaysGivesTheSameNumbers() throws Exception {
        Duration pitr = Duration.ofMinutes(6);
        Parameters parameters = new Parameters(7, pitr.multipliedBy(2), pitr, 30, pitr);
        List<DaySample> first = new ArrayList<>();
        List<DaySample> second = new ArrayList<>();
        assertThat(SimulatedDay.run(parameters, first::add)).isEqualTo(SimulatedDay.run(parameters, second::add));
        assertThat(first).isEqualTo(second).hasSize(2);
    }

    /**
     * Of all that is measured, the mean and the most after {@code half} are not much more than those before, beginning with two
     * intervals. The most of a day is that of a moment; what grows shows in the mean, though the first hours have less.
     */
    private static void checkFlat(Parameters parameters, Duration half, double mean, double most) throws Exception {
        List<DaySample> samples = new ArrayList<>();
        SimulatedDay.Done done = SimulatedDay.run(parameters, samples::add);
        Duration warm = parameters.pitr().multipliedBy(2);
        List<DaySample> before = samples.stream()
                .filter(sample ->
                        sample.at().compareTo(warm) >= 0 && sample.at().compareTo(half) < 0)
                .toList();
        List<DaySample> after = samples.stream()
                .filter(sample -> sample.at().compareTo(half) >= 0)
                .toList();
        check("disk", parameters, before, after, DaySample::diskBytes, mean, most);
        check("bucket", parameters, before, after, DaySample::bucketBytes, mean, most);
        check("objects", parameters, before, after, DaySample::objects, mean, most);
        check("layers", parameters, before, after, DaySample::layers, mean, most);
        check("layers under half of the pages", parameters, before, after, DaySample::readP50, mean, most);
        check("layers under most pages", parameters, before, after, DaySample::readP99, mean, most);
        check("memory", parameters, before, after, DaySample::memoryBytes, mean, most);
        check("what is tracked", parameters, before, after, DaySample::tracked, mean, most);
        assertThat(samples)
                .as("seed %d: layer files on the disk", parameters.seed())
                .allMatch(sample -> sample.residentBytes() < 2 * parameters.maxLocalBytes());
        assertThat(done.layersRemoved()).isPositive();
        assertThat(done.dropped()).isPositive();
        assertThat(done.downloads()).isPositive();
    }

    private static void check(
            String what,
            Parameters parameters,
            List<DaySample> before,
            List<DaySample> after,
            ToLongFunction<DaySample> number,
            double mean,
            double most) {
        LongSummaryStatistics first = before.stream().mapToLong(number).summaryStatistics();
        LongSummaryStatistics second = after.stream().mapToLong(number).summaryStatistics();
        String name = "seed %d: %s in the second half, after %s in the first".formatted(parameters.seed(), what, first);
        assertThat(second.getAverage()).as("mean of " + name).isLessThanOrEqualTo(mean * first.getAverage());
        assertThat((double) second.getMax()).as("most of " + name).isLessThanOrEqualTo(most * first.getMax());
    }
}
