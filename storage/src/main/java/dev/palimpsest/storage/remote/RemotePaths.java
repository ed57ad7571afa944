package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.util.Collection;
import java.util.Optional;

/**
 * Where the objects of tenants and timelines are in the object store. Paths have {@code /} between their parts and none at the start.
 *
 * <pre>
 * palimpsest-owner.json
 * palimpsest-probe-{16 hexadecimal digits}
 * tenants/{tenant}{-NNCC}/tenant-manifest{-generation}.json
 * tenants/{tenant}{-NNCC}/generations.json
 * tenants/{tenant}{-NNCC}/heatmap-v1.json
 * tenants/{tenant}{-NNCC}/timelines/{timeline}/index_part.json{-generation}
 * tenants/{tenant}{-NNCC}/timelines/{timeline}/{layer name}{-generation}
 * </pre>
 *
 * <p>Ids are lowercase hexadecimal. {@code -NNCC} is the shard's suffix, absent for a tenant that never was sharded; the
 * generation has eight lowercase hexadecimal digits, absent for none. A layer's path has the shard and the generation that
 * the layer was written under, which need not be those of the index that names it. {@code generations.json} and
 * what has Palimpsest's name is its own, the rest is Neon's.
 */
public final class RemotePaths {
    /** What the paths of all tenants begin with. */
    public static final String TENANTS = "tenants/";

    /** Who writes to a store that cannot decide it by conditions: see {@link dev.palimpsest.storage.remote.owner}. */
    public static final String OWNER = "palimpsest-owner.json";

    /** What the names of objects begin with by which it is found out what a store can do; anybody may delete them. */
    public static final String PROBES = "palimpsest-probe-";

    private static final String INDEX_PART = "index_part.json";
    private static final String MANIFEST = "tenant-manifest";
    private static final String JSON = ".json";

    private RemotePaths() {}

    /** Whether an object belongs to the store as a whole, and to no tenant. */
    public static boolean isOfStore(String path) {
        return path.equals(OWNER) || path.startsWith(PROBES);
    }

    /** What the paths of all objects of a tenant's shard begin with, {@code /} at the end included. */
    public static String tenant(TenantId tenant, ShardIndex shard) {
        return TENANTS + tenant + shard.suffix() + "/";
    }

    /** The manifest that an attachment with {@code generation} writes. */
    public static String tenantManifest(TenantId tenant, ShardIndex shard, Generation generation) {
        return tenantManifests(tenant, shard) + generation.suffix() + JSON;
    }

    /** What the paths of a tenant's manifests of all generations begin with. */
    public static String tenantManifests(TenantId tenant, ShardIndex shard) {
        return tenant(tenant, shard) + MANIFEST;
    }

    /**
     * The generation of a tenant's manifest, {@link Generation#NONE} if its name has none; empty if it is not a manifest.
     *
     * @param path its path, or the last part of it
     */
    public static Optional<Generation> manifestGeneration(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        if (!name.startsWith(MANIFEST) || !name.endsWith(JSON) || name.length() < MANIFEST.length() + JSON.length()) {
            return Optional.empty();
        }
        return generation(name.substring(MANIFEST.length(), name.length() - JSON.length()));
    }

    /** Where it is said which generation was the first that was claimed in the object store. */
    public static String generations(TenantId tenant, ShardIndex shard) {
        return tenant(tenant, shard) + "generations.json";
    }

    /** Where it is said which layers of a tenant a server that may take it over had better have. */
    public static String heatmap(TenantId tenant, ShardIndex shard) {
        return tenant(tenant, shard) + "heatmap-v1.json";
    }

    /** What the paths of all timelines of a tenant's shard begin with, {@code /} at the end included. */
    public static String timelines(TenantId tenant, ShardIndex shard) {
        return tenant(tenant, shard) + "timelines/";
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
        return name.startsWith(INDEX_PART) ? generation(name.substring(INDEX_PART.length())) : Optional.empty();
    }

    /** Of which generation this is the suffix; empty if it is none. */
    private static Optional<Generation> generation(String suffix) {
        if (suffix.isEmpty()) {
            return Optional.of(Generation.NONE);
        }
        try {
            return suffix.startsWith("-") ? Optional.of(Generation.parse(suffix.substring(1))) : Optional.empty();
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
