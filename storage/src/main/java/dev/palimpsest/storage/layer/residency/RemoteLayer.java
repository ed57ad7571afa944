package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.layer.LayerFileName;

/**
 * What the index part says of a layer: enough to find its object and to know it again.
 *
 * @param fileName the layer's name and the generation it was written under
 * @param shard the shard that wrote it
 * @param size of the file and the object, in bytes
 */
public record RemoteLayer(LayerFileName fileName, ShardIndex shard, long size) {
    @Override
    public String toString() {
        return fileName.remote();
    }
}
