package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.pageserver.tenant.TenantService;
import dev.palimpsest.storage.TenantId;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What counts for one tenant and not for the others, as Neon's API has it. */
final class TenantConfigResource {
    private static final String PATH = "/v1/tenant/config";

    private record TenantConfig(Map<String, Object> tenantSpecificOverrides, Map<String, Object> effectiveConfig) {}

    private final TenantService tenants;

    TenantConfigResource(TenantService tenants) {
        this.tenants = tenants;
    }

    void addTo(Router router) {
        router.add(Route.get("/v1/tenant/{tenant}/config", "What counts for a tenant, and what of it is its own")
                .access(Access.TENANT)
                .answers(TenantConfig.class)
                .by(TenantRoute.of((tenant, _) -> Reply.ok(new TenantConfig(
                        tenants.configuration(tenant).values(), tenants.effectiveConfiguration(tenant))))));
        router.add(Route.put(PATH, "Gives a tenant settings of its own, and takes those it had")
                .takes(TenantFields.class, TenantFields.TENANT)
                .answers(200, new Route.Answer.JsonNull("Done"))
                .fails(HttpFailure.NOT_FOUND, "There is no such tenant here")
                .by(call -> change(call, (_, fields) -> TenantConfiguration.of(fields))));
        router.add(Route.patch(PATH, "Changes some of a tenant's own settings; null takes one away")
                .takes(TenantFields.class, TenantFields.TENANT)
                .answers(200, new Route.Answer.JsonNull("Done"))
                .fails(HttpFailure.NOT_FOUND, "There is no such tenant here")
                .by(call -> change(call, TenantConfiguration::patched)));
    }

    @FunctionalInterface
    private interface Change {
        TenantConfiguration of(TenantConfiguration before, Map<String, @Nullable Object> fields) throws IOException;
    }

    private Reply change(Call call, Change change) throws HttpFailure {
        TenantFields fields = call.body(TenantFields.class);
        Object id = fields.remove(TenantFields.TENANT);
        TenantId tenant = TenantRoute.id(Call.required(TenantFields.TENANT, id instanceof String text ? text : null));
        try {
            tenants.configure(tenant, before -> change.of(before, fields));
            return Reply.okNull();
        } catch (TenantException e) {
            throw HttpFailure.of(e);
        }
    }
}
