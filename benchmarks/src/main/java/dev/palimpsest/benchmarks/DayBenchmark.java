package dev.palimpsest.benchmarks;

import dev.palimpsest.storage.day.DaySample;
import dev.palimpsest.storage.day.SimulatedDay;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * A day of mixed work in simulated time ({@link SimulatedDay}): what the store takes of disk, bucket and memory, and how many
 * layers lie under a page, as a table and as a picture.
 */
public final class DayBenchmark {
    private static final double MIB = 1 << 20;
    private static final double KIB = 1 << 10;

    private DayBenchmark() {}

    /**
     * Runs it.
     *
     * @param seed of the work; the same gives the same numbers
     * @param length of the day, more than ten minutes
     * @param picture where the picture goes, an SVG file that is replaced
     * @param out is given the lines of the table when they are known
     * @throws IllegalStateException if the store did something wrong, as a failed read
     */
    public static void run(long seed, Duration length, Path picture, Consumer<String> out) throws IOException {
        SimulatedDay.Parameters parameters =
                SimulatedDay.Parameters.DEFAULT.withSeed(seed).withLength(length);
        out.accept("   time  WAL MiB  branches  disk MiB  bucket MiB  objects  layers  p50  p99  memory KiB  tracked");
        List<DaySample> samples = new ArrayList<>();
        SimulatedDay.Done done;
        try {
            done = SimulatedDay.run(parameters, sample -> {
                samples.add(sample);
                out.accept(row(sample));
            });
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("seed " + seed + ": " + e.getMessage(), e);
        }
        out.accept(String.format(
                Locale.ROOT,
                "%d records, %d reads compared, %d branches made and %d deleted, %d layers collected, %d downloaded",
                done.records(),
                done.reads(),
                done.branches(),
                done.dropped(),
                done.layersRemoved(),
                done.downloads()));
        Files.writeString(picture, picture(samples));
    }

    private static String row(DaySample sample) {
        return String.format(
                Locale.ROOT,
                "%4d:%02d %8.1f %9d %9.2f %11.2f %8d %7d %4d %4d %11.1f %8d",
                sample.at().toHours(),
                sample.at().toMinutesPart(),
                sample.walBytes() / MIB,
                sample.timelines() - 1,
                sample.diskBytes() / MIB,
                sample.bucketBytes() / MIB,
                sample.objects(),
                sample.layers(),
                sample.readP50(),
                sample.readP99(),
                sample.memoryBytes() / KIB,
                sample.tracked());
    }

    private static String picture(List<DaySample> samples) {
        return LineCharts.svg(
                "A day of mixed work, of which an hour of history is kept",
                "hours",
                series(samples, sample -> sample.at().toMinutes() / 60.0),
                List.of(
                        new LineCharts.Chart(
                                "MiB",
                                List.of(
                                        line("bucket", samples, sample -> sample.bucketBytes() / MIB),
                                        line("local disk", samples, sample -> sample.diskBytes() / MIB),
                                        line("WAL so far, a tenth", samples, sample -> sample.walBytes() / MIB / 10))),
                        new LineCharts.Chart(
                                "layers",
                                List.of(
                                        line("in all", samples, DaySample::layers),
                                        line("branches", samples, sample -> sample.timelines() - 1))),
                        new LineCharts.Chart(
                                "layers under a page",
                                List.of(
                                        line("p99", samples, DaySample::readP99),
                                        line("p50", samples, DaySample::readP50))),
                        new LineCharts.Chart(
                                "KiB", List.of(line("memory", samples, sample -> sample.memoryBytes() / KIB)))));
    }

    private static LineCharts.Line line(String name, List<DaySample> samples, ToDoubleFunction<DaySample> value) {
        return new LineCharts.Line(name, series(samples, value));
    }

    private static List<Double> series(List<DaySample> samples, ToDoubleFunction<DaySample> value) {
        return samples.stream().mapToDouble(value).boxed().toList();
    }
}
