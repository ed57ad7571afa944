package dev.palimpsest.storage.check;

import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.RemotePaths;

/** A layer that an index part names. */
record LayerRef(TenantId tenant, TimelineId timeline, LayerName name, LayerMetadata metadata) {
    /** Where it is. */
    ObjectKey key() {
        ShardIndex shard = metadata.shard();
        return new ObjectKey(RemotePaths.layer(tenant, shard, timeline, name.toString(), metadata.generation()));
    }
}
