package dev.palimpsest.pageserver.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** A value for each setting, and where it comes from: each for itself is good. Immutable. */
public final class Configuration {
    /** Every setting as it is if nobody says anything. */
    public static final Configuration STANDARD = new Configuration(Map.of());

    private record Given(Object value, String where, int line) {}

    private final Map<Setting<?>, Given> given;

    private Configuration(Map<Setting<?>, Given> given) {
        this.given = new LinkedHashMap<>(given);
    }

    /** The same with another value, which is checked as if it stood in the file. */
    public Configuration with(Setting<?> setting, Object toml, String where) throws ConfigurationException {
        return with(setting, toml, where, 0);
    }

    Configuration with(Setting<?> setting, Object toml, String where, int line) throws ConfigurationException {
        Configuration changed = new Configuration(given);
        try {
            changed.given.put(setting, new Given(setting.kind().reader().apply(toml), where, line));
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(
                    List.of(new Problem(where, line, setting.key(), String.valueOf(e.getMessage()))));
        }
        return changed;
    }

    /** What is given for a setting, or else what it is if nothing is. */
    public <T> Optional<T> find(Setting<T> setting) {
        Given value = given.get(setting);
        if (value == null) {
            return setting.standard();
        }
        @SuppressWarnings("unchecked") // made by the setting's own reader
        T own = (T) value.value;
        return Optional.of(own);
    }

    /** The value of a setting that always has one. */
    public <T> T get(Setting<T> setting) {
        return find(setting).orElseThrow(() -> new IllegalArgumentException(setting + " need not have a value"));
    }

    /** Whether somebody said something. */
    public boolean isGiven(Setting<?> setting) {
        return given.containsKey(setting);
    }

    /** Something is wrong with a value, together with others. */
    public Problem problem(Setting<?> setting, String why) {
        Given value = given.get(setting);
        return new Problem(
                value == null ? "configuration" : value.where, value == null ? 0 : value.line, setting.key(), why);
    }

    /** The settings that have other values than in another configuration, in the order of {@link Settings}. */
    public List<Setting<?>> changes(Configuration other) {
        List<Setting<?>> changed = new ArrayList<>();
        for (Setting<?> setting : Settings.all()) {
            if (!Objects.equals(find(setting), other.find(setting))) {
                changed.add(setting);
            }
        }
        return changed;
    }

    /** A value as in the file; {@code unset} if there is none. */
    public String print(Setting<?> setting) {
        return find(setting).map(setting::print).orElse("unset");
    }
}
