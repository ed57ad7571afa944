package dev.palimpsest.pageserver.retention;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Durations and sizes as users write them: {@code 7d}, {@code 1h30m}, {@code 64MB}. */
public final class SettingText {
    private static final Pattern PART = Pattern.compile("(\\d+)\\s*(ms|min|m|d|h|s)\\s*");
    private static final Pattern SIZE = Pattern.compile("(\\d+)\\s*([kKMGT]?)(i?B)?");
    private static final int UNIT_BITS = 10;

    private SettingText() {}

    /**
     * Reads a duration: parts with the units {@code d}, {@code h}, {@code m} or {@code min}, {@code s}, {@code ms}; the ISO form
     * {@code PT2H}; or {@code 0}.
     *
     * @throws IllegalArgumentException if it is none; the message says what is wanted
     */
    public static Duration duration(String text) {
        String trimmed = text.strip();
        if (trimmed.equals("0")) {
            return Duration.ZERO;
        }
        try {
            if (trimmed.startsWith("P")) {
                return notNegative(Duration.parse(trimmed), text);
            }
            Matcher parts = PART.matcher(trimmed);
            Duration sum = Duration.ZERO;
            int end = 0;
            while (end < trimmed.length() && parts.find() && parts.start() == end) {
                sum = sum.plus(part(Long.parseLong(parts.group(1)), parts.group(2)));
                end = parts.end();
            }
            if (end == trimmed.length() && end > 0) {
                return sum;
            }
        } catch (DateTimeException | ArithmeticException | NumberFormatException e) {
            throw noDuration(text, e);
        }
        throw noDuration(text, null);
    }

    private static Duration part(long number, String unit) {
        return switch (unit) {
            case "d" -> Duration.ofDays(number);
            case "h" -> Duration.ofHours(number);
            case "s" -> Duration.ofSeconds(number);
            case "ms" -> Duration.ofMillis(number);
            default -> Duration.ofMinutes(number);
        };
    }

    private static Duration notNegative(Duration duration, String text) {
        if (duration.isNegative()) {
            throw noDuration(text, null);
        }
        return duration;
    }

    private static IllegalArgumentException noDuration(String text, @Nullable Exception cause) {
        return new IllegalArgumentException("'" + text + "' is no duration such as 7d, 1h30m or 0", cause);
    }

    /**
     * Reads a number of bytes: {@code 67108864}, {@code 64MB}, in units of 1024 as PostgreSQL has them.
     *
     * @throws IllegalArgumentException if it is none; the message says what is wanted
     */
    public static long bytes(String text) {
        Matcher size = SIZE.matcher(text.strip());
        try {
            if (size.matches()) {
                int unit = " KMGT"
                        .indexOf(
                                size.group(2).isEmpty()
                                        ? ' '
                                        : Character.toUpperCase(size.group(2).charAt(0)));
                return Math.multiplyExact(Long.parseLong(size.group(1)), 1L << (UNIT_BITS * unit));
            }
        } catch (ArithmeticException | NumberFormatException e) {
            throw noSize(text, e);
        }
        throw noSize(text, null);
    }

    private static IllegalArgumentException noSize(String text, @Nullable Exception cause) {
        return new IllegalArgumentException("'" + text + "' is no size such as 64MB or 67108864", cause);
    }

    /** A duration as {@link #duration} reads it, to the millisecond. */
    public static String of(Duration duration) {
        if (duration.toMillis() == 0) {
            return "0";
        }
        StringBuilder text = new StringBuilder();
        part(text, duration.toDays(), "d");
        part(text, duration.toHoursPart(), "h");
        part(text, duration.toMinutesPart(), "m");
        part(text, duration.toSecondsPart(), "s");
        part(text, duration.toMillisPart(), "ms");
        return text.toString();
    }

    private static void part(StringBuilder text, long number, String unit) {
        if (number != 0) {
            text.append(String.format(Locale.ROOT, "%d%s", number, unit));
        }
    }
}
