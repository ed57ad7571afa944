package dev.palimpsest.storage.btree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.MemoryBlocks;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BtreeBuilderTest {
    @Test
    void oneEntryOfADeltaLayerIsTheseBytes() throws StorageException {
        byte[] key = HexFormat.of().parseHex("000000067F00000005000040000000000007" + "00000000016960E8");
        byte[] expected = Arrays.copyOf(
                HexFormat.of()
                        .parseHex("0001" + "00" + "00" + "1A" + "000000067F00000005000040000000000007"
                                + "00000000016960E8" + "0000004001"),
                8192);
        NavigableMap<byte[], Long> entries = Trees.sorted();
        entries.put(key, 0x4001L);
        assertThat(Trees.build(26, entries).bytes()).isEqualTo(expected);
    }

    @Test
    void fullLeavesShareAPrefixAndTheRootIsLast() throws StorageException {
        // 629 whole keys of 8 bytes fill a node (5 + 629 × 13 = 8182). Without the 6 common bytes it is 1168
        // (11 + 1168 × 7 = 8187); the key after those begins the next node, which overflows and is compressed too.
        Trees.Tree tree = Trees.build(8, numbers(0, 2000));
        assertThat(tree.bytes()).hasSize(3 * 8192);
        assertThat(tree.node(0)).isEqualTo(compressedLeaf(new byte[6], 0, 1168));
        assertThat(tree.node(1)).isEqualTo(compressedLeaf(new byte[6], 1168, 2000));
        assertThat(tree.node(2))
                .isEqualTo(Trees.node(
                        1,
                        new byte[0],
                        List.of(
                                HexFormat.of().parseHex("0000000000000000"),
                                HexFormat.of().parseHex("0000000000000490")),
                        List.of(
                                HexFormat.of().parseHex("8000000000"),
                                HexFormat.of().parseHex("8000000001"))));
    }

    @Test
    void aKeyWithoutThePrefixGoesToTheNextNode() throws StorageException {
        NavigableMap<byte[], Long> entries = numbers(0, 700);
        entries.put(HexFormat.of().parseHex("0200000000000000"), 9L);
        Trees.Tree tree = Trees.build(8, entries);
        assertThat(tree.bytes()).hasSize(3 * 8192);
        assertThat(tree.node(0)).isEqualTo(compressedLeaf(new byte[6], 0, 700));
        assertThat(tree.node(1))
                .isEqualTo(Trees.node(
                        0,
                        new byte[0],
                        List.of(HexFormat.of().parseHex("0200000000000000")),
                        List.of(HexFormat.of().parseHex("0000000009"))));
    }

    @Test
    void aNodeThatIsNotFullHasNoPrefix() throws StorageException {
        Trees.Tree tree = Trees.build(8, numbers(0, 629));
        assertThat(tree.bytes()).hasSize(8192);
        assertThat(Arrays.copyOf(tree.bytes(), 5)).isEqualTo(HexFormat.of().parseHex("0275000008"));
        assertThat(Arrays.copyOf(Trees.build(8, numbers(0, 630)).bytes(), 5))
                .isEqualTo(HexFormat.of().parseHex("0276000602"));
    }

    private static byte[] compressedLeaf(byte[] prefix, int from, int to) {
        List<byte[]> suffixes = new ArrayList<>();
        List<byte[]> values = new ArrayList<>();
        for (int i = from; i < to; i++) {
            suffixes.add(new byte[] {(byte) (i >>> 8), (byte) i});
            values.add(Trees.value(0, 10L * i));
        }
        return Trees.node(0, prefix, suffixes, values);
    }

    private static NavigableMap<byte[], Long> numbers(int from, int to) {
        NavigableMap<byte[], Long> entries = Trees.sorted();
        for (int i = from; i < to; i++) {
            entries.put(ByteBuffer.allocate(8).putLong(i).array(), 10L * i);
        }
        return entries;
    }

    @Test
    void deltaAndImageLeavesHoldAsManyWholeKeysAsNeons() throws StorageException {
        assertThat(blocksOfIncompressible(26, 264)).isEqualTo(1);
        assertThat(blocksOfIncompressible(26, 265)).isEqualTo(3);
        assertThat(blocksOfIncompressible(18, 355)).isEqualTo(1);
        assertThat(blocksOfIncompressible(18, 356)).isEqualTo(3);
    }

    private static int blocksOfIncompressible(int keyLength, int count) throws StorageException {
        NavigableMap<byte[], Long> entries = Trees.sorted();
        for (int i = 0; i < count; i++) {
            byte[] key = new byte[keyLength];
            // The first and the last differ in the first byte.
            key[0] = (byte) (i < 100 ? 0 : 1);
            key[1] = (byte) (i >>> 8);
            key[2] = (byte) i;
            entries.put(key, (long) i);
        }
        Trees.Tree tree = Trees.build(keyLength, entries);
        assertThat(Trees.parse(tree)).isEqualTo(entries);
        assertThat(tree.reader().verify().entries()).isEqualTo(count);
        return tree.bytes().length / 8192;
    }

    @Test
    void everyTreeIsByteForByteWhatTheRulesSay() throws StorageException {
        for (int seed = 0; seed < 60; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int[] lengths = {8, 18, 26, 200, 255};
            int keyLength = lengths[random.nextInt(lengths.length)];
            NavigableMap<byte[], Long> entries =
                    Trees.random(random, keyLength, 1 + random.nextInt(6000), 1 + random.nextInt(40));
            assertThat(Trees.build(keyLength, entries).bytes())
                    .as("seed %s", seed)
                    .isEqualTo(BtreeModel.build(keyLength, entries));
        }
    }

    @Test
    void innerNodesOverflowToo() throws StorageException {
        // 32 whole keys of 250 bytes to a node, and random first bytes: no node can be compressed, and 40 000 entries
        // need four levels.
        SplittableRandom random = new SplittableRandom(7);
        NavigableMap<byte[], Long> entries = Trees.sorted();
        while (entries.size() < 40_000) {
            byte[] key = new byte[250];
            random.nextBytes(key);
            entries.put(key, (long) entries.size());
        }
        Trees.Tree tree = Trees.build(250, entries);
        assertThat(tree.bytes()).isEqualTo(BtreeModel.build(250, entries));
        BtreeReader.Statistics statistics = tree.reader().verify();
        assertThat(statistics.entries()).isEqualTo(40_000);
        assertThat(statistics.height())
                .isEqualTo(tree.bytes()[tree.root() * 8192 + 2] + 1)
                .isGreaterThan(2);
        assertThat(statistics.bytes()).isEqualTo(tree.bytes().length);
        assertThat(statistics.nodes()).isEqualTo(tree.root() + 1);
    }

    @Test
    void keysMustAscendAndValuesFit() throws StorageException {
        List<Integer> written = new ArrayList<>();
        BtreeBuilder builder = new BtreeBuilder(2, block -> written.add(block.remaining()));
        assertThatThrownBy(() -> new BtreeBuilder(0, block -> {})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new BtreeBuilder(256, block -> {})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(builder::finish).isInstanceOf(IllegalStateException.class);
        builder.append(new byte[] {9, 0x7F, 1, 9}, 1, 0);
        assertThatThrownBy(() -> builder.append(new byte[] {0x7F, 1}, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("7f01");
        assertThatThrownBy(() -> builder.append(new byte[] {0x7F, 0}, 0, 0))
                .isInstanceOf(IllegalArgumentException.class);
        byte[] greater = {(byte) 0x80, 0};
        assertThatThrownBy(() -> builder.append(greater, 0, 1L << 39)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.append(greater, 0, -1)).isInstanceOf(IllegalArgumentException.class);
        builder.append(ByteBuffer.wrap(greater), 0, (1L << 39) - 1);
        assertThat(builder.finish()).isEqualTo(new BtreeBuilder.Built(0, 1, 1, 2));
        assertThat(written).containsExactly(8192);
        assertThatThrownBy(() -> builder.append(new byte[] {-1, -1}, 0, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(builder::finish).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aTreeCanBeginAnywhereInAFile() throws StorageException {
        NavigableMap<byte[], Long> entries = numbers(0, 5000);
        Trees.Tree tree = Trees.build(8, entries);
        byte[] file = new byte[3 * 8192 + tree.bytes().length];
        System.arraycopy(tree.bytes(), 0, file, 3 * 8192, tree.bytes().length);
        BtreeReader reader = new BtreeReader(new MemoryBlocks("file", file), 3, tree.root(), 8);
        for (Map.Entry<byte[], Long> entry : entries.entrySet()) {
            assertThat(reader.get(entry.getKey())).isEqualTo(entry.getValue());
        }
        assertThat(reader.verify().entries()).isEqualTo(5000);
    }
}
