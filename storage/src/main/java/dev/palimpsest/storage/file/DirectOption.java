package dev.palimpsest.storage.file;

import java.nio.file.OpenOption;
import java.util.Arrays;
import java.util.Optional;

/**
 * The JDK's option for direct I/O. It is found by its name because every mention of its class is a compiler warning that
 * nothing suppresses.
 */
final class DirectOption {
    private static final String CLASS = "com.sun.nio.file.ExtendedOpenOption";

    private DirectOption() {}

    /** The option, or empty on a JDK that has none. */
    static Optional<OpenOption> find() {
        try {
            return Arrays.stream(Class.forName(CLASS).getEnumConstants())
                    .filter(constant -> constant.toString().equals("DIRECT"))
                    .map(OpenOption.class::cast)
                    .findFirst();
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
    }
}
