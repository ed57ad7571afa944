package dev.palimpsest.storage.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TimelineId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TenantManifestCodecTest {
    private static final long SEED = 0x6D616E69;
    private static final TimelineId A = TimelineId.parse("000102030405060708090a0b0c0d0e0f");
    private static final TimelineId B = TimelineId.parse("ffeeddccbbaa99887766554433221100");

    private static final String JSON = "{\"version\":2,\"stripe_size\":32768,\"offloaded_timelines\":["
            + "{\"timeline_id\":\"000102030405060708090a0b0c0d0e0f\",\"ancestor_timeline_id\":"
            + "\"ffeeddccbbaa99887766554433221100\",\"ancestor_retain_lsn\":\"0/16960E8\","
            + "\"archived_at\":\"2026-11-21T01:02:03.000004\"},"
            + "{\"timeline_id\":\"ffeeddccbbaa99887766554433221100\",\"ancestor_timeline_id\":null,"
            + "\"ancestor_retain_lsn\":null,\"archived_at\":\"2026-11-21T01:02:00\"}],"
            + "\"palimpsest\":{\"owner\":\"0123456789abcdef0123456789abcdef\",\"timelines\":{"
            + "\"000102030405060708090a0b0c0d0e0f\":{\"generation\":171},"
            + "\"ffeeddccbbaa99887766554433221100\":{}}}}";

    private static final String CHECKED = "{\"palimpsest_checksum\":\"crc32c\"," + JSON.substring(1, JSON.length() - 1)
            + ",\"palimpsest_crc32c\":\"359b6166\"}";

    private static final TenantManifest MANIFEST = new TenantManifest(
            32768L,
            List.of(
                    new TenantManifest.OffloadedTimeline(
                            A, B, Lsn.parse("0/16960E8"), Instant.parse("2026-11-21T01:02:03.000004Z")),
                    new TenantManifest.OffloadedTimeline(B, null, null, Instant.parse("2026-11-21T01:02:00Z"))),
            new TenantManifest.Life("0123456789abcdef0123456789abcdef", indexParts()));

    private static SortedMap<TimelineId, Generation> indexParts() {
        SortedMap<TimelineId, Generation> indexParts = new TreeMap<>();
        indexParts.put(A, new Generation(0xAB));
        indexParts.put(B, Generation.NONE);
        return indexParts;
    }

    private static TenantManifest decode(String json) throws CorruptionException {
        return TenantManifestCodec.decode(json.getBytes(StandardCharsets.UTF_8), "manifest");
    }

    @Test
    void bytesAreTheseInBothDirections() throws CorruptionException {
        assertThat(new String(TenantManifestCodec.encode(MANIFEST), StandardCharsets.UTF_8))
                .isEqualTo(CHECKED);
        assertThat(decode(CHECKED)).isEqualTo(MANIFEST);
        assertThat(decode(JSON)).isEqualTo(MANIFEST);
    }

    @Test
    void aClaimNamesNoTimelines() throws CorruptionException {
        TenantManifest claim = TenantManifest.EMPTY.with(new TenantManifest.Life("ab", null));
        String json = "{\"palimpsest_checksum\":\"crc32c\",\"version\":2,\"offloaded_timelines\":[],"
                + "\"palimpsest\":{\"owner\":\"ab\"},\"palimpsest_crc32c\":\"47f8a602\"}";
        assertThat(new String(TenantManifestCodec.encode(claim), StandardCharsets.UTF_8))
                .isEqualTo(json);
        assertThat(decode(json)).isEqualTo(claim);
        TenantManifest none = claim.with(new TenantManifest.Life("ab", new TreeMap<>()));
        assertThat(decode(new String(TenantManifestCodec.encode(none), StandardCharsets.UTF_8)))
                .isEqualTo(none)
                .isNotEqualTo(claim);
    }

    @Test
    void readsNeons() throws CorruptionException {
        assertThat(decode("{\"version\":1,\"offloaded_timelines\":[]}")).isEqualTo(TenantManifest.EMPTY);
        assertThat(decode("{ \"new\" : [1], \"offloaded_timelines\":[], \"version\":2, \"stripe_size\":null }"))
                .isEqualTo(TenantManifest.EMPTY);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{\"offloaded_timelines\":[]}",
                "{\"version\":2}",
                "{\"version\":3,\"offloaded_timelines\":[]}",
                "{\"version\":2,\"offloaded_timelines\":[{}]}",
                "{\"version\":2,\"offloaded_timelines\":[]} x",
                "{\"version\":2,\"offloaded_timelines\":[],\"palimpsest\":{}}",
                "{\"version\":2,\"offloaded_timelines\":[],\"palimpsest\":{\"owner\":\"a\",\"timelines\":{\"x\":{}}}}"
            })
    void refusesWhatIsNotAManifest(String json) {
        assertThatThrownBy(() -> decode(json)).isInstanceOf(CorruptionException.class);
    }

    @Test
    void damageIsCorruptionOrAnotherManifest() {
        SplittableRandom random = new SplittableRandom(SEED);
        byte[] bytes = JSON.getBytes(StandardCharsets.UTF_8);
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> TenantManifestCodec.decode(cut, "cut"))
                    .as("cut to %d bytes", length)
                    .isInstanceOf(CorruptionException.class);
        }
        for (int run = 0; run < 5_000; run++) {
            byte[] damaged = bytes.clone();
            damaged[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            try {
                TenantManifest read = TenantManifestCodec.decode(damaged, "run " + run);
                assertThat(TenantManifestCodec.decode(TenantManifestCodec.encode(read), "again"))
                        .isEqualTo(read);
            } catch (CorruptionException e) {
                assertThat(e).hasMessageContaining("run " + run);
            }
        }
    }

    @Test
    void theFirstGenerationIsSaidInJson() throws CorruptionException {
        byte[] bytes = "{\"palimpsest_checksum\":\"crc32c\",\"first\":4294967295,\"palimpsest_crc32c\":\"899f02c2\"}"
                .getBytes(StandardCharsets.UTF_8);
        assertThat(GenerationsCodec.encode(Generation.LAST)).isEqualTo(bytes);
        byte[] older = "{\"first\":4294967295}".getBytes(StandardCharsets.UTF_8);
        assertThat(GenerationsCodec.decode(older, "generations")).isEqualTo(Generation.LAST);
        assertThat(GenerationsCodec.decode(bytes, "generations")).isEqualTo(Generation.LAST);
        for (String json : List.of("{}", "{\"first\":-1}", "{\"first\":4294967296}", "{\"first\":\"1\"}", "1")) {
            assertThatThrownBy(() -> GenerationsCodec.decode(json.getBytes(StandardCharsets.UTF_8), "generations"))
                    .as(json)
                    .isInstanceOf(CorruptionException.class);
        }
    }
}
