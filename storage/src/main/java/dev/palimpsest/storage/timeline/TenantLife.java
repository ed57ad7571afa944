package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.SupersededException;
import dev.palimpsest.storage.context.RequestContext;
import org.jspecify.annotations.Nullable;

/** One life of a tenant, from when it was loaded to when it is shut down. Safe for use by many threads. */
public sealed interface TenantLife permits Attachment {
    /** Under which everything is written. */
    Generation generation();

    /** Whether it was found that there is a newer life, in another server: then nothing that is written here counts. */
    boolean isSuperseded();

    /** What counts for the tenant other than for others, as it was kept: a JSON object; null for nothing. */
    @Nullable
    String settings();

    /**
     * Keeps what counts for the tenant other than for others, for the lives to come; in this one {@link TenantTimelines#use} has it
     * count. Durable on return.
     *
     * @param json an object; null for nothing
     * @throws SupersededException if there is a newer life
     */
    void keepSettings(@Nullable String json, RequestContext context) throws StorageException;
}
