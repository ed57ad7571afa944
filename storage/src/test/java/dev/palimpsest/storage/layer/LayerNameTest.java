package dev.palimpsest.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerNameTest {
    private static final String KEYS = "000000067F00000005000040000000000000-000000067F00000005000040000100000000";
    private static final String DELTA = KEYS + "__00000000016960E8-00000000016E4DB9";
    private static final String IMAGE = KEYS + "__00000000016960E8";

    @Test
    void textFormsGoBothWays() {
        DeltaLayerName delta = (DeltaLayerName) LayerName.parse(DELTA);
        assertThat(delta).hasToString(DELTA);
        assertThat(delta.lsnStart()).isEqualTo(Lsn.parse("0/16960E8"));
        assertThat(delta.lsnEnd()).isEqualTo(Lsn.parse("0/16E4DB9"));
        assertThat(delta.kind()).isEqualTo(LayerKind.DELTA);
        assertThat(delta.isL0()).isFalse();
        ImageLayerName image = (ImageLayerName) LayerName.parse(IMAGE);
        assertThat(image).hasToString(IMAGE);
        assertThat(image.kind()).isEqualTo(LayerKind.IMAGE);
        assertThat(image.lsnEnd()).isEqualTo(Lsn.parse("0/16960E9"));
    }

    @Test
    void onlyADeltaOfAllKeysIsAnL0() {
        LsnRange lsns = new LsnRange(new Lsn(1), new Lsn(9));
        assertThat(new DeltaLayerName(KeyRange.ALL, lsns).isL0()).isTrue();
        assertThat(new DeltaLayerName(new KeyRange(Key.MIN.next(), Key.MAX), lsns).isL0())
                .isFalse();
        assertThat(new ImageLayerName(KeyRange.ALL, new Lsn(1)).isL0()).isFalse();
        assertThat(new DeltaLayerName(KeyRange.ALL, lsns).toString())
                .startsWith("0".repeat(36) + "-" + "F".repeat(36) + "__");
    }

    @Test
    void anythingElseIsRefused() {
        String key = "000000067F00000005000040000000000000";
        for (String text : List.of(
                "",
                DELTA.substring(1),
                DELTA + "0",
                DELTA.toLowerCase(java.util.Locale.ROOT),
                DELTA.replace("__", "_-"),
                key + "-" + key + "__00000000016960E8",
                KEYS + "__00000000016E4DB9-00000000016960E8",
                KEYS + "__00000000016960E8-00000000016960E8",
                KEYS + "__00000000016960E8_00000000016E4DB9",
                KEYS + "__00000000016960EG",
                KEYS + "__FFFFFFFFFFFFFFFF")) {
            assertThatThrownBy(() -> LayerName.parse(text))
                    .as(text)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("\"" + text + "\"");
        }
    }

    @Test
    void fileNamesCarryTheGeneration() {
        for (String name : List.of(DELTA, IMAGE)) {
            LayerFileName file = new LayerFileName(LayerName.parse(name), new Generation(0xABCDEF01L));
            assertThat(file.local()).isEqualTo(name + "-v1-abcdef01");
            assertThat(file.remote()).isEqualTo(name + "-abcdef01");
            assertThat(LayerFileName.parse(file.local())).isEqualTo(file);
            assertThat(LayerFileName.parse(file.remote())).isEqualTo(file);
            LayerFileName bare = new LayerFileName(LayerName.parse(name), Generation.NONE);
            assertThat(bare.local()).isEqualTo(name).isEqualTo(bare.remote());
            assertThat(LayerFileName.parse(name)).isEqualTo(bare);
            assertThat(LayerFileName.parse(name + "-v1-00000001").generation()).isEqualTo(new Generation(1));
            assertThat(LayerFileName.parse(name + "-00000001").generation()).isEqualTo(new Generation(1));
            for (String suffix :
                    List.of("-", "-v1-", "-0000001", "-000000001", "-v2-00000001", "-v1-0000000G", "-ABCDEF01")) {
                assertThatThrownBy(() -> LayerFileName.parse(name + suffix))
                        .as(suffix)
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void imagesSortFirstThenByKeysThenByLsns() {
        Key a = Layers.key(1);
        Key b = Layers.key(2);
        Key c = Layers.key(3);
        List<LayerName> sorted = List.of(
                new ImageLayerName(new KeyRange(a, b), new Lsn(5)),
                new ImageLayerName(new KeyRange(a, c), new Lsn(1)),
                new ImageLayerName(new KeyRange(b, c), new Lsn(1)),
                new ImageLayerName(new KeyRange(b, c), new Lsn(-2)),
                new DeltaLayerName(new KeyRange(a, b), new LsnRange(new Lsn(1), new Lsn(2))),
                new DeltaLayerName(new KeyRange(a, b), new LsnRange(new Lsn(1), new Lsn(3))),
                new DeltaLayerName(new KeyRange(a, b), new LsnRange(new Lsn(2), new Lsn(3))),
                new DeltaLayerName(new KeyRange(a, c), new LsnRange(new Lsn(1), new Lsn(2))));
        assertThat(sorted.reversed().stream().sorted().toList()).isEqualTo(sorted);
    }

    @Test
    void everyNameInADirectoryIsClassified() {
        LayerFileName file = new LayerFileName(LayerName.parse(DELTA), new Generation(7));
        assertThat(TimelineFile.classify(file.local())).isEqualTo(new TimelineFile.Layer(file));
        assertThat(TimelineFile.classify(DELTA)).isInstanceOf(TimelineFile.Layer.class);
        assertThat(TimelineFile.classify(TimelineFile.ephemeral(12))).isInstanceOf(TimelineFile.Ephemeral.class);
        assertThat(TimelineFile.ephemeral(12)).isEqualTo("ephemeral-12");
        LsnRange lsns = new LsnRange(new Lsn(0x16960E8), new Lsn(0x16E4DB9));
        String temporary = TimelineFile.temporary(Layers.key(0), lsns, 0xAB);
        assertThat(temporary).isEqualTo(Layers.key(0) + "-XXX__00000000016960E8-00000000016E4DB9.ab.___temp");
        assertThat(TimelineFile.temporary((ImageLayerName) LayerName.parse(IMAGE), 0xAB))
                .isEqualTo(IMAGE + ".ab.___temp");
        assertThat(TimelineFile.download(file, 16)).isEqualTo(DELTA + "-v1-00000007.10.temp_download");
        for (String name : List.of(temporary, TimelineFile.download(file, 16), "x.___temp", DELTA + ".old")) {
            assertThat(TimelineFile.classify(name)).as(name).isInstanceOf(TimelineFile.Temporary.class);
        }
        for (String name : List.of("metadata", "ephemeral-", "ephemeral-x", DELTA + "-v3-00000001", ".", "")) {
            assertThat(TimelineFile.classify(name)).as(name).isInstanceOf(TimelineFile.Unknown.class);
        }
    }
}
