package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.timeline.WarmProgress;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * What can be done with the tenants of a server. Safe for use by many threads; every method may take as long as its work does.
 * What it says of a tenant that is not here is {@link TenantException.Kind#NOT_FOUND}; of one that something else is done with at
 * the moment {@link TenantException.Kind#CONFLICT}.
 */
public interface TenantService {
    /** All that are here, attached or secondary, by ID. */
    List<TenantView> list();

    /** One of them; waits a few seconds for one that is being loaded. */
    TenantView view(TenantId id) throws TenantException;

    /**
     * Waits a few seconds until a tenant serves.
     *
     * @throws TenantException UNAVAILABLE if it is not that far yet or on its way out; FAILED if it is broken
     */
    void awaitActive(TenantId id) throws TenantException;

    /** Waits a few seconds until every tenant was tried to load once since the start; whether that is so. */
    boolean awaitAllLookedAt();

    /** Whether every tenant was tried to load once since the start. */
    boolean areAllLookedAt();

    /** What keeps the server from serving all it should, a sentence each; empty if nothing does. */
    List<String> notServing();

    /** How full the server is. */
    Utilization utilization() throws TenantException;

    /** What this server was told to have of tenants, or has of its own accord, by ID. */
    SortedMap<TenantId, TenantLocation> locations();

    /**
     * Tells it what to have of a tenant. Durable on return; an attached one is loaded then, and may serve later only. To be told
     * the same again is no harm.
     *
     * @param wanted what it has of settings counts for all modes
     * @return whether anything has changed
     * @throws TenantException INVALID if the generation is older than the one that was given last
     */
    boolean relocate(TenantId id, TenantLocation wanted) throws TenantException;

    /**
     * Loads an attached tenant anew, also one that is broken.
     *
     * @param dropCache whether its local files go before that
     */
    void reset(TenantId id, boolean dropCache) throws TenantException;

    /**
     * Deletes a tenant and all its history for good. Durable on return. Deletes what is left if it was deleted before; does
     * nothing if there never was such a tenant. CONFLICT if it is not attached here: it may be another server's.
     */
    void delete(TenantId id) throws TenantException;

    /** Writes into the object store which layers of an attached tenant are here, for servers that have it as secondary. */
    void tellResident(TenantId id) throws TenantException;

    /**
     * How much is here of what is to be here of a secondary tenant.
     *
     * @param bring whether to bring what is missing first
     */
    WarmProgress warmth(TenantId id, boolean bring) throws TenantException;

    /** What counts for a tenant other than for others. */
    TenantConfiguration configuration(TenantId id) throws TenantException;

    /** Everything that counts for a tenant, as JSON has it, by name. */
    Map<String, Object> effectiveConfiguration(TenantId id) throws TenantException;

    /**
     * Changes what counts for a tenant other than for others. Counts, and is durable, on return.
     *
     * @param change makes the new of the old; may throw what makes no sense
     */
    void configure(TenantId id, Change change) throws TenantException;

    /** Makes new settings of old ones. */
    @FunctionalInterface
    interface Change {
        /** The new ones. */
        TenantConfiguration of(TenantConfiguration before) throws IOException;
    }
}
