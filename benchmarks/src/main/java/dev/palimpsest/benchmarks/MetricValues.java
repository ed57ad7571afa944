package dev.palimpsest.benchmarks;

import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Label;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The values of metrics by their names and labels, {@code name{label=value}}, and as one line of text. Of a histogram the count of
 * each bucket is a value, not of those below it, with the upper bound as the label {@code le}.
 */
final class MetricValues {
    private MetricValues() {}

    static String write(MetricSnapshots metrics, String separator) {
        Map<String, Double> values = new TreeMap<>();
        for (MetricSnapshot metric : metrics) {
            metric.getDataPoints()
                    .forEach(point -> add(values, metric.getMetadata().getName(), point));
        }
        return values.entrySet().stream()
                .map(value -> value.getKey() + separator + value.getValue())
                .collect(Collectors.joining(separator));
    }

    private static void add(Map<String, Double> values, String metric, DataPointSnapshot point) {
        StringBuilder labels = new StringBuilder();
        for (Label label : point.getLabels()) {
            labels.append(labels.isEmpty() ? "" : ",")
                    .append(label.getName())
                    .append('=')
                    .append(label.getValue());
        }
        switch (point) {
            case CounterDataPointSnapshot counter -> values.put(metric + "{" + labels + "}", counter.getValue());
            case GaugeDataPointSnapshot gauge -> values.put(metric + "{" + labels + "}", gauge.getValue());
            case HistogramDataPointSnapshot histogram
            when histogram.hasClassicHistogramData() ->
                histogram
                        .getClassicBuckets()
                        .forEach(bucket -> values.put(
                                metric + "{" + labels + (labels.isEmpty() ? "" : ",") + "le=" + bucket.getUpperBound()
                                        + "}",
                                (double) bucket.getCount()));
            default -> {
                // nothing that a benchmark asks for
            }
        }
    }

    static Map<String, Double> read(String line, String separator) {
        String[] words = line.split(separator);
        Map<String, Double> values = new TreeMap<>();
        for (int i = 0; i + 1 < words.length; i += 2) {
            values.put(words[i], Double.valueOf(words[i + 1]));
        }
        return values;
    }

    /** By how much a value has grown; what is not there is 0. */
    static double grown(Map<String, Double> before, Map<String, Double> after, String metric) {
        return after.getOrDefault(metric, 0.0) - before.getOrDefault(metric, 0.0);
    }
}
