package dev.palimpsest.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The numbers that PostgreSQL has as unsigned 32-bit ones: of timelines, transactions, blocks, relations. */
final class UnsignedConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
        return parse(text);
    }

    static int parse(String text) {
        try {
            return Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("not an unsigned 32-bit number: \"" + text + "\"");
        }
    }
}
