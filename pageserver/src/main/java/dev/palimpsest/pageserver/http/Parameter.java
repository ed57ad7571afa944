package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;

/**
 * Something that a route takes in its path or its query. What is given is checked before the route is asked, so that whoever
 * serves it can rely on its form.
 *
 * @param name as it stands in the path or the query
 * @param form what its text must be
 * @param required whether it must be given
 * @param meaning for people, a sentence without its full stop
 */
record Parameter(String name, Form form, boolean required, String meaning) {
    /** What a parameter's text must be. */
    sealed interface Form {
        /** Anything. */
        record Text() implements Form {}

        /** {@code true} or {@code false}. */
        record Flag() implements Form {}

        /** A decimal number from {@code least} to {@code most}, both inclusive. */
        record Integral(long least, long most) implements Form {}

        /** One of these. */
        record Choice(List<String> values) implements Form {}

        /** An LSN such as {@code 0/16960E8}. */
        record LsnText() implements Form {}

        /** A time as RFC 3339 has it. */
        record Time() implements Form {}

        /** An LSN, a time, or {@code latest}, see {@link Moment#parse}. */
        record MomentText() implements Form {}
    }

    static Parameter text(String name, String meaning) {
        return new Parameter(name, new Form.Text(), false, meaning);
    }

    static Parameter flag(String name, String meaning) {
        return new Parameter(name, new Form.Flag(), false, meaning);
    }

    /** A number from {@code least} to {@code most}, both inclusive. */
    static Parameter number(String name, long least, long most, String meaning) {
        return new Parameter(name, new Form.Integral(least, most), false, meaning);
    }

    static Parameter choice(String name, String meaning, String... values) {
        return new Parameter(name, new Form.Choice(List.of(values)), false, meaning);
    }

    static Parameter lsn(String name, String meaning) {
        return new Parameter(name, new Form.LsnText(), false, meaning);
    }

    static Parameter time(String name, String meaning) {
        return new Parameter(name, new Form.Time(), false, meaning);
    }

    static Parameter moment(String name, String meaning) {
        return new Parameter(name, new Form.MomentText(), false, meaning);
    }

    /** The same, which must be given. */
    Parameter asRequired() {
        return new Parameter(name, form, true, meaning);
    }

    /** @throws HttpFailure 400 if this text is not what it must be */
    void check(String value) throws HttpFailure {
        switch (form) {
            case Form.Text() -> {}
            case Form.Flag() -> {
                if (!value.equals("true") && !value.equals("false")) {
                    throw wrong("is true or false, not '" + value + "'");
                }
            }
            case Form.Choice(List<String> values) -> {
                if (!values.contains(value)) {
                    throw wrong("is one of " + String.join(", ", values) + ", not '" + value + "'");
                }
            }
            case Form.Integral(long least, long most) -> checkNumber(value, least, most);
            case Form.LsnText() -> {
                try {
                    Lsn.parse(value);
                } catch (IllegalArgumentException e) {
                    throw wrong("is no LSN: " + e.getMessage());
                }
            }
            case Form.Time() -> {
                try {
                    OffsetDateTime.parse(value);
                } catch (DateTimeException e) {
                    throw wrong("is no time of the form 2026-11-20T10:15:00Z: '" + value + "'");
                }
            }
            case Form.MomentText() -> {
                try {
                    Moment.parse(value, ZoneOffset.UTC);
                } catch (BranchException e) {
                    throw HttpFailure.of(e);
                }
            }
        }
    }

    private void checkNumber(String value, long least, long most) throws HttpFailure {
        long number;
        try {
            number = Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw wrong("is no number: '" + value + "'");
        }
        if (number < least || number > most) {
            throw wrong("is to be a number from " + least + " to " + most + ", not " + value);
        }
    }

    private HttpFailure wrong(String how) {
        return HttpFailure.badRequest("the parameter '" + name + "' " + how);
    }
}
