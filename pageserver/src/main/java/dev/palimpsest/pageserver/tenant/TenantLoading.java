package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.config.ConfigurationException;
import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.TenantTimelines;

/** Loads tenants out of the object store, with what counts for each. Safe for use by many threads, each with another tenant. */
final class TenantLoading {
    private final EmbeddedStore store;
    private final TenantBranches branches;
    private final TenantDefaults defaults;
    private final LocationFiles files;
    private final RequestContext context;

    TenantLoading(
            EmbeddedStore store,
            TenantBranches branches,
            TenantDefaults defaults,
            LocationFiles files,
            RequestContext context) {
        this.store = store;
        this.branches = branches;
        this.defaults = defaults;
        this.files = files;
        this.context = context;
    }

    /**
     * Loads a tenant, if there is one. To be called by the owner of the transition.
     *
     * @return false if there is none: it was deleted, or never was, and nobody said that it should be
     */
    boolean isLoaded(TenantSlot slot) throws StorageException {
        TenantId id = slot.id();
        if (slot.location().equals(TenantLocation.FOUND) && !isThere(id)) {
            return false;
        }
        TenantTimelines timelines = store.tenant(id, context);
        boolean done = false;
        try {
            TenantConfiguration own = own(slot, timelines);
            timelines.use(defaults.engineSettings(own));
            branches.adopt(timelines, context);
            slot.active(timelines, own);
            done = true;
            return true;
        } finally {
            if (!done) {
                store.release(id, RequestContext.of(TaskKind.LIFECYCLE));
            }
        }
    }

    /** What the tenant has of settings; those that were said when it was placed here become its own. */
    private TenantConfiguration own(TenantSlot slot, TenantTimelines timelines) throws StorageException {
        try {
            TenantLocation location = slot.location();
            if (location.settings() == null) {
                return TenantConfiguration.ofJson(timelines.life().settings());
            }
            TenantConfiguration said = TenantConfiguration.ofJson(location.settings());
            timelines.life().keepSettings(said.toJson(), context);
            files.write(slot.id(), location.withoutSettings());
            slot.location(location.withoutSettings());
            return said;
        } catch (ConfigurationException e) {
            throw new CorruptionException(
                    "settings of tenant " + timelines.tenant(), 0, String.valueOf(e.getMessage()), e);
        }
    }

    /** Whether there is anything to load; finishes a deletion that was begun. */
    boolean isThere(TenantId id) throws StorageException {
        return switch (store.presence(id, context)) {
            case PRESENT -> true;
            case DESERTED -> false;
            case DELETED -> {
                store.delete(id, context);
                yield false;
            }
        };
    }
}
