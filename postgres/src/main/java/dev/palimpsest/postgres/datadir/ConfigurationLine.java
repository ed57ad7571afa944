package dev.palimpsest.postgres.datadir;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A line of a configuration file such as {@code postgresql.conf}: {@code name = value # comment}, where the equals sign may
 * be missing and the value in single quotes; in these {@code ''} is a quote and a backslash escapes as in C. Directives to
 * include other files look the same.
 *
 * @param text the line as it stands, without its end
 * @param name what it sets, in lower case; empty for a comment, an empty line and what cannot be understood
 * @param value what to, without quotes; empty if there is no name
 */
public record ConfigurationLine(String text, String name, String value) {
    private static final Pattern SETTING =
            Pattern.compile("\\s*([A-Za-z_\\x80-\\xFF][\\w$.\\x80-\\xFF]*)(?:\\s*=\\s*|\\s+)"
                    + "(?:'((?:[^'\\\\]|\\\\.|'')*)'|([^'#=\\s]+))\\s*(?:#.*)?");

    /** Understands a line. Never fails. */
    public static ConfigurationLine parse(String text) {
        Matcher matcher = SETTING.matcher(text);
        if (!matcher.matches()) {
            return new ConfigurationLine(text, "", "");
        }
        String quoted = matcher.group(2);
        String value = quoted == null ? matcher.group(3) : unescaped(quoted);
        return new ConfigurationLine(text, matcher.group(1).toLowerCase(Locale.ROOT), value);
    }

    private static String unescaped(String quoted) {
        StringBuilder value = new StringBuilder(quoted.length());
        for (int i = 0; i < quoted.length(); i++) {
            char c = quoted.charAt(i);
            if (c == '\'') {
                i++;
                value.append('\'');
            } else if (c == '\\' && i + 1 < quoted.length()) {
                i++;
                i = unescape(quoted, i, value);
            } else {
                value.append(c);
            }
        }
        return value.toString();
    }

    /** Appends what the escape after a backslash stands for, and returns where it ends (inclusive). */
    private static int unescape(String quoted, int at, StringBuilder value) {
        char c = quoted.charAt(at);
        switch (c) {
            case 'b' -> value.append('\b');
            case 'f' -> value.append('\f');
            case 'n' -> value.append('\n');
            case 'r' -> value.append('\r');
            case 't' -> value.append('\t');
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int end = at;
                int code = 0;
                while (end < quoted.length() && end < at + 3 && Character.digit(quoted.charAt(end), 8) >= 0) {
                    code = code * 8 + Character.digit(quoted.charAt(end), 8);
                    end++;
                }
                value.append((char) (code & 0xFF));
                return end - 1;
            }
            default -> value.append(c);
        }
        return at;
    }

    /** A line that sets {@code name} to {@code value}, which has no line break. */
    public static String setting(String name, String value) {
        if (value.indexOf('\n') >= 0 || value.indexOf('\r') >= 0 || value.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("the value for " + name + " has a line break or a NUL in it");
        }
        return name + " = '" + value.replace("\\", "\\\\").replace("'", "''") + "'";
    }
}
