package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.Moment;
import java.time.ZoneId;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a moment from the command line: an LSN, or a time, in the user's zone if it does not say its own. */
final class MomentOption implements ITypeConverter<Moment> {
    static final String FORMS = "an LSN such as 0/3A1B2C8, a time such as \"2026-11-20 10:15:00+00\", or latest";

    @Override
    public Moment convert(String text) {
        try {
            return Moment.parse(text, ZoneId.systemDefault());
        } catch (BranchException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }

    /** For a parameter of a path. */
    static String parameter(Moment moment) {
        return "at=" + ServerClient.encode(moment.toString());
    }
}
