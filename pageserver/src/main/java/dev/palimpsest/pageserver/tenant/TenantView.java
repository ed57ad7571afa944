package dev.palimpsest.pageserver.tenant;

import org.jspecify.annotations.Nullable;

/**
 * How it stands with a tenant.
 *
 * @param id which
 * @param mode what this server has of it
 * @param phase where it is on its way; null if it is not attached
 * @param reason why it is broken, or cannot be loaded at the moment; null if there is nothing to tell
 * @param generation which life of it this is: the one that was claimed for it here; null if it is not loaded
 * @param branches how many it has here
 * @param layerBytes how large their layers are
 * @param residentBytes how much of that is on the local disk
 */
public record TenantView(
        String id,
        TenantLocation.Mode mode,
        TenantState.@Nullable Phase phase,
        @Nullable String reason,
        @Nullable Long generation,
        int branches,
        long layerBytes,
        long residentBytes) {}
