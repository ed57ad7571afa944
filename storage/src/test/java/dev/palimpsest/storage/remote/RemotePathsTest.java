package dev.palimpsest.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.util.List;
import org.junit.jupiter.api.Test;

class RemotePathsTest {
    private static final TenantId TENANT = TenantId.parse("0123456789abcdef0123456789abcdef");
    private static final TimelineId TIMELINE = TimelineId.parse("ffeeddccbbaa99887766554433221100");
    private static final String UNSHARDED =
            "tenants/0123456789abcdef0123456789abcdef/timelines/ffeeddccbbaa99887766554433221100/";
    private static final String SHARDED =
            "tenants/0123456789abcdef0123456789abcdef-0a10/timelines/ffeeddccbbaa99887766554433221100/";
    private static final ShardIndex SHARD = new ShardIndex(10, 16);

    @Test
    void areNeons() {
        assertThat(RemotePaths.timeline(TENANT, ShardIndex.UNSHARDED, TIMELINE)).isEqualTo(UNSHARDED);
        assertThat(RemotePaths.timeline(TENANT, SHARD, TIMELINE)).isEqualTo(SHARDED);
        assertThat(UNSHARDED).startsWith(RemotePaths.timelines(TENANT, ShardIndex.UNSHARDED));
        assertThat(RemotePaths.indexPart(TENANT, ShardIndex.UNSHARDED, TIMELINE, Generation.NONE))
                .isEqualTo(UNSHARDED + "index_part.json");
        assertThat(RemotePaths.indexPart(TENANT, SHARD, TIMELINE, new Generation(0xAB)))
                .isEqualTo(SHARDED + "index_part.json-000000ab");
        assertThat(RemotePaths.indexParts(TENANT, SHARD, TIMELINE)).isEqualTo(SHARDED + "index_part.json");
        assertThat(RemotePaths.layer(TENANT, SHARD, TIMELINE, "NAME", new Generation(0xFFFF_FFFFL)))
                .isEqualTo(SHARDED + "NAME-ffffffff");
        assertThat(RemotePaths.layer(TENANT, ShardIndex.UNSHARDED, TIMELINE, "NAME", Generation.NONE))
                .isEqualTo(UNSHARDED + "NAME");
    }

    @Test
    void takesTheGreatestGenerationThatIsNotGreaterThanItsOwn() {
        List<String> paths = List.of(
                UNSHARDED + "index_part.json-00000010",
                UNSHARDED + "index_part.json",
                "index_part.json-00000003",
                "index_part.json-0000000a",
                "index_part.json-80000000");
        assertThat(RemotePaths.newestIndexPart(paths, new Generation(0xFFFF_FFFFL)))
                .contains(new Generation(0x8000_0000L));
        assertThat(RemotePaths.newestIndexPart(paths, new Generation(0x11))).contains(new Generation(0x10));
        assertThat(RemotePaths.newestIndexPart(paths, new Generation(0x10))).contains(new Generation(0x10));
        assertThat(RemotePaths.newestIndexPart(paths, new Generation(0xF))).contains(new Generation(0xA));
        assertThat(RemotePaths.newestIndexPart(paths, new Generation(2))).contains(Generation.NONE);
        assertThat(RemotePaths.newestIndexPart(paths, Generation.NONE)).contains(Generation.NONE);
    }

    @Test
    void startsFromNothingElse() {
        List<String> others = List.of(
                "index_part.json-00000009",
                "index_part.json-0000000A",
                "index_part.json-1",
                "index_part.json-000000001",
                "index_part.json.tmp",
                "index_part.json-",
                "xindex_part.json",
                "index_part.json/other",
                "");
        assertThat(RemotePaths.newestIndexPart(others, new Generation(8))).isEmpty();
        assertThat(RemotePaths.newestIndexPart(others, new Generation(9))).contains(new Generation(9));
        assertThat(RemotePaths.newestIndexPart(List.of(), new Generation(9))).isEmpty();
    }

    @Test
    void manifestsAreFoundByTheirGenerations() {
        String tenant = "tenants/0123456789abcdef0123456789abcdef/";
        assertThat(RemotePaths.tenantManifest(TENANT, ShardIndex.UNSHARDED, new Generation(0xAB)))
                .isEqualTo(tenant + "tenant-manifest-000000ab.json");
        assertThat(RemotePaths.tenantManifest(TENANT, SHARD, Generation.NONE))
                .isEqualTo("tenants/0123456789abcdef0123456789abcdef-0a10/tenant-manifest.json");
        assertThat(RemotePaths.generations(TENANT, ShardIndex.UNSHARDED)).isEqualTo(tenant + "generations.json");
        assertThat(RemotePaths.manifestGeneration(tenant + "tenant-manifest-000000ab.json"))
                .contains(new Generation(0xAB));
        assertThat(RemotePaths.manifestGeneration("tenant-manifest.json")).contains(Generation.NONE);
        for (String other : List.of(
                "tenant-manifest",
                "tenant-manifest-.json",
                "tenant-manifest-000000AB.json",
                "tenant-manifest-000000ab",
                "tenant-manifest000000ab.json",
                "generations.json")) {
            assertThat(RemotePaths.manifestGeneration(other)).as(other).isEmpty();
        }
    }
}
