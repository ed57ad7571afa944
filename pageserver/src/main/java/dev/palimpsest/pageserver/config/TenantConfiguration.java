package dev.palimpsest.pageserver.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * What counts for one tenant other than for the others: values for some of the settings below {@code tenant_config}. Each is good
 * for itself. Immutable.
 *
 * <p>The settings of a table, such as {@code timeline_get_throttle}, are given together: those that are left out are as if nobody
 * had said anything, whatever the server has.
 */
public final class TenantConfiguration {
    /** Nothing. */
    public static final TenantConfiguration NONE = new TenantConfiguration(new TreeMap<>());

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final TypeReference<TreeMap<String, @Nullable Object>> FIELDS = new TypeReference<>() {};
    static final String TABLE = "tenant_config.";
    static final String WHERE = "tenant settings";

    /** The settings that a tenant may have of its own. */
    private static final List<Setting<?>> SETTINGS = List.of(
            StorageSettings.CHECKPOINT_DISTANCE,
            StorageSettings.CHECKPOINT_TIMEOUT,
            StorageSettings.MAX_FROZEN_LAYERS,
            StorageSettings.PITR_INTERVAL,
            StorageSettings.GC_HORIZON,
            StorageSettings.GC_PERIOD,
            StorageSettings.GC_COMPACTION_ENABLED,
            StorageSettings.GC_COMPACTION_INITIAL_THRESHOLD_KB,
            StorageSettings.GC_COMPACTION_RATIO_PERCENT,
            StorageSettings.LSN_LEASE_LENGTH,
            StorageSettings.COMPACTION_THRESHOLD,
            StorageSettings.COMPACTION_MAX_INPUT_SIZE,
            StorageSettings.COMPACTION_TARGET_SIZE,
            StorageSettings.IMAGE_CREATION_THRESHOLD,
            StorageSettings.MAX_RECORDS_PER_KEY,
            StorageSettings.HEATMAP_PERIOD);

    /** As JSON has them: String, Long, Boolean, or a map of a table, by name without the table that all stand in. */
    private final SortedMap<String, Object> values;

    private TenantConfiguration(SortedMap<String, Object> values) {
        this.values = Collections.unmodifiableSortedMap(values);
    }

    /**
     * Of values as JSON has them: text, numbers, truth values, objects; what is null is not there.
     *
     * @throws ConfigurationException if one is unknown, cannot be a tenant's own, or makes no sense; all that is wrong is in it
     */
    public static TenantConfiguration of(Map<String, ? extends @Nullable Object> fields) throws ConfigurationException {
        SortedMap<String, Object> values = new TreeMap<>();
        List<Problem> problems = new ArrayList<>();
        fields.forEach((name, value) -> {
            Optional<Setting<?>> setting = setting(name);
            if (name.equals(ThrottleTable.NAME)) {
                if (value != null) {
                    values.put(name, ThrottleTable.read(value, problems));
                }
            } else if (setting.isEmpty()) {
                problems.add(new Problem(WHERE, 0, name, why(name)));
            } else if (value != null) {
                Object plain = plain(value);
                try {
                    Objects.requireNonNull(setting.get().kind().reader().apply(plain));
                    values.put(name, plain);
                } catch (IllegalArgumentException e) {
                    problems.add(new Problem(WHERE, 0, name, String.valueOf(e.getMessage())));
                }
            }
        });
        if (!problems.isEmpty()) {
            throw new ConfigurationException(problems);
        }
        return new TenantConfiguration(values);
    }

    /** A value as a kind reads it, which knows one sort of whole numbers. */
    static Object plain(Object value) {
        return value instanceof Integer number ? Long.valueOf(number) : value;
    }

    private static Optional<Setting<?>> setting(String name) {
        return SETTINGS.stream()
                .filter(setting -> setting.key().equals(TABLE + name))
                .findFirst();
    }

    private static String why(String name) {
        String known = String.join(", ", names());
        boolean isTable = ThrottleTable.SETTINGS.stream()
                .anyMatch(setting -> setting.key().equals(TABLE + name));
        if (isTable) {
            return "is given in a table: {\"" + ThrottleTable.NAME + "\": {…}}";
        }
        return Settings.of(TABLE + name).isPresent()
                ? "counts for all tenants, and none can have its own; those that can be are " + known
                : "is no setting of a tenant; those are " + known;
    }

    /** The names of all there can be, without the table that they stand in. */
    public static List<String> names() {
        return Stream.concat(SETTINGS.stream().map(TenantConfiguration::name), Stream.of(ThrottleTable.NAME))
                .toList();
    }

    /** All there can be, by their names without the table that they stand in; in those of a table inside of that there is a dot. */
    public static Map<String, Setting<?>> possible() {
        Map<String, Setting<?>> all = new TreeMap<>();
        Stream.concat(SETTINGS.stream(), ThrottleTable.SETTINGS.stream())
                .forEach(setting -> all.put(name(setting), setting));
        return all;
    }

    private static String name(Setting<?> setting) {
        return setting.key().substring(TABLE.length());
    }

    /** The same, but for what {@code changes} has: a null takes a value away. */
    public TenantConfiguration patched(Map<String, ? extends @Nullable Object> changes) throws ConfigurationException {
        Map<String, @Nullable Object> next = new TreeMap<>(values);
        next.putAll(changes);
        return of(next);
    }

    /** A value; empty if the server's counts, or, in a table that there is, what it is if nobody says anything. */
    public <T> Optional<T> find(Setting<T> setting) {
        return Optional.ofNullable(value(name(setting)))
                .map(value -> setting.kind().reader().apply(value));
    }

    private @Nullable Object value(String name) {
        int dot = name.indexOf('.');
        if (dot < 0) {
            return values.get(name);
        }
        return values.get(name.substring(0, dot)) instanceof Map<?, ?> table
                ? table.get(name.substring(dot + 1))
                : null;
    }

    /** A value, or {@code servers}. */
    public <T> T get(Setting<T> setting, T servers) {
        return find(setting).orElse(servers);
    }

    /** All there are, as JSON has them, by name. */
    public SortedMap<String, Object> values() {
        return values;
    }

    /** As JSON; null if there are none. */
    public @Nullable String toJson() {
        return values.isEmpty() ? null : JSON.writeValueAsString(values);
    }

    /**
     * Of JSON; null for none.
     *
     * @throws ConfigurationException if it is none, or has what does not belong there
     */
    public static TenantConfiguration ofJson(@Nullable String json) throws ConfigurationException {
        if (json == null) {
            return NONE;
        }
        try {
            return of(JSON.readValue(json, FIELDS));
        } catch (JacksonException e) {
            throw new ConfigurationException(
                    List.of(new Problem(WHERE, 0, "", "are not JSON: " + e.getOriginalMessage())));
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TenantConfiguration same && values.equals(same.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
