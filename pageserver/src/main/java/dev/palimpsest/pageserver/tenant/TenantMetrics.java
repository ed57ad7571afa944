package dev.palimpsest.pageserver.tenant;

import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/** Shows how tenants are. */
final class TenantMetrics {
    private TenantMetrics() {}

    static void register(PrometheusRegistry registry, Supplier<? extends Collection<TenantSlot>> slots) {
        GaugeWithCallback.builder()
                .name("pageserver_tenant_states_count")
                .help("Attached tenants, by state.")
                .labelNames("state")
                .callback(callback -> {
                    Map<TenantState.Phase, Integer> counts = new EnumMap<>(TenantState.Phase.class);
                    slots.get().stream()
                            .filter(TenantSlot::isAttached)
                            .forEach(slot -> counts.merge(slot.state().phase(), 1, Integer::sum));
                    for (TenantState.Phase phase : TenantState.Phase.values()) {
                        callback.call(counts.getOrDefault(phase, 0), phase.neonsName());
                    }
                })
                .register(registry);
        GaugeWithCallback.builder()
                .name("pageserver_broken_tenants_count")
                .help("Tenants that are broken, each with 1.")
                .labelNames("tenant_id", "shard_id")
                .callback(callback -> slots.get().stream()
                        .filter(slot -> slot.isAttached() && slot.state().phase() == TenantState.Phase.BROKEN)
                        .forEach(slot -> callback.call(1, slot.id().toString(), "0000")))
                .register(registry);
        GaugeWithCallback.builder()
                .name("pageserver_tenant_manager_slots")
                .help("Tenants that this server has something of, by what it has.")
                .labelNames("mode")
                .callback(callback -> {
                    int attached = (int)
                            slots.get().stream().filter(TenantSlot::isAttached).count();
                    callback.call(attached, "attached");
                    callback.call(slots.get().size() - attached, "secondary");
                })
                .register(registry);
    }
}
