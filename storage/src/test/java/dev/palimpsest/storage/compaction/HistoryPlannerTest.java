package dev.palimpsest.storage.compaction;

import static dev.palimpsest.storage.compaction.PlainLayer.block;
import static dev.palimpsest.storage.compaction.PlainLayer.blocks;
import static dev.palimpsest.storage.compaction.PlainLayer.delta;
import static dev.palimpsest.storage.compaction.PlainLayer.image;
import static dev.palimpsest.storage.compaction.PlainLayer.l0;
import static dev.palimpsest.storage.compaction.PlainLayer.map;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.compaction.RetainedHistory.Span;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** When history is compacted, which pieces, and what of it is retained. */
class HistoryPlannerTest {
    private static final HistorySettings SETTINGS = new HistorySettings(500, 100, 1000, 10);

    private static HistoryPlanner.@Nullable Job<PlainLayer> next(Key from, long cutoff, PlainLayer... layers) {
        return HistoryPlanner.next(map(layers), _ -> 100, from, new Lsn(cutoff), SETTINGS);
    }

    private static HistoryPlanner.Job<PlainLayer> job(Key from, long cutoff, PlainLayer... layers) {
        return Objects.requireNonNull(next(from, cutoff, layers));
    }

    private static boolean isDue(long cutoff, long compacted, PlainLayer... layers) {
        return HistoryPlanner.isDue(map(layers), _ -> 250, new Lsn(cutoff), new Lsn(compacted), SETTINGS);
    }

    @Test
    void theFirstTimeItIsDueWithEnoughBytesBelowTheCutoff() {
        PlainLayer one = delta(blocks(0, 60), 10, 20);
        PlainLayer two = delta(blocks(0, 60), 20, 30);
        assertThat(isDue(28, 0, one, two)).isFalse();
        assertThat(isDue(29, 0, one, two)).isTrue();
        assertThat(isDue(29, 0, one)).isFalse();
        assertThat(isDue(29, 0)).isFalse();
    }

    @Test
    void laterItIsDueWhenAsMuchHasComeAsWasLeft() {
        PlainLayer left = image(blocks(0, 60), 29);
        PlainLayer other = image(blocks(60, 90), 29);
        PlainLayer more = delta(blocks(0, 60), 30, 40);
        assertThat(isDue(39, 29, left, more)).isTrue();
        assertThat(isDue(38, 29, left, more)).isFalse();
        assertThat(isDue(39, 29, left, other, more)).isFalse();
        assertThat(isDue(39, 29, left, other)).isFalse();
    }

    @Test
    void allBelowTheCutoffIsRewrittenAndWhatLiesAboveIsNot() {
        PlainLayer below = delta(blocks(0, 60), 10, 20);
        PlainLayer image = image(blocks(0, 60), 12);
        PlainLayer above = delta(blocks(0, 60), 20, 30);
        assertThat(next(Key.MIN, 19, below, image, above))
                .isEqualTo(new HistoryPlanner.Job<>(KeyRange.ALL, new Lsn(19), List.of(below), List.of(image)));
    }

    @Test
    void whatCrossesTheCutoffIsLeftWithAllThatLiesAboveItsBeginning() {
        PlainLayer below = delta(blocks(0, 60), 10, 20);
        PlainLayer crossing = delta(blocks(0, 60), 20, 30);
        PlainLayer beside = image(blocks(0, 60), 21);
        assertThat(next(Key.MIN, 28, below, crossing, beside))
                .isEqualTo(new HistoryPlanner.Job<>(KeyRange.ALL, new Lsn(19), List.of(below), List.of()));
        assertThat(job(Key.MIN, 29, below, crossing).deltas()).containsExactly(below, crossing);
    }

    @Test
    void l0LayersAreLeft() {
        PlainLayer below = delta(blocks(0, 60), 10, 20);
        assertThat(job(Key.MIN, 50, below, l0(20, 30)).upTo()).isEqualTo(new Lsn(19));
        assertThat(next(Key.MIN, 50, l0(20, 30))).isNull();
    }

    @Test
    void imagesWithoutAnythingUponThemHaveNothingToGiveUp() {
        assertThat(next(Key.MIN, 50, image(blocks(0, 60), 10), image(blocks(60, 90), 12)))
                .isNull();
        assertThat(next(Key.MIN, 50, image(blocks(0, 60), 10), image(blocks(59, 90), 12)))
                .isNotNull();
    }

    @Test
    void aPieceEndsWhereFewLayersAreCut() {
        PlainLayer[] layers = new PlainLayer[12];
        for (int i = 0; i < 6; i++) {
            layers[i] = delta(blocks(10 * i, 10 * i + 10), 10, 20);
        }
        KeyRange[] below = {
            blocks(0, 10), blocks(10, 20), blocks(20, 30), blocks(30, 45), blocks(45, 52), blocks(52, 60)
        };
        for (int i = 0; i < 6; i++) {
            layers[6 + i] = delta(below[i], 20, 30);
        }
        // Up to block 50 are ten layers, but one of them would be cut; up to 30 are six, and none is.
        HistoryPlanner.Job<PlainLayer> first = job(Key.MIN, 50, layers);
        assertThat(first.range()).isEqualTo(new KeyRange(Key.MIN, block(30)));
        assertThat(first.deltas()).hasSize(6);
        assertThat(job(block(30), 50, layers).range()).isEqualTo(new KeyRange(block(30), Key.MAX));
        assertThat(next(Key.MAX, 50, layers)).isNull();
    }

    @Test
    void spansAreMergedAndTheLastLsnIsAlwaysRetained() {
        RetainedHistory all =
                RetainedHistory.of(List.of(span(50, 60), span(10, 10), span(55, 70), span(5, 5), span(90, 95)));
        assertThat(all.spans()).containsExactly(span(5, 5), span(10, 10), span(50, 70), span(90, 95));
        assertThat(all.between(new Lsn(7), new Lsn(80)).spans())
                .containsExactly(span(10, 10), span(50, 70), span(80, 80));
        assertThat(all.between(new Lsn(52), new Lsn(65)).spans()).containsExactly(span(52, 65));
        assertThat(RetainedHistory.of(List.of()).between(new Lsn(1), new Lsn(9)).spans())
                .containsExactly(span(9, 9));
    }

    private static Span span(long from, long to) {
        return new Span(new Lsn(from), new Lsn(to));
    }
}
