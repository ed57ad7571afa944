package dev.palimpsest.cli;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Amounts of bytes as PostgreSQL's settings have them: {@code 500MB}, {@code 20 GB}; units of 1024, a plain number is bytes. */
final class SizeConverter implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("(\\d+)\\s*([a-zA-Z]*)");
    private static final Map<String, Integer> SHIFTS =
            Map.of("", 0, "b", 0, "kb", 10, "mb", 20, "gb", 30, "tb", 40, "pb", 50);

    @Override
    public Long convert(String text) {
        Matcher size = SIZE.matcher(text.strip());
        Integer shift = size.matches() ? SHIFTS.get(size.group(2).toLowerCase(Locale.ROOT)) : null;
        if (shift == null) {
            throw new TypeConversionException("not a size: \"" + text + "\", wanted such as 500MB or 20GB");
        }
        try {
            return Math.multiplyExact(Long.parseLong(size.group(1)), 1L << shift);
        } catch (ArithmeticException | NumberFormatException e) {
            throw new TypeConversionException("too large: \"" + text + "\"");
        }
    }
}
