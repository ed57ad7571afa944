package dev.palimpsest.storage.btree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whatever the bytes are: a well-formed tree is read as what it is, anything else ends in a {@link CorruptionException}. */
class BtreeDamageTest {
    private static final int NODE = 8192;

    @Test
    void everyBitOfATreeOfThreeLevels() throws StorageException {
        Trees.Tree tree = smallTree();
        assertThat(Trees.parse(tree)).hasSize(18);
        assertThat(tree.reader().verify()).isEqualTo(new BtreeReader.Statistics(18, 9, 3, 9 * 8192));
        int damaged = 0;
        for (int node = 0; node <= tree.root(); node++) {
            for (int bit = 0; bit < 80 * 8; bit++) {
                byte[] bytes = tree.bytes().clone();
                bytes[node * NODE + bit / 8] ^= (byte) (1 << bit % 8);
                damaged += check("bit " + bit + " of node " + node, new Trees.Tree(bytes, tree.root(), 4));
            }
        }
        // Most bits of headers, inner keys and child numbers must have been noticed.
        assertThat(damaged).isGreaterThan(900);
    }

    @Test
    void bitsOfATreeThatWasBuilt() throws StorageException {
        NavigableMap<byte[], Long> entries = Trees.sorted();
        SplittableRandom random = new SplittableRandom(11);
        while (entries.size() < 33) {
            byte[] key = new byte[250];
            random.nextBytes(key);
            entries.put(key, random.nextLong(1L << 39));
        }
        Trees.Tree tree = Trees.build(250, entries);
        assertThat(tree.root()).isEqualTo(2);
        int damaged = 0;
        int[] used = {5 + 32 * 255, 5 + 255, 5 + 2 * 255};
        for (int node = 0; node <= 2; node++) {
            // In the leaves every bit of the header and of the values, and of the keys every seventh.
            int step = node == 2 ? 1 : 7;
            int values = used[node] - 5 * (used[node] / 255);
            for (int bit = 0; bit < used[node] * 8; bit += bit < 40 || bit >= values * 8 ? 1 : step) {
                byte[] bytes = tree.bytes().clone();
                bytes[node * NODE + bit / 8] ^= (byte) (1 << bit % 8);
                damaged += check("bit " + bit + " of node " + node, new Trees.Tree(bytes, 2, 250));
            }
        }
        assertThat(damaged).isGreaterThan(2 * 250 * 8);
    }

    @Test
    void nodesInThePlaceOfOthers() throws StorageException {
        Trees.Tree tree = smallTree();
        for (int from = 0; from <= tree.root(); from++) {
            for (int to = 0; to <= tree.root(); to++) {
                byte[] bytes = tree.bytes().clone();
                System.arraycopy(tree.bytes(), from * NODE, bytes, to * NODE, NODE);
                // In the root's place every node is the root of a smaller tree.
                assertThat(check(from + " over " + to, new Trees.Tree(bytes, tree.root(), 4)))
                        .isEqualTo(from == to || to == tree.root() ? 0 : 1);
            }
        }
        for (int root = 0; root < tree.root(); root++) {
            check("root " + root, new Trees.Tree(tree.bytes(), root, 4));
        }
    }

    @Test
    void manyRandomBytes() throws StorageException {
        Trees.Tree tree = smallTree();
        for (int seed = 0; seed < 4000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] bytes = tree.bytes().clone();
            for (int i = 1 + random.nextInt(4); i > 0; i--) {
                int at = random.nextInt(tree.root() + 1) * NODE + random.nextInt(random.nextBoolean() ? 5 : 50);
                bytes[at] = (byte) (random.nextBoolean() ? random.nextInt() : random.nextInt(12));
            }
            check("seed " + seed, new Trees.Tree(bytes, tree.root(), 4));
        }
    }

    @Test
    void blocksThatAreNotThereOrNotInTheTree() throws StorageException {
        Trees.Tree tree = smallTree();
        for (int blocks = 0; blocks <= tree.root(); blocks++) {
            Trees.Tree cut = new Trees.Tree(Arrays.copyOf(tree.bytes(), blocks * NODE), tree.root(), 4);
            assertThatThrownBy(() -> cut.reader().verify()).isInstanceOf(CorruptionException.class);
            assertThatThrownBy(() -> cut.reader().get(new byte[4])).isInstanceOf(CorruptionException.class);
        }
        for (int root : new int[] {-1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            Trees.Tree astray = new Trees.Tree(tree.bytes(), root, 4);
            assertThatThrownBy(() -> astray.reader().verify()).isInstanceOf(CorruptionException.class);
        }
        // A root of level 1 over two of three leaves: all that can be reached is well-formed, but a block is left over.
        byte[] bytes = new byte[4 * NODE];
        System.arraycopy(tree.bytes(), 0, bytes, 0, 3 * NODE);
        putNode(bytes, 3, inner(1, List.of(key(0), key(10)), List.of(0, 1)));
        assertThatThrownBy(() -> new Trees.Tree(bytes, 3, 4).reader().verify())
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("only 3 belong");
    }

    @Test
    void bytesAfterTheLastValueAreHarmlessButReported() throws StorageException {
        Trees.Tree tree = smallTree();
        byte[] bytes = tree.bytes().clone();
        bytes[3 * NODE - 1] = 1;
        BtreeReader reader = new Trees.Tree(bytes, tree.root(), 4).reader();
        assertThat(reader.get(key(25))).isEqualTo(25);
        assertThatThrownBy(reader::verify)
                .isInstanceOfSatisfying(
                        CorruptionException.class, e -> assertThat(e.offset()).isEqualTo(3 * NODE - 1));
    }

    /** Returns 1 if the tree is damaged and 0 if it is well-formed. */
    static int check(String what, Trees.Tree tree) throws StorageException {
        NavigableMap<byte[], Long> expected = Trees.parse(tree);
        BtreeReader reader = tree.reader();
        List<Long> forward = new ArrayList<>();
        List<Long> backward = new ArrayList<>();
        boolean failed = false;
        try {
            walk(reader, tree.keyLength(), forward, backward);
        } catch (CorruptionException e) {
            assertThat(e.resource()).isEqualTo("index");
            assertThat(e.offset()).isBetween(0L, (long) tree.bytes().length);
            failed = true;
        }
        // Said without AssertJ where it holds, for this runs a hundred thousand times.
        if (failed != (expected == null)) {
            fail(what + ": damage noticed: " + failed + ", the tree holds " + expected);
        }
        if (expected != null
                && !(forward.equals(List.copyOf(expected.values()))
                        && backward.equals(List.copyOf(expected.descendingMap().values())))) {
            fail(what + ": found " + forward + " and back " + backward + ", expected " + expected.values());
        }
        // A search alone sees one way down; it must end well or with the one exception.
        for (int number = 0; number < 60; number += 5) {
            byte[] probe =
                    expected == null || number > 0 ? Arrays.copyOf(key(number), tree.keyLength()) : expected.lastKey();
            try {
                long value = reader.get(probe);
                if (expected != null && value != expected.getOrDefault(probe, -1L)) {
                    fail(what + ": found " + value);
                }
            } catch (CorruptionException e) {
                assertThat(expected).as(what).isNull();
            }
        }
        return failed ? 1 : 0;
    }

    private static void walk(BtreeReader reader, int keyLength, List<Long> forward, List<Long> backward)
            throws StorageException {
        BtreeCursor cursor = reader.cursor();
        for (boolean found = cursor.first(); found; found = cursor.next()) {
            forward.add(cursor.value());
        }
        byte[] last = new byte[keyLength];
        Arrays.fill(last, (byte) -1);
        for (boolean found = cursor.seekBack(last); found; found = cursor.previous()) {
            backward.add(cursor.value());
        }
    }

    /** Six leaves of three entries, two inner nodes, a root; blocks in the order in which they would be written. */
    static Trees.Tree smallTree() {
        byte[] bytes = new byte[9 * NODE];
        putNode(bytes, 0, leaf(0));
        putNode(bytes, 1, leaf(10));
        putNode(bytes, 2, leaf(20));
        putNode(bytes, 3, inner(1, List.of(key(0), key(10), key(20)), List.of(0, 1, 2)));
        putNode(bytes, 4, leaf(30));
        putNode(bytes, 5, leaf(40));
        putNode(bytes, 6, leaf(50));
        putNode(bytes, 7, inner(1, List.of(key(30), key(40), key(50)), List.of(4, 5, 6)));
        putNode(bytes, 8, inner(2, List.of(key(0), key(30)), List.of(3, 7)));
        return new Trees.Tree(bytes, 8, 4);
    }

    private static byte[] key(int number) {
        return new byte[] {1, 2, 3, (byte) number};
    }

    private static byte[] leaf(int number) {
        List<byte[]> suffixes = new ArrayList<>();
        List<byte[]> values = new ArrayList<>();
        for (int i = number; i < number + 9; i += i == number ? 5 : 3) {
            suffixes.add(new byte[] {3, (byte) i});
            values.add(Trees.value(0, i));
        }
        return Trees.node(0, new byte[] {1, 2}, suffixes, values);
    }

    private static byte[] inner(int level, List<byte[]> keys, List<Integer> children) {
        List<byte[]> values = new ArrayList<>();
        children.forEach(child -> values.add(Trees.value(0x80, child)));
        return Trees.node(level, new byte[0], keys, values);
    }

    private static void putNode(byte[] bytes, int number, byte[] node) {
        System.arraycopy(node, 0, bytes, number * NODE, NODE);
    }
}
