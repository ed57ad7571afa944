package dev.palimpsest.storage.index;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;

/**
 * What the index knows of a layer besides its name.
 *
 * @param fileSize the bytes of its file
 * @param generation the generation it was written under, and that is in its object's path
 * @param shard the shard that wrote it, and whose prefix its object's path has
 */
public record LayerMetadata(long fileSize, Generation generation, ShardIndex shard) {
    /** @throws IllegalArgumentException if the size is negative */
    public LayerMetadata {
        if (fileSize < 0) {
            throw new IllegalArgumentException("not the size of a file: " + fileSize + " bytes");
        }
    }
}
