package dev.palimpsest.storage.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Compares key spaces over a small universe of keys with sets of bits. */
class KeySpaceTest {
    private static final long SEED = 0x73706163;
    private static final int UNIVERSE = 48;
    private static final int RUNS = 8_000;

    /** The universe runs through the carry from field 6 to field 5. */
    private static final Key FIRST = Key.of(0, 1663, 5, 16384, 0, -UNIVERSE / 2);

    @Test
    void agreesWithSetsOfBits() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int run = 0; run < RUNS; run++) {
            BitSet a = anySet(random);
            BitSet b = anySet(random);
            KeySpace left = space(a);
            KeySpace right = space(b);
            String what = "run " + run + " of seed " + SEED + ": " + a + " and " + b;
            assertThat(bits(left.union(right))).as(what).isEqualTo(union(a, b));
            assertThat(bits(left.intersect(right))).as(what).isEqualTo(intersection(a, b));
            assertThat(bits(left.minus(right))).as(what).isEqualTo(difference(a, b));
            assertThat(left.overlaps(right)).as(what).isEqualTo(a.intersects(b));
        }
    }

    @Test
    void agreesWithSetsOfBitsAboutKeysAndRanges() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int run = 0; run < RUNS; run++) {
            BitSet set = anySet(random);
            KeySpace space = space(set);
            int from = random.nextInt(UNIVERSE);
            int to = from + 1 + random.nextInt(UNIVERSE - from);
            KeyRange range = range(from, to);
            BitSet inside = new BitSet();
            inside.set(from, to);
            String what = "run " + run + " of seed " + SEED + ": " + set + ", from " + from + " to " + to;
            assertThat(space.contains(key(from))).as(what).isEqualTo(set.get(from));
            assertThat(space.contains(range)).as(what).isEqualTo(set.nextClearBit(from) >= to);
            assertThat(space.overlaps(range)).as(what).isEqualTo(set.intersects(inside));
            assertThat(bits(space.intersect(range))).as(what).isEqualTo(intersection(set, inside));
        }
    }

    @Test
    void gathersRangesInAnyOrder() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int run = 0; run < RUNS; run++) {
            List<KeyRange> ranges = new ArrayList<>();
            BitSet expected = new BitSet();
            for (int i = random.nextInt(8); i > 0; i--) {
                int from = random.nextInt(UNIVERSE);
                int to = from + 1 + random.nextInt(Math.min(9, UNIVERSE - from));
                ranges.add(range(from, to));
                expected.set(from, to);
            }
            assertThat(KeySpace.ofUnordered(ranges))
                    .as("seed %x, %s", SEED, ranges)
                    .isEqualTo(space(expected));
        }
    }

    @Test
    void accumulatesRangesInOrder() {
        SplittableRandom random = new SplittableRandom(SEED);
        KeySpaceAccumulator accumulator = new KeySpaceAccumulator();
        for (int run = 0; run < RUNS; run++) {
            BitSet expected = new BitSet();
            int at = random.nextInt(3);
            while (at < UNIVERSE) {
                int to = Math.min(UNIVERSE, at + 1 + random.nextInt(5));
                switch (random.nextInt(3)) {
                    case 0 -> {
                        to = at + 1;
                        accumulator.add(key(at));
                    }
                    case 1 -> accumulator.add(range(at, to));
                    default -> accumulator.add(KeySpace.of(range(at, to)));
                }
                expected.set(at, to);
                at = to + (random.nextBoolean() ? 0 : random.nextInt(9));
            }
            assertThat(accumulator.isEmpty()).isEqualTo(expected.isEmpty());
            assertThat(accumulator.take()).as("seed %x, run %d", SEED, run).isEqualTo(space(expected));
            assertThat(accumulator.isEmpty()).isTrue();
        }
        assertThat(accumulator.take()).isEqualTo(KeySpace.EMPTY);
    }

    @Test
    void theAccumulatorRefusesToGoBack() {
        KeySpaceAccumulator accumulator = new KeySpaceAccumulator();
        accumulator.add(range(3, 6));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accumulator.add(key(5)))
                .withMessageContaining(key(5).toString());
        accumulator.add(key(6));
        assertThat(accumulator.take()).isEqualTo(KeySpace.of(range(3, 7)));
    }

    @Test
    void refusesRangesOutOfOrderOverlappingOrTouching() {
        assertThatIllegalArgumentException().isThrownBy(() -> new KeySpace(List.of(range(5, 6), range(1, 2))));
        assertThatIllegalArgumentException().isThrownBy(() -> new KeySpace(List.of(range(1, 4), range(3, 6))));
        assertThatIllegalArgumentException().isThrownBy(() -> new KeySpace(List.of(range(1, 3), range(3, 6))));
        assertThat(new KeySpace(List.of(range(1, 3), range(4, 6))).ranges()).hasSize(2);
    }

    @Test
    void returnsAnOperandWhereThatIsTheAnswer() {
        KeySpace space = new KeySpace(List.of(range(2, 5), range(8, 9), range(20, 30)));
        KeySpace elsewhere = new KeySpace(List.of(range(5, 8), range(10, 12)));
        KeySpace within = KeySpace.of(range(21, 22));
        assertThat(space.minus(KeySpace.EMPTY)).isSameAs(space);
        assertThat(space.minus(elsewhere)).isSameAs(space);
        assertThat(within.minus(space)).isSameAs(KeySpace.EMPTY);
        assertThat(within.minus(elsewhere)).isSameAs(within);
        assertThat(space.intersect(KeyRange.ALL)).isSameAs(space);
        assertThat(space.intersect(KeySpace.of(range(5, 8)))).isSameAs(KeySpace.EMPTY);
        assertThat(space.intersect(KeySpace.EMPTY)).isSameAs(KeySpace.EMPTY);
        assertThat(space.union(within)).isSameAs(space);
        assertThat(within.union(space)).isSameAs(space);
        assertThat(space.union(KeySpace.EMPTY)).isSameAs(space);
        assertThat(KeySpace.EMPTY.union(space)).isSameAs(space);
    }

    @Test
    void sumsPagesWithoutOverflow() {
        RelTag relation = new RelTag(1663, 5, 16384, RelTag.MAIN);
        KeySpace keys = KeySpace.ofUnordered(List.of(
                relation.range(),
                KeyRange.single(RelationKeys.DATABASE_DIRECTORY),
                new RelTag(1663, 5, 16390, RelTag.MAIN).range()));
        assertThat(keys.pageCount()).isEqualTo(1 + 2 * KeyRange.UNCOUNTED);
        assertThat(KeySpace.EMPTY.pageCount()).isZero();
    }

    private static BitSet anySet(SplittableRandom random) {
        BitSet set = new BitSet(UNIVERSE);
        switch (random.nextInt(4)) {
            case 0 -> set.set(random.nextInt(UNIVERSE));
            case 1 -> {
                int from = random.nextInt(UNIVERSE);
                set.set(from, from + 1 + random.nextInt(UNIVERSE - from));
            }
            default -> {
                int density = random.nextInt(5);
                for (int i = 0; i < UNIVERSE; i++) {
                    set.set(i, random.nextInt(4) < density);
                }
            }
        }
        return set;
    }

    private static Key key(int at) {
        return FIRST.plus(at);
    }

    private static KeyRange range(int from, int to) {
        return new KeyRange(key(from), key(to));
    }

    private static KeySpace space(BitSet set) {
        List<KeyRange> ranges = new ArrayList<>();
        for (int from = set.nextSetBit(0); from >= 0; ) {
            int to = set.nextClearBit(from);
            ranges.add(range(from, to));
            from = set.nextSetBit(to);
        }
        return new KeySpace(ranges);
    }

    private static BitSet bits(KeySpace space) {
        BitSet set = new BitSet(UNIVERSE);
        for (KeyRange range : space.ranges()) {
            set.set(position(range.start()), position(range.end()));
        }
        return set;
    }

    private static int position(Key key) {
        return KeyTest.number(key).subtract(KeyTest.number(FIRST)).intValueExact();
    }

    private static BitSet union(BitSet a, BitSet b) {
        BitSet result = (BitSet) a.clone();
        result.or(b);
        return result;
    }

    private static BitSet intersection(BitSet a, BitSet b) {
        BitSet result = (BitSet) a.clone();
        result.and(b);
        return result;
    }

    private static BitSet difference(BitSet a, BitSet b) {
        BitSet result = (BitSet) a.clone();
        result.andNot(b);
        return result;
    }
}
