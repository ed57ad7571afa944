package dev.palimpsest.storage.index;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;

/** Moments as the index part has them: {@code 2026-11-21T01:02:03.000004}, UTC, without a zone, the fraction optional. */
final class IndexTime {
    private static final DateTimeFormatter FORM = new DateTimeFormatterBuilder()
            .appendValue(ChronoField.YEAR, 4)
            .appendPattern("-MM-dd'T'HH:mm:ss")
            .optionalStart()
            .appendFraction(ChronoField.NANO_OF_SECOND, 1, 9, true)
            .toFormatter()
            .withResolverStyle(ResolverStyle.STRICT);

    private static final int LAST_YEAR = 9999;

    private IndexTime() {}

    /** @throws IllegalArgumentException if {@code text} has another form */
    static Instant parse(String text) {
        try {
            return LocalDateTime.parse(text, FORM).toInstant(ZoneOffset.UTC);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    "not a moment: \"" + text + "\" (expected the form 2026-11-21T01:02:03.000004)", e);
        }
    }

    /** With 0, 3, 6 or 9 digits of a fraction, as Neon writes it. */
    static String format(Instant moment) {
        LocalDateTime time = LocalDateTime.ofInstant(moment, ZoneOffset.UTC);
        if (time.getYear() < 0 || time.getYear() > LAST_YEAR) {
            throw new IllegalArgumentException("the year of " + moment + " does not have four digits");
        }
        boolean secondsOmitted = time.getSecond() == 0 && time.getNano() == 0;
        return secondsOmitted ? time + ":00" : time.toString();
    }
}
