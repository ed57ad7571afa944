package dev.palimpsest.pageserver.security;

import dev.palimpsest.storage.TenantId;
import java.util.Optional;

/**
 * Who asks: what a token says of its holder, once it was verified. Immutable.
 *
 * @param tenant which the token is for; always there for {@link Scope#TENANT}
 */
public record Caller(Scope scope, Optional<TenantId> tenant) {
    /** Who may do everything: whoever reaches an interface without authentication. */
    public static final Caller TRUSTED = new Caller(Scope.PAGESERVERAPI, Optional.empty());

    /** @throws IllegalArgumentException if the scope needs a tenant and there is none */
    public Caller {
        if (scope == Scope.TENANT && tenant.isEmpty()) {
            throw new IllegalArgumentException("a caller of scope tenant has a tenant");
        }
    }

    /** Whether everything may be done. */
    public boolean mayAdminister() {
        return scope == Scope.PAGESERVERAPI;
    }

    /** Whether everything may be done that concerns this tenant only. */
    public boolean mayUse(TenantId which) {
        return mayAdminister() || (scope == Scope.TENANT && tenant.equals(Optional.of(which)));
    }
}
