package dev.palimpsest.pageserver.config;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations and numbers of bytes as people write them: {@code 10 s}, {@code 1h 30m}, {@code 7 days}; {@code 64MiB}, {@code 2 GB}.
 * Units of bytes are of 1024, as in PostgreSQL's settings.
 */
public final class Units {
    private static final Pattern PART = Pattern.compile("\\s*([0-9]+)\\s*([a-zA-Zµ]+)");
    private static final Pattern BYTES = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)\\s*([a-zA-Z]*)");

    /** From the largest to the smallest. */
    private static final Map<String, Duration> TIMES = new LinkedHashMap<>();

    private static final Map<String, Long> SIZES = new LinkedHashMap<>();

    static {
        TIMES.put("d", Duration.ofDays(1));
        TIMES.put("h", Duration.ofHours(1));
        TIMES.put("m", Duration.ofMinutes(1));
        TIMES.put("s", Duration.ofSeconds(1));
        TIMES.put("ms", Duration.ofMillis(1));
        TIMES.put("us", Duration.ofNanos(1000));
        TIMES.put("ns", Duration.ofNanos(1));
        SIZES.put("TiB", 1L << 40);
        SIZES.put("GiB", 1L << 30);
        SIZES.put("MiB", 1L << 20);
        SIZES.put("KiB", 1L << 10);
        SIZES.put("B", 1L);
    }

    private Units() {}

    private static Duration unit(String name) {
        return switch (name) {
            case "d", "day", "days" -> Duration.ofDays(1);
            case "w", "week", "weeks" -> Duration.ofDays(7);
            case "h", "hr", "hrs", "hour", "hours" -> Duration.ofHours(1);
            case "m", "min", "mins", "minute", "minutes" -> Duration.ofMinutes(1);
            case "s", "sec", "secs", "second", "seconds" -> Duration.ofSeconds(1);
            case "ms", "msec", "millis" -> Duration.ofMillis(1);
            case "us", "usec", "µs" -> Duration.ofNanos(1000);
            case "ns", "nsec", "nanos" -> Duration.ofNanos(1);
            default -> throw new IllegalArgumentException("there is no unit of time \"" + name + "\"");
        };
    }

    /**
     * Reads a duration; {@code 0} needs no unit.
     *
     * @throws IllegalArgumentException if it is none; the message is for the user
     */
    public static Duration duration(String text) {
        if (text.strip().equals("0")) {
            return Duration.ZERO;
        }
        Matcher part = PART.matcher(text);
        Duration sum = Duration.ZERO;
        int end = 0;
        while (part.find() && part.start() == end) {
            try {
                sum = sum.plus(unit(part.group(2)).multipliedBy(Long.parseLong(part.group(1))));
            } catch (ArithmeticException | NumberFormatException e) {
                throw new IllegalArgumentException("\"" + text + "\" is too long", e);
            }
            end = part.end();
        }
        if (end == 0 || !text.substring(end).isBlank()) {
            throw new IllegalArgumentException(
                    "wants a duration, such as \"10 s\" or \"7 days\", not \"" + text + "\"");
        }
        return sum;
    }

    /**
     * Reads a number of bytes.
     *
     * @throws IllegalArgumentException if it is none; the message is for the user
     */
    public static long bytes(String text) {
        Matcher matcher = BYTES.matcher(text.strip());
        if (matcher.matches()) {
            try {
                return new BigDecimal(matcher.group(1))
                        .multiply(BigDecimal.valueOf(factor(matcher.group(2))))
                        .longValueExact();
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("\"" + text + "\" is no whole number of bytes that there can be", e);
            }
        }
        throw new IllegalArgumentException("wants a number of bytes, such as \"64MiB\", not \"" + text + "\"");
    }

    private static long factor(String unit) {
        return switch (unit.toLowerCase(Locale.ROOT)) {
            case "", "b" -> 1;
            case "kib", "kb", "k" -> 1L << 10;
            case "mib", "mb", "m" -> 1L << 20;
            case "gib", "gb", "g" -> 1L << 30;
            case "tib", "tb", "t" -> 1L << 40;
            default -> throw new IllegalArgumentException("there is no unit of bytes \"" + unit + "\"");
        };
    }

    /** In the largest unit that makes it a whole number. */
    public static String print(Duration duration) {
        for (Map.Entry<String, Duration> unit : TIMES.entrySet()) {
            if (!duration.isZero()
                    && duration.dividedBy(unit.getValue()) > 0
                    && unit.getValue()
                            .multipliedBy(duration.dividedBy(unit.getValue()))
                            .equals(duration)) {
                return duration.dividedBy(unit.getValue()) + " " + unit.getKey();
            }
        }
        return "0 s";
    }

    /** In the largest unit that makes it a whole number. */
    public static String print(long bytes) {
        for (Map.Entry<String, Long> unit : SIZES.entrySet()) {
            if (bytes != 0 && bytes % unit.getValue() == 0) {
                return bytes / unit.getValue() + unit.getKey();
            }
        }
        return "0B";
    }
}
