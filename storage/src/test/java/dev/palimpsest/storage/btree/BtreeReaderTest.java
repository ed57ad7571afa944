package dev.palimpsest.storage.btree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BtreeReaderTest {
    @Test
    void findsWhatASortedMapFinds() throws StorageException {
        for (int seed = 0; seed < 40; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int[] lengths = {2, 8, 18, 26, 120, 255};
            int keyLength = lengths[random.nextInt(lengths.length)];
            NavigableMap<byte[], Long> entries =
                    Trees.random(random, keyLength, 1 + random.nextInt(5000), 1 + random.nextInt(60));
            BtreeReader reader = Trees.build(keyLength, entries).reader();
            String what = "seed " + seed;
            assertThat(forward(reader, new byte[keyLength])).as(what).containsExactlyElementsOf(entries.values());
            assertThat(backward(reader, ones(keyLength)))
                    .as(what)
                    .containsExactlyElementsOf(entries.descendingMap().values());
            BtreeCursor cursor = reader.cursor();
            List<byte[]> keys = new ArrayList<>(entries.keySet());
            for (int i = 0; i < 500; i++) {
                byte[] key = keys.get(random.nextInt(keys.size())).clone();
                if (random.nextBoolean()) {
                    key[random.nextInt(keyLength)] += (byte) (random.nextBoolean() ? 1 : -1);
                }
                checkSeek(what, entries, reader, cursor, key, random.nextInt(40));
            }
            checkSeek(what, entries, reader, cursor, new byte[keyLength], 3);
            checkSeek(what, entries, reader, cursor, ones(keyLength), 3);
        }
    }

    private static void checkSeek(
            String what,
            NavigableMap<byte[], Long> entries,
            BtreeReader reader,
            BtreeCursor cursor,
            byte[] key,
            int steps)
            throws StorageException {
        assertThat(reader.get(key)).as(what).isEqualTo(entries.getOrDefault(key, -1L));
        Map.Entry<byte[], Long> expected = entries.ceilingEntry(key);
        boolean found = cursor.seek(key);
        for (int i = 0; i < steps && expected != null; i++) {
            checkAt(what, cursor, found, expected);
            expected = entries.higherEntry(expected.getKey());
            found = cursor.next();
        }
        checkAt(what, cursor, found, expected);
        expected = entries.floorEntry(key);
        found = cursor.seekBack(key);
        for (int i = 0; i < steps && expected != null; i++) {
            checkAt(what, cursor, found, expected);
            expected = entries.lowerEntry(expected.getKey());
            found = cursor.previous();
        }
        checkAt(what, cursor, found, expected);
    }

    private static void checkAt(String what, BtreeCursor cursor, boolean found, Map.Entry<byte[], Long> expected) {
        assertThat(found).as(what).isEqualTo(expected != null);
        if (expected == null) {
            assertThatThrownBy(cursor::value).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(cursor::next).isInstanceOf(IllegalStateException.class);
        } else {
            assertThat(cursor.compareKey(expected.getKey())).as(what).isZero();
            assertThat(cursor.value()).as(what).isEqualTo(expected.getValue());
        }
    }

    @Test
    void aWalkMayTurnRound() throws StorageException {
        SplittableRandom random = new SplittableRandom(3);
        NavigableMap<byte[], Long> entries = Trees.random(random, 100, 3000, 2000);
        BtreeCursor cursor = Trees.build(100, entries).reader().cursor();
        Map.Entry<byte[], Long> at = entries.ceilingEntry(entries.firstKey());
        assertThat(cursor.first()).isTrue();
        for (int i = 0; i < 20_000; i++) {
            boolean up = random.nextInt(100) < (i / 1000 % 2 == 0 ? 70 : 30);
            Map.Entry<byte[], Long> next = up ? entries.higherEntry(at.getKey()) : entries.lowerEntry(at.getKey());
            if (next != null) {
                assertThat(up ? cursor.next() : cursor.previous()).isTrue();
                at = next;
                assertThat(cursor.value()).isEqualTo(at.getValue());
                assertThat(cursor.compareKey(at.getKey())).isZero();
            }
        }
    }

    @Test
    void aLargeIndexOfADeltaLayer() throws StorageException {
        NavigableMap<byte[], Long> entries = Trees.sorted();
        for (int i = 0; i < 250_000; i++) {
            ByteBuffer key = ByteBuffer.allocate(26);
            Key.of(0, 1663, 5, 16384 + i / 100_000, 0, i % 100_000 / 3).write(key);
            entries.put(key.putLong(0x16960E8L + i).array(), 2L * (8192 + i));
        }
        Trees.Tree tree = Trees.build(26, entries);
        assertThat(tree.bytes()).isEqualTo(BtreeModel.build(26, entries));
        BtreeReader reader = tree.reader();
        BtreeReader.Statistics statistics = reader.verify();
        assertThat(statistics.entries()).isEqualTo(250_000);
        assertThat(statistics.bytes()).isEqualTo(tree.bytes().length);
        assertThat(statistics.height()).isEqualTo(3);
        BtreeCursor cursor = reader.cursor();
        boolean found = cursor.first();
        for (Map.Entry<byte[], Long> entry : entries.entrySet()) {
            ByteBuffer key = ByteBuffer.wrap(entry.getKey());
            assertThat(found
                            && cursor.keyLong(0) == key.getLong(0)
                            && cursor.keyLong(8) == key.getLong(8)
                            && cursor.keyChar(16) == key.getChar(16)
                            && cursor.keyLong(18) == key.getLong(18)
                            && cursor.value() == entry.getValue())
                    .isTrue();
            found = cursor.next();
        }
        assertThat(found).isFalse();
    }

    @Test
    void visitsStopWhenToldTo() throws StorageException {
        NavigableMap<byte[], Long> entries = Trees.random(new SplittableRandom(1), 18, 2000, 5);
        BtreeReader reader = Trees.build(18, entries).reader();
        List<Long> seen = new ArrayList<>();
        reader.visitFrom(entries.firstKey(), entry -> {
            seen.add(entry.value());
            return seen.size() < 700 ? BtreeReader.Visitor.Next.CONTINUE : BtreeReader.Visitor.Next.STOP;
        });
        assertThat(seen).containsExactlyElementsOf(new ArrayList<>(entries.values()).subList(0, 700));
        assertThatThrownBy(() -> reader.get(new byte[17])).isInstanceOf(IllegalArgumentException.class);
    }

    private static List<Long> forward(BtreeReader reader, byte[] from) throws StorageException {
        List<Long> values = new ArrayList<>();
        reader.visitFrom(from, entry -> {
            values.add(entry.value());
            return BtreeReader.Visitor.Next.CONTINUE;
        });
        return values;
    }

    private static List<Long> backward(BtreeReader reader, byte[] from) throws StorageException {
        List<Long> values = new ArrayList<>();
        reader.visitBackFrom(from, entry -> {
            values.add(entry.value());
            return BtreeReader.Visitor.Next.CONTINUE;
        });
        return values;
    }

    private static byte[] ones(int length) {
        byte[] key = new byte[length];
        java.util.Arrays.fill(key, (byte) -1);
        return key;
    }
}
