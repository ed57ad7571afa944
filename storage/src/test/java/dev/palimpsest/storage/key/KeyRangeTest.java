package dev.palimpsest.storage.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class KeyRangeTest {
    private static final long SEED = 0x72616E67;
    private static final RelTag RELATION = new RelTag(1663, 5, 16384, RelTag.MAIN);

    @Test
    void isNeverEmpty() {
        Key key = RELATION.blockKey(7);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new KeyRange(key, key))
                .withMessageContaining(key.toString());
        assertThatIllegalArgumentException().isThrownBy(() -> new KeyRange(key.next(), key));
    }

    @Test
    void holdsItsStartButNotItsEnd() {
        KeyRange range = blocks(10, 20);
        assertThat(range.contains(RELATION.blockKey(9))).isFalse();
        assertThat(range.contains(RELATION.blockKey(10))).isTrue();
        assertThat(range.contains(RELATION.blockKey(19))).isTrue();
        assertThat(range.contains(RELATION.blockKey(20))).isFalse();
        assertThat(KeyRange.ALL.contains(Key.MIN)).isTrue();
        assertThat(KeyRange.ALL.contains(Key.MAX)).isFalse();
    }

    @Test
    void containsAndOverlapsRanges() {
        KeyRange range = blocks(10, 20);
        assertThat(range.contains(range)).isTrue();
        assertThat(range.contains(blocks(10, 21))).isFalse();
        assertThat(range.contains(blocks(9, 20))).isFalse();
        assertThat(range.overlaps(blocks(0, 10))).isFalse();
        assertThat(range.overlaps(blocks(0, 11))).isTrue();
        assertThat(range.overlaps(blocks(19, 30))).isTrue();
        assertThat(range.overlaps(blocks(20, 30))).isFalse();
        assertThat(range.overlaps(blocks(12, 13))).isTrue();
    }

    @Test
    void sortsByStartThenEnd() {
        assertThat(blocks(1, 5)).isLessThan(blocks(2, 3));
        assertThat(blocks(1, 5)).isLessThan(blocks(1, 6));
        assertThat(blocks(1, 5)).isEqualByComparingTo(blocks(1, 5));
    }

    @Test
    void countsTheBlocksOfOneFork() {
        assertThat(blocks(0, 100).pageCount()).isEqualTo(100);
        assertThat(blocks(99, 100).pageCount()).isEqualTo(1);
        assertThat(blocks(0x7FFF_FFF0, 0x8000_0010).pageCount()).isEqualTo(0x20);
        assertThat(new KeyRange(RELATION.blockKey(0), RELATION.sizeKey()).pageCount())
                .isEqualTo(0xFFFF_FFFFL);
        assertThat(new KeyRange(RELATION.blockKey(1), RELATION.sizeKey()).pageCount())
                .isEqualTo(0xFFFF_FFFEL);
    }

    @Test
    void countsFromTheSizeIntoTheNextFork() {
        assertThat(KeyRange.single(RELATION.sizeKey()).pageCount()).isEqualTo(1);
        Key fsm = new RelTag(1663, 5, 16384, RelTag.FREE_SPACE_MAP).blockKey(9);
        assertThat(new KeyRange(RELATION.sizeKey(), fsm).pageCount()).isEqualTo(10);
        assertThat(new KeyRange(RELATION.sizeKey(), new RelTag(1663, 5, 16384, 1).sizeKey()).pageCount())
                .isEqualTo(KeyRange.UNCOUNTED);
    }

    @Test
    void countsNoOtherRange() {
        assertThat(RELATION.range().pageCount()).isEqualTo(KeyRange.UNCOUNTED);
        Key nextFork = new RelTag(1663, 5, 16384, 1).blockKey(0);
        assertThat(new KeyRange(RELATION.blockKey(1), nextFork).pageCount()).isEqualTo(KeyRange.UNCOUNTED);
        Key nextRelation = new RelTag(1663, 5, 16385, 0).blockKey(5);
        assertThat(new KeyRange(RELATION.blockKey(5), nextRelation).pageCount()).isEqualTo(KeyRange.UNCOUNTED);
        Key otherDatabase = new RelTag(1663, 6, 16384, 0).blockKey(5);
        assertThat(new KeyRange(RELATION.blockKey(0), otherDatabase).pageCount())
                .isEqualTo(KeyRange.UNCOUNTED);
        assertThat(KeyRange.ALL.pageCount()).isEqualTo(KeyRange.UNCOUNTED);
    }

    @Test
    void aSingleKeyIsOnePageWhereverItLies() {
        assertThat(KeyRange.single(Key.of(0x62, 1, 2, 3, 0xFF, -1)).pageCount()).isEqualTo(1);
        assertThat(KeyRange.single(Key.of(0, -1, -1, -1, 0xFF, -1)).pageCount()).isEqualTo(1);
    }

    @Test
    void neverCountsMoreThanThereIs() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 20_000; i++) {
            Key a = KeyTest.anyKey(random);
            Key b = random.nextBoolean() ? KeyTest.anyKey(random) : new Key(a.high(), a.middle(), '\uFFFF');
            if (a.compareTo(b) < 0) {
                KeyRange range = new KeyRange(a, b);
                BigInteger size = KeyTest.number(b).subtract(KeyTest.number(a));
                BigInteger counted = BigInteger.valueOf(range.pageCount());
                assertThat(counted.signum()).isPositive();
                if (range.pageCount() < KeyRange.UNCOUNTED) {
                    assertThat(counted).as("%s, seed %x", range, SEED).isEqualTo(size);
                } else if (range.isContiguous()) {
                    assertThat(counted).as("%s, seed %x", range, SEED).isLessThanOrEqualTo(size);
                }
            }
        }
    }

    private static KeyRange blocks(int from, int to) {
        return new KeyRange(RELATION.blockKey(from), RELATION.blockKey(to));
    }

    @Test
    void aRangeOfOneKeyKnowsIt() {
        Key last = new Key(1, 2, '\uFFFF');
        Key lastOfAll = new Key(1, -1L, '\uFFFF');
        for (Key key : List.of(Key.MIN, new Key(1, 2, (char) 3), last, lastOfAll)) {
            assertThat(KeyRange.single(key).isSingle()).as("%s", key).isTrue();
            assertThat(new KeyRange(key, key.plus(2)).isSingle()).as("%s", key).isFalse();
        }
        assertThat(new KeyRange(new Key(1, 2, (char) 3), new Key(1, 3, (char) 4)).isSingle())
                .isFalse();
        assertThat(KeyRange.ALL.isSingle()).isFalse();
    }
}
