package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.TenantTimelines;
import java.util.Map;

/** Who takes up what a tenant has of branches, and lets go of it. */
public interface TenantBranches {
    /**
     * What there is of a tenant.
     *
     * @param branches how many branches
     * @param layerBytes their layers
     * @param residentBytes those of the layers that are on the local disk
     */
    record Size(int branches, long layerBytes, long residentBytes) {
        /** Nothing. */
        public static final Size NONE = new Size(0, 0, 0);

        /** Together with another one. */
        public Size plus(Size other) {
            return new Size(
                    branches + other.branches, layerBytes + other.layerBytes, residentBytes + other.residentBytes);
        }
    }

    /** Serves the branches of a tenant that was just loaded, and follows what they follow. If it throws, it does neither. */
    void adopt(TenantTimelines tenant, RequestContext context) throws StorageException;

    /**
     * Whether the branches of a tenant may go.
     *
     * @throws TenantException CONFLICT if not
     */
    void checkMayGo(TenantId tenant) throws TenantException;

    /** Writes to layer files, and waits until the object store has, what was taken in so far. Changes nothing else. */
    void flush(TenantTimelines tenant, RequestContext context) throws StorageException;

    /** Serves the branches of a tenant no more; what they follow, and endpoints, can be gone on with later. */
    void letGo(TenantId tenant);

    /** The same for good: endpoints and what belongs to sources goes too, as far as it can be reached. */
    void forget(TenantId tenant);

    /** What there is of each tenant that has branches here. */
    Map<TenantId, Size> sizes();

    /** Takes up again what waits until all tenants have been looked at. */
    void allLookedAt();
}
