package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.RemotePaths;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes a tenant that nobody has loaded here, whether it could be loaded or not.
 *
 * <pre>
 *   claim a generation ─ publish that the tenant is deleted ─ delete local files ─ delete objects of timelines
 *      │ dies here: as before                │ dies here: deleted; whoever starts on the store deletes the rest
 * </pre>
 *
 * <p>The manifests stay, for the reason given at {@link EmbeddedStore#presence}; and what a listing does not show yet, or
 * somebody puts late who has not found out that he lost the tenant, is deleted by the next start.
 */
final class TenantDeletion {
    private static final Logger LOG = LoggerFactory.getLogger(TenantDeletion.class);
    private static final int BATCH = 1000;

    private TenantDeletion() {}

    static void run(Engine engine, TenantId tenant, Path workDirectory, RequestContext context)
            throws StorageException {
        GenerationClaim.Claimed claimed = new GenerationClaim(engine.objects(), tenant, context)
                .claim(engine.environment().random());
        Mutex publishing = new Mutex("the right to replace the manifest of tenant " + tenant, engine.newSignal());
        new Attachment(engine.objects(), tenant, claimed, TenantManifest.EMPTY, publishing)
                .delete(engine.environment().clock().now(), context);
        finish(engine, tenant, workDirectory, context);
    }

    /** Deletes what is left of a tenant that is deleted. */
    static void finish(Engine engine, TenantId tenant, Path workDirectory, RequestContext context)
            throws StorageException {
        TenantDirectory.in(workDirectory, engine.disk(), tenant).deleteAll();
        List<ObjectKey> batch = new ArrayList<>();
        batch.add(new ObjectKey(RemotePaths.heatmap(tenant, ShardIndex.UNSHARDED)));
        long deleted = 0;
        ListRequest request = ListRequest.all(RemotePaths.timelines(tenant, ShardIndex.UNSHARDED));
        while (true) {
            Listing page = engine.objects().list(request, context);
            for (ObjectInfo object : page.objects()) {
                batch.add(object.key());
                deleted++;
                if (batch.size() == BATCH) {
                    RemoteLayers.deleteAll(engine.objects(), List.copyOf(batch), context);
                    batch.clear();
                }
            }
            if (page.next().isEmpty()) {
                break;
            }
            request = request.withAfter(page.next().get());
        }
        RemoteLayers.deleteAll(engine.objects(), List.copyOf(batch), context);
        if (deleted > 0) {
            LOG.info("tenant {} is deleted, with {} objects", tenant, deleted);
        }
    }
}
