package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.storage.TenantId;

/** What a route does with the tenant of its path. */
@FunctionalInterface
interface TenantRoute {
    Reply handle(TenantId tenant, Call call) throws TenantException, BranchException, HttpFailure;

    /** It as a router takes it. */
    static Route.Action of(TenantRoute route) {
        return call -> {
            TenantId tenant = id(call);
            try {
                return route.handle(tenant, call);
            } catch (TenantException e) {
                throw HttpFailure.of(e);
            }
        };
    }

    /** The tenant of a path. */
    static TenantId id(Call call) throws HttpFailure {
        return id(call.variable("tenant"));
    }

    static TenantId id(String text) throws HttpFailure {
        try {
            return TenantId.parse(text);
        } catch (IllegalArgumentException e) {
            throw HttpFailure.badRequest("not the ID of a tenant: " + e.getMessage());
        }
    }
}
