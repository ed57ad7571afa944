package dev.palimpsest.pageserver.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Settings in the order in which they are made. Filled by one thread. */
final class SettingList {
    private final List<Setting<?>> all = new ArrayList<>();

    /** A setting of which another value counts after a restart. */
    <T> Setting<T> add(String key, Kind<T> kind, @Nullable T standard, String meaning) {
        return add(new Setting<>(key, kind, standard, Setting.Change.RESTART, meaning));
    }

    /** A setting of which another value counts at once. */
    <T> Setting<T> reloadable(String key, Kind<T> kind, @Nullable T standard, String meaning) {
        return add(new Setting<>(key, kind, standard, Setting.Change.RELOAD, meaning));
    }

    private <T> Setting<T> add(Setting<T> setting) {
        all.add(setting);
        return setting;
    }

    List<Setting<?>> all() {
        return Collections.unmodifiableList(all);
    }
}
