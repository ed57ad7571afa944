package dev.palimpsest.pageserver.tenant;

import org.jspecify.annotations.Nullable;

/**
 * How a tenant is that is attached here.
 *
 * @param reason why it is broken, or, while it is attaching, why the last attempt failed; null if there is none
 */
public record TenantState(Phase phase, @Nullable String reason) {
    /** Where it is on its way. */
    public enum Phase {
        /** It is being loaded; what is asked of it waits a while. */
        ATTACHING("Attaching"),
        /** It serves. */
        ACTIVE("Active"),
        /** It is on its way out. */
        STOPPING("Stopping"),
        /** It cannot be loaded, or nothing that is written to it counts any more; somebody has to look. */
        BROKEN("Broken");

        private final String neonsName;

        Phase(String neonsName) {
            this.neonsName = neonsName;
        }

        /** What Neon's API calls it. */
        public String neonsName() {
            return neonsName;
        }
    }

    static final TenantState ATTACHING = new TenantState(Phase.ATTACHING, null);
    static final TenantState ACTIVE = new TenantState(Phase.ACTIVE, null);
    static final TenantState STOPPING = new TenantState(Phase.STOPPING, null);

    static TenantState attachingAgain(String reason) {
        return new TenantState(Phase.ATTACHING, reason);
    }

    static TenantState broken(String reason) {
        return new TenantState(Phase.BROKEN, reason);
    }
}
