package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.config.Setting;
import dev.palimpsest.pageserver.config.StorageSettings;
import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.storage.TenantId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * How many requests tenants may make: as many as the server lets all, but for those that have a setting of their own. What counts
 * may change at any time, and is to be asked for each request. Safe for use by many threads; never waits.
 */
public final class TenantThrottles {
    private static final List<String> LIMITED = List.of("PageRequestHandler");

    private final Map<TenantId, TenantSlot> slots;
    private volatile Supplier<ThrottleSettings> servers = () -> ThrottleSettings.NONE;

    TenantThrottles(Map<TenantId, TenantSlot> slots) {
        this.slots = slots;
    }

    /** Who is asked from now on what counts for tenants that have nothing of their own; before that it is no limit. */
    public void servers(Supplier<ThrottleSettings> others) {
        servers = others;
    }

    /** What a tenant has of its own; empty if it has nothing, or is not here. */
    public Optional<ThrottleSettings> own(TenantId tenant) {
        TenantSlot slot = slots.get(tenant);
        return slot == null ? Optional.empty() : slot.throttle();
    }

    /** What a tenant has of its own: all of it or nothing. */
    static Optional<ThrottleSettings> own(TenantConfiguration of) {
        return of.find(StorageSettings.THROTTLE_TASK_KINDS)
                .map(kinds -> new ThrottleSettings(
                        !kinds.isEmpty(),
                        given(of, StorageSettings.THROTTLE_INITIAL),
                        given(of, StorageSettings.THROTTLE_REFILL_INTERVAL),
                        given(of, StorageSettings.THROTTLE_REFILL_AMOUNT),
                        given(of, StorageSettings.THROTTLE_MAX)));
    }

    private static <T> T given(TenantConfiguration of, Setting<T> setting) {
        return of.get(setting, setting.standard().orElseThrow());
    }

    /** What counts for a tenant, as JSON has it. */
    Map<String, Object> effective(TenantSlot slot) {
        ThrottleSettings counts = slot.throttle().orElseGet(servers);
        return new TreeMap<>(Map.of(
                "task_kinds", counts.enabled() ? LIMITED : List.of(),
                "initial", counts.initial(),
                "refill_interval", Units.print(counts.refillInterval()),
                "refill_amount", counts.refillAmount(),
                "max", counts.max()));
    }
}
