package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.util.Collection;
import java.util.Optional;

/**
 * Where a timeline's objects are in the object store. Paths have {@code /} between their parts and none at the start.
 *
 * <pre>
 * tenants/{tenant}{-NNCC}/timelines/{timeline}/index_part.json{-generation}
 * tenants/{tenant}{-NNCC}/timelines/{timeline}/{layer name}{-generation}
 * </pre>
 *
 * <p>Ids are lowercase hexadecimal. {@code -NNCC} is the shard's suffix, absent for a tenant that never was sharded; the
 * generation has eight lowercase hexadecimal digits, absent for none. A layer's path has the shard and the generation that
 * the layer was written under, which need not be those of the index that names it.
 */
public final class RemotePaths {
    /** What the paths of all tenants begin with. */
    public static final String TENANTS = "tenants/";

    private static final String INDEX_PART = "index_part.json";

    private RemotePaths() {}

    /** What the paths of all timelines of a tenant's shard begin with, {@code /} at the end included. */
    public static String timelines(TenantId tenant, ShardIndex shard) {
        return TENANTS + tenant + shard.suffix() + "/timelines/";
    }

    /** What the paths of a timeline's objects begin with, {@code /} at the end included. */
    public static String timeline(TenantId tenant, ShardIndex shard, TimelineId timeline) {
        return timelines(tenant, shard) + timeline + "/";
    }

    /** The index part that an attachment with {@code generation} writes. */
    public static String indexPart(TenantId tenant, ShardIndex shard, TimelineId timeline, Generation generation) {
        return timeline(tenant, shard, timeline) + INDEX_PART + generation.suffix();
    }

    /** What the paths of a timeline's index parts of all generations begin with. */
    public static String indexParts(TenantId tenant, ShardIndex shard, TimelineId timeline) {
        return timeline(tenant, shard, timeline) + INDEX_PART;
    }

    /**
     * A layer.
     *
     * @param shard the shard that wrote it
     * @param name its name, without any suffix
     * @param generation the one it was written under
     */
    public static String layer(
            TenantId tenant, ShardIndex shard, TimelineId timeline, String name, Generation generation) {
        return timeline(tenant, shard, timeline) + name + generation.suffix();
    }

    /**
     * The generation of an index part, {@link Generation#NONE} if its name has none; empty if it is not an index part.
     *
     * @param path its path, or the last part of it
     */
    public static Optional<Generation> indexPartGeneration(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        if (name.equals(INDEX_PART)) {
            return Optional.of(Generation.NONE);
        }
        if (!name.startsWith(INDEX_PART + "-")) {
            return Optional.empty();
        }
        try {
            return Optional.of(Generation.parse(name.substring(INDEX_PART.length() + 1)));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // whatever it is, it is none of ours
        }
    }

    /**
     * Which index part an attachment starts from: the one of the greatest generation that is not greater than its own; the
     * one without a generation only if there is no other. Greater ones belong to attachments that came later and are none
     * of its business. Empty if there is none to start from. Paths of other objects do not count.
     *
     * @param paths paths of a timeline's objects, or the last parts of them, in any order
     * @param own the generation of the attachment
     */
    public static Optional<Generation> newestIndexPart(Collection<String> paths, Generation own) {
        return paths.stream()
                .map(RemotePaths::indexPartGeneration)
                .flatMap(Optional::stream)
                .filter(generation -> generation.compareTo(own) <= 0)
                .max(Generation::compareTo);
    }
}
