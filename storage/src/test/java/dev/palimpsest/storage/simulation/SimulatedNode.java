package dev.palimpsest.storage.simulation;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/** What a name stands for: a file or a directory, as written and as durable. */
sealed interface SimulatedNode permits SimulatedNode.File, SimulatedNode.Directory {
    /** Names as they are now, and as they would be after a crash that keeps nothing more. */
    final class Directory implements SimulatedNode {
        TreeMap<String, SimulatedNode> current = new TreeMap<>();
        final TreeMap<String, SimulatedNode> durable = new TreeMap<>();
    }

    /**
     * Bytes as they are now, and as they are on the platter. A sector is durable in one piece. The kernel writes back when it
     * likes, so a sector may have become durable in a state between the last sync and now.
     */
    final class File implements SimulatedNode {
        private static final int SECTOR = 512;
        private static final int SECTORS_PER_BLOCK = 8;
        private static final double WRITE_BACK = 0.25;

        /** Whether no name leads to it. */
        boolean unlinked;
        /** How many names lead to it. */
        int names = 1;

        private byte[] written = new byte[0];
        private byte[] durable = new byte[0];
        private int size;
        private int durableSize;
        /** Sectors that were written since they were last synced. */
        private final BitSet dirty = new BitSet();

        int size() {
            return size;
        }

        int read(long offset, ByteBuffer target) {
            if (offset >= size) {
                return 0;
            }
            int length = Math.min(target.remaining(), size - (int) offset);
            target.put(written, (int) offset, length);
            return length;
        }

        /** Writes the bytes from the buffer's position to its limit. */
        void write(long offset, ByteBuffer source, RandomGenerator random) {
            int length = source.remaining();
            if (length == 0) {
                return;
            }
            int start = Math.toIntExact(offset);
            int end = Math.addExact(start, length);
            grow(end);
            int last = (end - 1) / SECTOR;
            for (int sector = start / SECTOR; sector <= last; sector++) {
                if (dirty.get(sector) && random.nextDouble() < WRITE_BACK) {
                    persist(sector);
                }
            }
            source.get(written, start, length);
            dirty.set(start / SECTOR, last + 1);
            size = Math.max(size, end);
        }

        private void grow(int end) {
            int capacity = (end + SECTOR - 1) / SECTOR * SECTOR;
            if (capacity > written.length) {
                int length = Math.max(capacity, Math.max(SECTOR, written.length * 2));
                written = Arrays.copyOf(written, length);
                durable = Arrays.copyOf(durable, length);
            }
        }

        private void persist(int sector) {
            System.arraycopy(written, sector * SECTOR, durable, sector * SECTOR, SECTOR);
        }

        void sync() {
            dirty.stream().forEach(this::persist);
            dirty.clear();
            durableSize = size;
        }

        /** What Linux does: any part has become durable, and nothing counts as written since the last sync. */
        void failSync(RandomGenerator random) {
            boolean dropped = random.nextBoolean();
            dirty.stream().forEach(sector -> {
                if (random.nextBoolean()) {
                    persist(sector);
                } else if (dropped) {
                    System.arraycopy(durable, sector * SECTOR, written, sector * SECTOR, SECTOR);
                }
            });
            dirty.clear();
            if (random.nextBoolean()) {
                durableSize = size;
            }
        }

        /** What was not synced is kept or lost, sector by sector or block by block; the size may be any since the last sync. */
        void crash(RandomGenerator random) {
            int unit = random.nextBoolean() ? 1 : SECTORS_PER_BLOCK;
            double kept = random.nextInt(5) / 4.0;
            int decided = -1;
            boolean keep = false;
            for (int sector = dirty.nextSetBit(0); sector >= 0; sector = dirty.nextSetBit(sector + 1)) {
                if (sector / unit != decided) {
                    decided = sector / unit;
                    keep = random.nextDouble() < kept;
                }
                if (keep) {
                    persist(sector);
                }
            }
            dirty.clear();
            size = switch (random.nextInt(3)) {
                case 0 -> durableSize;
                case 1 -> size;
                default -> random.nextInt(Math.min(size, durableSize), Math.max(size, durableSize) + 1);
            };
            Arrays.fill(durable, size, durable.length, (byte) 0);
            durableSize = size;
            written = durable.clone();
        }
    }
}
