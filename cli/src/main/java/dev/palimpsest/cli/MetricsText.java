package dev.palimpsest.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a server measures, as it says at {@code /metrics} in Prometheus's text format. Immutable. */
final class MetricsText {
    private static final Pattern LINE =
            Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)})?\\s+(\\S+)(?:\\s+\\S+)?");
    private static final Pattern LABEL = Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    /** A value and what it is of. */
    record Sample(Map<String, String> labels, double value) {}

    private final Map<String, List<Sample>> byName = new HashMap<>();

    /** What is no sample is passed over: comments, and what a later version of the format may have. */
    MetricsText(String text) {
        text.lines().filter(line -> !line.startsWith("#")).forEach(line -> {
            Matcher matcher = LINE.matcher(line);
            if (matcher.matches()) {
                byName.computeIfAbsent(matcher.group(1), _ -> new ArrayList<>())
                        .add(new Sample(labels(matcher.group(2)), value(matcher.group(3))));
            }
        });
    }

    private static Map<String, String> labels(@Nullable String text) {
        Map<String, String> labels = new HashMap<>();
        if (text != null) {
            Matcher matcher = LABEL.matcher(text);
            while (matcher.find()) {
                labels.put(matcher.group(1), matcher.group(2));
            }
        }
        return labels;
    }

    private static double value(String text) {
        return switch (text) {
            case "+Inf" -> Double.POSITIVE_INFINITY;
            case "-Inf" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }

    /** The sum of all samples of a name that have these labels, given as name and value in turn; 0 if there is none. */
    double sum(String name, String... labels) {
        double sum = 0;
        for (Sample sample : byName.getOrDefault(name, List.of())) {
            if (has(sample, labels)) {
                sum += sample.value;
            }
        }
        return sum;
    }

    private static boolean has(Sample sample, String... labels) {
        for (int i = 0; i < labels.length; i += 2) {
            if (!labels[i + 1].equals(sample.labels.get(labels[i]))) {
                return false;
            }
        }
        return true;
    }

    /**
     * The upper bound of the bucket of a histogram in which a quantile of what was observed since {@code before} lies.
     *
     * @param quantile 0 to 1
     * @return NaN if nothing was observed
     */
    double quantile(MetricsText before, double quantile, String histogram, String... labels) {
        String name = histogram + "_bucket";
        List<Sample> buckets = byName.getOrDefault(name, List.of()).stream()
                .filter(sample -> has(sample, labels))
                .toList();
        double total = sum(histogram + "_count", labels) - before.sum(histogram + "_count", labels);
        double found = Double.NaN;
        if (total <= 0) {
            return found;
        }
        for (Sample bucket : buckets) {
            String bound = bucket.labels.getOrDefault("le", "+Inf");
            String[] wanted = Arrays.copyOf(labels, labels.length + 2);
            wanted[labels.length] = "le";
            wanted[labels.length + 1] = bound;
            double below = bucket.value - before.sum(name, wanted);
            double upper = value(bound);
            if (below >= quantile * total && !(found <= upper)) {
                found = upper;
            }
        }
        return found;
    }
}
