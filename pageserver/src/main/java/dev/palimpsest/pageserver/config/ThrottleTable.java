package dev.palimpsest.pageserver.config;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** {@code timeline_get_throttle}, as a tenant has it of its own: an object of JSON, with Neon's fields. */
final class ThrottleTable {
    static final String NAME = "timeline_get_throttle";

    static final List<Setting<?>> SETTINGS = List.of(
            StorageSettings.THROTTLE_TASK_KINDS,
            StorageSettings.THROTTLE_INITIAL,
            StorageSettings.THROTTLE_REFILL_INTERVAL,
            StorageSettings.THROTTLE_REFILL_AMOUNT,
            StorageSettings.THROTTLE_MAX);

    /** What must be more than 0 where there is a limit. */
    static final List<Setting<Integer>> POSITIVE =
            List.of(StorageSettings.THROTTLE_REFILL_AMOUNT, StorageSettings.THROTTLE_MAX);

    /** What is wrong if it is not. */
    static final String NOBODY_SERVED =
            "is to be at least 1 where there is a throttle, or no request would ever be served";

    private static final String PREFIX = TenantConfiguration.TABLE + NAME + ".";

    private ThrottleTable() {}

    /**
     * Checks a table.
     *
     * @param problems what is wrong is added to them
     * @return what is good of it: values as JSON has them, by name
     */
    static SortedMap<String, Object> read(Object value, List<Problem> problems) {
        SortedMap<String, Object> values = new TreeMap<>();
        if (!(value instanceof Map<?, ?> table)) {
            problems.add(problem(
                    NAME,
                    "wants an object, such as {\"task_kinds\": [\"PageRequestHandler\"], \"refill_interval\": \"1 s\","
                            + " \"refill_amount\": 1000, \"max\": 1000}"));
            return values;
        }
        int before = problems.size();
        table.forEach((key, field) -> {
            Optional<Setting<?>> setting =
                    SETTINGS.stream().filter(one -> name(one).equals(key)).findFirst();
            String name = NAME + "." + key;
            if (setting.isEmpty()) {
                problems.add(problem(
                        name,
                        "is unknown; there are "
                                + String.join(
                                        ", ",
                                        SETTINGS.stream()
                                                .map(ThrottleTable::name)
                                                .toList())));
            } else if (field != null) {
                Object plain = TenantConfiguration.plain(field);
                try {
                    Object read = setting.get().kind().reader().apply(plain);
                    values.put(name(setting.get()), read instanceof List<?> list ? list : plain);
                } catch (IllegalArgumentException e) {
                    problems.add(problem(name, String.valueOf(e.getMessage())));
                }
            }
        });
        if (problems.size() == before) {
            check(values, problems);
        }
        return Collections.unmodifiableSortedMap(values);
    }

    private static void check(SortedMap<String, Object> values, List<Problem> problems) {
        if (!(values.get(name(StorageSettings.THROTTLE_TASK_KINDS)) instanceof List<?> kinds)) {
            problems.add(problem(
                    NAME + "." + name(StorageSettings.THROTTLE_TASK_KINDS),
                    "is missing: [\"PageRequestHandler\"] for a limit, [] for none"));
        } else if (!kinds.isEmpty()) {
            for (Setting<Integer> tokens : POSITIVE) {
                if (!(values.get(name(tokens)) instanceof Long number) || number == 0) {
                    problems.add(problem(NAME + "." + name(tokens), NOBODY_SERVED));
                }
            }
        }
    }

    private static String name(Setting<?> setting) {
        return setting.key().substring(PREFIX.length());
    }

    private static Problem problem(String key, String what) {
        return new Problem(TenantConfiguration.WHERE, 0, key, what);
    }
}
