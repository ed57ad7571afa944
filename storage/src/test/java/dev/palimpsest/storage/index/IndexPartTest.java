package dev.palimpsest.storage.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.IndexPart.Invariant;
import dev.palimpsest.storage.index.IndexPart.State;
import dev.palimpsest.storage.index.TimelineMetadata.Ancestor;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class IndexPartTest {
    private static final Map<String, LayerMetadata> LAYERS =
            Map.of("a", new LayerMetadata(8192, Generation.NONE, ShardIndex.UNSHARDED));
    private static final Ancestor ANCESTOR = new Ancestor(new TimelineId(1, 2), new Lsn(0x100));

    @Test
    void acceptsWhatMayBe() {
        assertThat(index(LAYERS, 0x200, 0x1F0L, null, 0x200, 0x100).violations())
                .isEmpty();
        assertThat(index(Map.of(), 0, null, null, 0x100, 0x100).violations())
                .as("nothing flushed")
                .isEmpty();
        assertThat(index(Map.of(), 0x100, 0x100L, ANCESTOR, 0x80, 0x80).violations())
                .as("new branch")
                .isEmpty();
        index(LAYERS, 0x200, null, ANCESTOR, 0x200, 0x80).validate();
    }

    @Test
    void knowsEachViolation() {
        violates(
                index(LAYERS, 0x200, null, new Ancestor(new TimelineId(1, 2), Lsn.INVALID), 0x100, 0x100),
                Invariant.ANCESTOR_LSN_IS_VALID);
        violates(index(LAYERS, 0xFF, null, ANCESTOR, 0x80, 0x80), Invariant.DISK_CONSISTENT_LSN_NOT_BELOW_ANCESTOR_LSN);
        violates(
                index(LAYERS, 0x200, 0x201L, null, 0x100, 0x100),
                Invariant.PREV_RECORD_LSN_NOT_ABOVE_DISK_CONSISTENT_LSN);
        violates(index(LAYERS, 0x200, null, null, 0x201, 0x100), Invariant.GC_CUTOFF_NOT_ABOVE_DISK_CONSISTENT_LSN);
        violates(index(LAYERS, 0x200, null, null, 0x100, 0x201), Invariant.INITDB_LSN_NOT_ABOVE_DISK_CONSISTENT_LSN);
        violates(index(Map.of(), 0x200, null, null, 0x100, 0x100), Invariant.FLUSHED_DATA_IS_SOMEWHERE);
    }

    @Test
    void anImportOrADeletionExplainsThatThereAreNoLayers() {
        IndexPart index = index(Map.of(), 0x200, null, null, 0x100, 0x100);
        assertThat(index.with(new State(null, null, "{}", null, null, null, null, null, null, null, null))
                        .violations())
                .isEmpty();
        assertThat(index.with(new State(Instant.EPOCH, null, null, null, null, null, null, null, null, null, null))
                        .violations())
                .isEmpty();
    }

    @Test
    void keepsItsOwnCopyOfTheLayers() {
        TreeMap<String, LayerMetadata> layers = new TreeMap<>(LAYERS);
        IndexPart index = index(layers, 0x200, null, null, 0x100, 0x100);
        layers.clear();
        assertThat(index.layers()).hasSize(1);
        assertThat(index.with(Map.of(), index.metadata(), index.lineage()).layers())
                .isEmpty();
    }

    @Test
    void refusesWhatNoTimelineHas() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TimelineMetadata(new Lsn(1), null, null, new Lsn(1), new Lsn(1), 13))
                .withMessageContaining("13");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LayerMetadata(-1, Generation.NONE, ShardIndex.UNSHARDED));
    }

    private static void violates(IndexPart index, Invariant invariant) {
        assertThat(index.violations()).containsExactly(invariant);
        assertThatIllegalStateException().isThrownBy(index::validate).withMessageContaining(invariant.name());
    }

    private static IndexPart index(
            Map<String, LayerMetadata> layers,
            long end,
            @Nullable Long prev,
            @Nullable Ancestor ancestor,
            long cutoff,
            long initdb) {
        return IndexPart.of(
                layers,
                new TimelineMetadata(
                        new Lsn(end),
                        prev == null ? null : new Lsn(prev),
                        ancestor,
                        new Lsn(cutoff),
                        new Lsn(initdb),
                        17));
    }
}
