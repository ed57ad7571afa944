package dev.palimpsest.pageserver.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlArray;

/**
 * What values a setting can have.
 *
 * @param <T> in the program
 * @param name of the type, for people
 * @param range which values are good, for people; empty if all are
 * @param reader makes a value of what TOML has, String, Long, Double, Boolean or TomlArray, or JSON, with a List instead of the
 *     last. IllegalArgumentException if it cannot; the
 *     message is for the user
 * @param writer makes TOML of it
 */
record Kind<T>(String name, String range, Function<Object, T> reader, Function<T, String> writer) {
    private static final Pattern ZSTD = Pattern.compile("zstd(?:\\(([0-9]{1,2})\\))?");
    private static final int MAX_ZSTD = 22;

    private static IllegalArgumentException wrongType(String wanted, @Nullable Object value) {
        String is = switch (value) {
            case String _ -> "a text";
            case Long _ -> "a number";
            case Double _ -> "a number with a fraction";
            case Boolean _ -> "a truth value";
            case null -> "null";
            default -> "something else";
        };
        return new IllegalArgumentException("wants " + wanted + ", not " + is);
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static String text(@Nullable Object value, String wanted) {
        if (value instanceof String text) {
            return text;
        }
        throw wrongType(wanted, value);
    }

    static Kind<String> text() {
        return new Kind<>(
                "text",
                "not empty",
                value -> {
                    String text = text(value, "a text in quotes");
                    if (text.isBlank()) {
                        throw new IllegalArgumentException("is empty");
                    }
                    return text;
                },
                Kind::quoted);
    }

    static Kind<Path> path() {
        return new Kind<>(
                "path",
                "",
                value -> {
                    String text = text(value, "a path in quotes");
                    try {
                        if (!text.isBlank()) {
                            return Path.of(text);
                        }
                    } catch (InvalidPathException e) {
                        throw new IllegalArgumentException("is no path: " + e.getReason(), e);
                    }
                    throw new IllegalArgumentException("is empty");
                },
                path -> quoted(path.toString()));
    }

    static Kind<Address> address() {
        return new Kind<>(
                "address",
                "HOST:PORT, port 0 for a free one",
                value -> Address.parse(text(value, "HOST:PORT in quotes")),
                address -> quoted(address.toString()));
    }

    /** Some of these names, or none. */
    static Kind<List<String>> names(List<String> possible) {
        String range = "some of " + String.join(", ", possible);
        return new Kind<>(
                "list of names",
                range,
                value -> {
                    List<?> list = switch (value) {
                        case TomlArray array -> array.toList();
                        case List<?> json -> json;
                        default -> throw wrongType("a list in brackets", value);
                    };
                    List<String> names = list.stream()
                            .map(name -> text(name, "names in quotes"))
                            .distinct()
                            .toList();
                    for (String name : names) {
                        if (!possible.contains(name)) {
                            throw new IllegalArgumentException("has " + range + ", not \"" + name + "\"");
                        }
                    }
                    return names;
                },
                names -> names.stream().map(Kind::quoted).collect(Collectors.joining(", ", "[", "]")));
    }

    static Kind<Boolean> truth() {
        return new Kind<>(
                "true or false",
                "",
                value -> {
                    if (value instanceof Boolean truth) {
                        return truth;
                    }
                    throw wrongType("true or false", value);
                },
                String::valueOf);
    }

    static Kind<Integer> number(int least, int most) {
        return new Kind<>(
                "number",
                least + " to " + most,
                value -> {
                    if (!(value instanceof Long number)) {
                        throw wrongType("a whole number", value);
                    }
                    if (number < least || number > most) {
                        throw new IllegalArgumentException(
                                "is to be from " + least + " to " + most + ", not " + number);
                    }
                    return number.intValue();
                },
                String::valueOf);
    }

    static Kind<Long> bytes(long least, long most) {
        return new Kind<>(
                "bytes",
                Units.print(least) + " to " + Units.print(most),
                value -> {
                    long bytes = switch (value) {
                        case Long number -> number;
                        case String text -> Units.bytes(text);
                        default -> throw wrongType("a number of bytes, such as \"64MiB\"", value);
                    };
                    if (bytes < least || bytes > most) {
                        throw new IllegalArgumentException("is to be from " + Units.print(least) + " to "
                                + Units.print(most) + ", not " + bytes + " bytes");
                    }
                    return bytes;
                },
                bytes -> quoted(Units.print(bytes)));
    }

    static Kind<Duration> time(Duration least, Duration most) {
        return new Kind<>(
                "duration",
                Units.print(least) + " to " + Units.print(most),
                value -> {
                    Duration duration = Units.duration(text(value, "a duration in quotes, such as \"10 s\""));
                    if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
                        throw new IllegalArgumentException("is to be from " + Units.print(least) + " to "
                                + Units.print(most) + ", not " + Units.print(duration));
                    }
                    return duration;
                },
                duration -> quoted(Units.print(duration)));
    }

    /** A level of zstd, 1 to 22; 0 for no compression. */
    static Kind<Integer> compression() {
        return new Kind<>(
                "compression",
                "disabled, zstd, zstd(1) to zstd(22)",
                value -> {
                    String text = text(value, "such as \"zstd(1)\"");
                    if (text.equals("disabled")) {
                        return 0;
                    }
                    Matcher zstd = ZSTD.matcher(text);
                    int level = !zstd.matches() ? 0 : zstd.group(1) == null ? 1 : Integer.parseInt(zstd.group(1));
                    if (level < 1 || level > MAX_ZSTD) {
                        throw new IllegalArgumentException(
                                "is disabled, zstd, or zstd(1) to zstd(22), not \"" + text + "\"");
                    }
                    return level;
                },
                level -> level == 0 ? quoted("disabled") : quoted("zstd(" + level + ")"));
    }

    static <E extends Enum<E>> Kind<E> choice(Class<E> type, Function<E, String> names) {
        List<E> all = List.of(type.getEnumConstants());
        String range = String.join(", ", all.stream().map(names).toList());
        return new Kind<>(
                "choice",
                range,
                value -> all.stream()
                        .filter(one -> names.apply(one).equalsIgnoreCase(text(value, "one of " + range)))
                        .findFirst()
                        .orElseThrow(
                                () -> new IllegalArgumentException("is one of " + range + ", not \"" + value + "\"")),
                one -> quoted(names.apply(one)));
    }

    static <E extends Enum<E>> Kind<E> choice(Class<E> type) {
        return choice(type, one -> one.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }
}
