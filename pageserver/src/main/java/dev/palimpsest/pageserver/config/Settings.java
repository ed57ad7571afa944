package dev.palimpsest.pageserver.config;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * All settings that there are, in the order in which they are documented. Where one means what one of Neon's pageserver does, it
 * has that one's name. None is a secret: secrets are in files of their own.
 */
public final class Settings {
    private static final List<Setting<?>> ALL = Stream.concat(
                    ServiceSettings.all().stream(), StorageSettings.all().stream())
            .toList();

    private Settings() {}

    /** All there are; those in tables come last. */
    public static List<Setting<?>> all() {
        return ALL;
    }

    /** A setting by its key. */
    public static Optional<Setting<?>> of(String key) {
        return ALL.stream().filter(setting -> setting.key().equals(key)).findFirst();
    }
}
