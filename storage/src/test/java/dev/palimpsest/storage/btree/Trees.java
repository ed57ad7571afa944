package dev.palimpsest.storage.btree;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.MemoryBlocks;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Trees for tests: built by the code under test, put together by hand, and read again in the plainest way. */
final class Trees {
    static final int NODE = 8192;

    /** A tree and where its root is. */
    record Tree(byte[] bytes, int root, int keyLength) {
        BtreeReader reader() {
            return new BtreeReader(new MemoryBlocks("index", bytes), 0, root, keyLength);
        }

        byte[] node(int number) {
            return Arrays.copyOfRange(bytes, number * NODE, (number + 1) * NODE);
        }
    }

    private Trees() {}

    static Tree build(int keyLength, Map<byte[], Long> entries) throws StorageException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BtreeBuilder builder = new BtreeBuilder(keyLength, block -> {
            byte[] bytes = new byte[block.remaining()];
            block.get(bytes);
            out.writeBytes(bytes);
        });
        for (Map.Entry<byte[], Long> entry : entries.entrySet()) {
            builder.append(entry.getKey(), 0, entry.getValue());
        }
        BtreeBuilder.Built built = builder.finish();
        if (built.blocks() * NODE != out.size()
                || built.rootBlock() != built.blocks() - 1
                || built.entries() != entries.size()) {
            throw new AssertionError(built + " of " + out.size() + " bytes for " + entries.size() + " entries");
        }
        return new Tree(out.toByteArray(), built.rootBlock(), keyLength);
    }

    static NavigableMap<byte[], Long> sorted() {
        return new TreeMap<>(Arrays::compareUnsigned);
    }

    /** Entries whose keys agree in many ways: up to {@code groups} stems, each with a tail of random length. */
    static NavigableMap<byte[], Long> random(SplittableRandom random, int keyLength, int count, int groups) {
        List<byte[]> stems = new ArrayList<>();
        for (int i = 0; i < groups; i++) {
            byte[] stem = new byte[keyLength];
            random.nextBytes(stem);
            stems.add(stem);
        }
        NavigableMap<byte[], Long> entries = sorted();
        for (int tries = 0; entries.size() < count && tries < 4 * count; tries++) {
            byte[] key = stems.get(random.nextInt(groups)).clone();
            int tail = 1 + random.nextInt(Math.min(keyLength, 4));
            for (int i = keyLength - tail; i < keyLength; i++) {
                key[i] = (byte) random.nextInt();
            }
            entries.put(key, random.nextLong(BtreeBuilder.MAX_VALUE + 1));
        }
        return entries;
    }

    /** A node from its parts: the layout once more, written down independently. */
    static byte[] node(int level, byte[] prefix, List<byte[]> suffixes, List<byte[]> values) {
        ByteBuffer node = ByteBuffer.allocate(NODE);
        node.putShort((short) suffixes.size());
        node.put((byte) level);
        node.put((byte) prefix.length);
        node.put((byte) suffixes.getFirst().length);
        node.put(prefix);
        suffixes.forEach(node::put);
        values.forEach(node::put);
        return node.array();
    }

    /** Five bytes. */
    static byte[] value(int first, long rest) {
        return ByteBuffer.allocate(5).put((byte) first).putInt((int) rest).array();
    }

    /** What a well-formed tree holds, or null if it is not well-formed. Simple and slow. */
    static @Nullable NavigableMap<byte[], Long> parse(Tree tree) {
        int level = tree.bytes()[tree.root() * NODE + 2] & 0xFF;
        List<Map.Entry<byte[], Long>> entries = new ArrayList<>();
        if (parse(tree, tree.root(), level, entries) == null) {
            return null;
        }
        NavigableMap<byte[], Long> result = sorted();
        for (Map.Entry<byte[], Long> entry : entries) {
            if (!result.isEmpty() && Arrays.compareUnsigned(result.lastKey(), entry.getKey()) >= 0) {
                return null;
            }
            result.put(entry.getKey(), entry.getValue());
        }
        return result;
    }

    /** The node's first key, or null if something is wrong in or below it. */
    private static byte @Nullable [] parse(Tree tree, int number, int level, List<Map.Entry<byte[], Long>> entries) {
        ByteBuffer node = ByteBuffer.wrap(tree.bytes(), number * NODE, NODE).slice();
        int count = node.getShort() & 0xFFFF;
        int found = node.get() & 0xFF;
        int prefix = node.get() & 0xFF;
        int suffix = node.get() & 0xFF;
        boolean fits = 5 + prefix + count * (suffix + 5) < NODE;
        if (count == 0 || found != level || prefix + suffix != tree.keyLength() || !fits) {
            return null;
        }
        byte @Nullable [] first = null;
        byte @Nullable [] last = null;
        long lastChild = -1;
        for (int i = 0; i < count; i++) {
            byte[] key = new byte[prefix + suffix];
            node.get(5, key, 0, prefix).get(5 + prefix + i * suffix, key, prefix, suffix);
            int at = 5 + prefix + count * suffix + 5 * i;
            int mark = node.get(at) & 0xFF;
            long rest = node.getInt(at + 1) & 0xFFFFFFFFL;
            if (last != null && Arrays.compareUnsigned(last, key) >= 0) {
                return null;
            }
            last = key;
            first = first == null ? key : first;
            if (level == 0) {
                if (mark > 0x7F) {
                    return null;
                }
                entries.add(Map.entry(key, (long) mark << 32 | rest));
            } else {
                if (mark != 0x80 || rest >= number || rest <= lastChild) {
                    return null;
                }
                lastChild = rest;
                byte[] childFirst = parse(tree, (int) rest, level - 1, entries);
                if (childFirst == null || !Arrays.equals(childFirst, key)) {
                    return null;
                }
            }
        }
        return first;
    }
}
