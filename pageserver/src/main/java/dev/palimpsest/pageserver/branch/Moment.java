package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.regex.Pattern;

/** A point of a branch's history, as a user names it. */
public sealed interface Moment {
    /** The end of what there is. */
    record Latest() implements Moment {
        @Override
        public String toString() {
            return "latest";
        }
    }

    /** An LSN. */
    record AtLsn(Lsn lsn) implements Moment {
        @Override
        public String toString() {
            return lsn.toString();
        }
    }

    /** The last commit at or before a time. */
    record AtTime(Instant time) implements Moment {
        @Override
        public String toString() {
            return time.toString();
        }
    }

    /** The end of what there is. */
    Moment LATEST = new Latest();

    /**
     * Reads {@code latest}, an LSN such as {@code 0/3A1B2C8}, or a time in an ISO form: {@code 2026-11-20},
     * {@code 2026-11-20 10:15}, {@code 2026-11-20T10:15:00.5Z}, {@code 2026-11-20 10:15:00+01}.
     *
     * @param zone of a time that does not say its own
     * @throws BranchException of kind INVALID if it is none of them
     */
    static Moment parse(String text, ZoneId zone) throws BranchException {
        String trimmed = text.strip();
        if (trimmed.equals("latest")) {
            return LATEST;
        }
        if (Forms.LSN.matcher(trimmed).matches()) {
            return new AtLsn(Lsn.parse(trimmed));
        }
        try {
            return new AtTime(Forms.instant(trimmed, zone));
        } catch (DateTimeException e) {
            throw new BranchException(
                    BranchException.Kind.INVALID,
                    "'" + text + "' is neither an LSN (0/3A1B2C8) nor a time (2026-11-20 10:15:00+00)",
                    e);
        }
    }

    /** The forms of times. */
    final class Forms {
        private static final Pattern LSN = Pattern.compile("[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}");
        private static final DateTimeFormatter TIME = new DateTimeFormatterBuilder()
                .append(DateTimeFormatter.ISO_LOCAL_DATE)
                .optionalStart()
                .appendLiteral('T')
                .appendValue(ChronoField.HOUR_OF_DAY, 2)
                .appendLiteral(':')
                .appendValue(ChronoField.MINUTE_OF_HOUR, 2)
                .optionalStart()
                .appendLiteral(':')
                .appendValue(ChronoField.SECOND_OF_MINUTE, 2)
                .optionalStart()
                .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
                .optionalEnd()
                .optionalEnd()
                .optionalStart()
                .appendOffset("+HH:mm:ss", "Z")
                .optionalEnd()
                .optionalStart()
                .appendOffset("+HH", "Z")
                .optionalEnd()
                .optionalEnd()
                .toFormatter(java.util.Locale.ROOT);

        private Forms() {}

        static Instant instant(String text, ZoneId zone) {
            String normal = text.replaceFirst("^(\\S+)\\s+", "$1T").replace(" ", "");
            return switch (TIME.parseBest(normal, OffsetDateTime::from, LocalDateTime::from, LocalDate::from)) {
                case OffsetDateTime time -> time.toInstant();
                case LocalDateTime time -> time.atZone(zone).toInstant();
                case LocalDate date -> date.atStartOfDay(zone).toInstant();
                case Object other -> throw new DateTimeException("no time: " + other);
            };
        }
    }
}
