package dev.palimpsest.pageserver.tenant;

import org.jspecify.annotations.Nullable;

/**
 * What a server has of a tenant, as it was told.
 *
 * @param mode what it has
 * @param generation that whoever places tenants gave with it, so that an older word of his can be told from a newer one; null if
 *     nobody did. What keeps servers apart are the generations that they claim themselves
 * @param settings of the tenant, as JSON, while it is not attached; null for none. Of an attached one the object store has them
 */
public record TenantLocation(
        Mode mode, @Nullable Long generation, @Nullable String settings) {
    /** What a server has of a tenant. */
    public enum Mode {
        /** It serves it, and alone writes what counts. */
        ATTACHED,
        /** It keeps layer files of it that whoever has it reads, so that it can take it over without downloading them; serves nothing. */
        SECONDARY,
        /** Nothing; what the object store has may be another server's. */
        DETACHED
    }

    /** Attached because the object store has it, and nobody said otherwise. */
    public static final TenantLocation FOUND = new TenantLocation(Mode.ATTACHED, null, null);

    /** The same, once the tenant itself has its settings. */
    TenantLocation withoutSettings() {
        return new TenantLocation(mode, generation, null);
    }
}
