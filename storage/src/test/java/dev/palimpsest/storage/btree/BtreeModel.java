package dev.palimpsest.storage.btree;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The building rules of the reference, once more and in the plainest way, to compare bytes with. */
final class BtreeModel {
    private static final class Node {
        final List<byte[]> keys = new ArrayList<>();
        final List<byte[]> values = new ArrayList<>();
        int prefix;
    }

    private final int keyLength;
    private final List<Node> stack = new ArrayList<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int blocks;

    private BtreeModel(int keyLength) {
        this.keyLength = keyLength;
    }

    static byte[] build(int keyLength, Map<byte[], Long> entries) {
        BtreeModel model = new BtreeModel(keyLength);
        entries.forEach((key, value) -> model.append(0, key, Trees.value((int) (value >>> 32), value)));
        for (int level = 0; level + 1 < model.stack.size(); level++) {
            model.flush(level);
        }
        model.write(model.stack.size() - 1);
        return model.out.toByteArray();
    }

    private void append(int level, byte[] key, byte[] value) {
        if (stack.size() == level) {
            stack.add(new Node());
        }
        Node node = stack.get(level);
        if (!fits(node, key)) {
            if (!node.keys.isEmpty()) {
                int common = Arrays.mismatch(node.keys.getFirst(), node.keys.getLast());
                node.prefix = common < 0 ? keyLength : common;
            }
            if (!fits(node, key)) {
                flush(level);
                node = stack.get(level);
            }
        }
        node.keys.add(key);
        node.values.add(value);
    }

    private boolean fits(Node node, byte[] key) {
        boolean begins = node.keys.isEmpty()
                || Arrays.equals(Arrays.copyOf(key, node.prefix), Arrays.copyOf(node.keys.getFirst(), node.prefix));
        int entries = node.keys.size() + 1;
        return begins && 5 + node.prefix + entries * (keyLength - node.prefix + 5) < Trees.NODE;
    }

    private void flush(int level) {
        byte[] first = stack.get(level).keys.getFirst();
        int number = write(level);
        append(level + 1, first, Trees.value(0x80, number));
        stack.set(level, new Node());
    }

    private int write(int level) {
        Node node = stack.get(level);
        List<byte[]> suffixes = new ArrayList<>();
        for (byte[] key : node.keys) {
            suffixes.add(Arrays.copyOfRange(key, node.prefix, keyLength));
        }
        out.writeBytes(Trees.node(level, Arrays.copyOf(node.keys.getFirst(), node.prefix), suffixes, node.values));
        return blocks++;
    }
}
