package dev.palimpsest.storage.gc;

import static dev.palimpsest.storage.compaction.PlainLayer.block;
import static dev.palimpsest.storage.compaction.PlainLayer.blocks;
import static dev.palimpsest.storage.compaction.PlainLayer.delta;
import static dev.palimpsest.storage.compaction.PlainLayer.image;
import static dev.palimpsest.storage.compaction.PlainLayer.map;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.compaction.PlainLayer;
import dev.palimpsest.storage.compaction.RetainedHistory;
import dev.palimpsest.storage.gc.GcPlanner.Kept;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.layermap.SearchResult;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What GC removes: each condition alone, at its boundary, and all of them against what reads do. */
class GcPlannerTest {
    private static final PlainLayer OLD = delta(blocks(0, 10), 100, 200);
    private static final PlainLayer IMAGE = image(blocks(0, 10), 250);

    private static GcInputs inputs(long space, long time, List<Lsn> branches, List<Lsn> leases) {
        return new GcInputs(new Lsn(space), new Lsn(time), branches, leases);
    }

    private static List<PlainLayer> removable(GcInputs inputs, PlainLayer... layers) {
        return GcPlanner.plan(map(layers), inputs).removable();
    }

    @Test
    void whatAnImageBelowTheCutoffCoversGoes() {
        GcPlanner.Plan<PlainLayer> plan = GcPlanner.plan(map(OLD, IMAGE), inputs(300, 300, List.of(), List.of()));
        assertThat(plan.removable()).containsExactly(OLD);
        assertThat(plan.kept()).isEqualTo(Map.of(Kept.NOT_COVERED, 1));
    }

    @Test
    void theImageMustBeAtOrAboveTheEndAndBelowTheCutoff() {
        assertThat(removable(inputs(251, 251, List.of(), List.of()), OLD, IMAGE))
                .containsExactly(OLD);
        assertThat(removable(inputs(250, 250, List.of(), List.of()), OLD, IMAGE))
                .isEmpty();
        assertThat(removable(inputs(300, 300, List.of(), List.of()), OLD, image(blocks(0, 10), 199)))
                .containsExactly(OLD);
        assertThat(removable(inputs(300, 300, List.of(), List.of()), OLD, image(blocks(0, 10), 198)))
                .isEmpty();
    }

    @Test
    void everyKeyMustBeCovered() {
        GcInputs all = inputs(300, 300, List.of(), List.of());
        assertThat(removable(all, OLD, image(blocks(0, 9), 250))).isEmpty();
        assertThat(removable(all, OLD, image(blocks(0, 5), 250), image(blocks(5, 12), 220)))
                .containsExactly(OLD);
    }

    @Test
    void eitherLimitKeepsWhatReachesAboveIt() {
        PlainLayer newer = image(blocks(0, 10), 205);
        assertThat(removable(inputs(199, 300, List.of(), List.of()), OLD, newer))
                .isEmpty();
        assertThat(removable(inputs(300, 199, List.of(), List.of()), OLD, newer))
                .isEmpty();
        assertThat(removable(inputs(206, 300, List.of(), List.of()), OLD, newer))
                .containsExactly(OLD);
        assertThat(removable(inputs(300, 206, List.of(), List.of()), OLD, newer))
                .containsExactly(OLD);
        assertThat(removable(inputs(200, 300, List.of(), List.of()), OLD, newer))
                .isEmpty();
        assertThat(removable(new GcInputs(new Lsn(300), null, List.of(), List.of()), OLD, IMAGE))
                .isEmpty();
    }

    @Test
    void aBranchOrALeaseBelowTheCutoffKeepsWhatAReadThereComesTo() {
        assertThat(removable(inputs(300, 300, List.of(new Lsn(99), new Lsn(3)), List.of()), OLD, IMAGE))
                .containsExactly(OLD);
        assertThat(removable(inputs(300, 300, List.of(new Lsn(3), new Lsn(100)), List.of()), OLD, IMAGE))
                .isEmpty();
        assertThat(removable(inputs(300, 300, List.of(), List.of(new Lsn(99))), OLD, IMAGE))
                .containsExactly(OLD);
        assertThat(removable(inputs(300, 300, List.of(), List.of(new Lsn(100), new Lsn(1))), OLD, IMAGE))
                .isEmpty();
        assertThat(removable(inputs(300, 300, List.of(new Lsn(250)), List.of(new Lsn(299))), OLD, IMAGE))
                .as("the image is what they read")
                .containsExactly(OLD);
        assertThat(removable(inputs(300, 300, List.of(new Lsn(249)), List.of()), OLD, IMAGE))
                .isEmpty();
        assertThat(removable(inputs(300, 300, List.of(new Lsn(300), new Lsn(5000)), List.of()), OLD, IMAGE))
                .as("what is at the cutoff or above it keeps nothing more")
                .containsExactly(OLD);
    }

    @Test
    void ofWhatABranchReadsTheFirstThatALayerIsInDecides() {
        PlainLayer older = delta(blocks(0, 10), 20, 50);
        PlainLayer first = image(blocks(0, 10), 60);
        for (long from : new long[] {0, 30, 59}) {
            assertThat(removable(inheriting(from, 260), older, first, OLD, IMAGE))
                    .isEmpty();
        }
        assertThat(removable(inheriting(60, 260), older, first, OLD, IMAGE)).containsExactly(older);
        assertThat(removable(inheriting(250, 260), older, first, OLD, IMAGE)).containsExactly(older, first, OLD);
    }

    private static GcInputs inheriting(long from, long to) {
        return inputs(300, 300, List.of(), List.of()).withInherited(span(from, to));
    }

    private static RetainedHistory span(long from, long to) {
        return RetainedHistory.of(List.of(new RetainedHistory.Span(new Lsn(from), new Lsn(to))));
    }

    @Test
    void anOlderImageGoesWhenANewerOneCoversIt() {
        PlainLayer older = image(blocks(0, 10), 150);
        assertThat(removable(inputs(300, 300, List.of(), List.of()), older, IMAGE))
                .containsExactly(older);
    }

    /** The layers a read visits down to the first image, as far as a search can tell. */
    private static Set<PlainLayer> visited(LayerMap<PlainLayer> map, Key key, long lsn) {
        Set<PlainLayer> visited = new LinkedHashSet<>();
        Lsn end = new Lsn(lsn + 1);
        while (true) {
            SearchResult<PlainLayer> found = map.search(key, end);
            if (found == null) {
                return visited;
            }
            visited.add(found.layer());
            if (found.layer().kind() == LayerKind.IMAGE) {
                return visited;
            }
            end = found.floor();
        }
    }

    @Test
    void noRetainedReadMissesALayer() {
        int removed = 0;
        for (long seed = 1; seed <= 500; seed++) {
            Random random = new Random(seed);
            Set<PlainLayer> layers = new LinkedHashSet<>();
            for (int i = 0; i < 25; i++) {
                int from = random.nextInt(8);
                KeyRange keys = blocks(from, from + 1 + random.nextInt(8 - from));
                long start = random.nextLong(1, 61);
                layers.add(
                        random.nextInt(3) == 0
                                ? image(keys, start)
                                : delta(keys, start, start + 1 + random.nextInt(20)));
            }
            List<Lsn> branches = points(random);
            List<Lsn> leases = points(random);
            int readFrom = random.nextInt(60);
            int readTo = readFrom + random.nextInt(20);
            GcInputs inputs = inputs(random.nextInt(90), random.nextInt(90), branches, leases);
            if (random.nextBoolean()) {
                inputs = inputs.withInherited(span(readFrom, readTo));
            }
            LayerMap<PlainLayer> before = map(layers);
            List<PlainLayer> removable = GcPlanner.plan(before, inputs).removable();
            layers.removeAll(removable);
            removed += removable.size();
            LayerMap<PlainLayer> after = map(layers);
            List<Lsn> retained = new ArrayList<>(branches);
            retained.addAll(leases);
            for (long lsn = inputs.cutoff().value(); lsn < 100; lsn++) {
                retained.add(new Lsn(lsn));
            }
            inputs.inherited().spans().forEach(span -> {
                for (Lsn lsn = span.from(); !lsn.isAfter(span.to()); lsn = lsn.plus(1)) {
                    retained.add(lsn);
                }
            });
            for (Lsn lsn : retained) {
                for (int key = 0; key < 8; key++) {
                    assertThat(visited(after, block(key), lsn.value()))
                            .as("seed %d: layers for block %d at %s", seed, key, lsn)
                            .isEqualTo(visited(before, block(key), lsn.value()));
                }
            }
        }
        assertThat(removed).isGreaterThan(500);
    }

    private static List<Lsn> points(Random random) {
        return random.nextInt(3) > 0 ? List.of() : List.of(new Lsn(1 + random.nextInt(40)));
    }
}
