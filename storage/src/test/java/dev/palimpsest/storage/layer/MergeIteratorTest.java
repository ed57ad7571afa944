package dev.palimpsest.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.Layers.At;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MergeIteratorTest {
    private static final LsnRange LSNS = new LsnRange(new Lsn(0x1000), new Lsn(0x1020));

    private int open;
    private int mostOpen;
    private int opened;

    private record Item(At at, Value value) {}

    /** Where a list has a value that cannot be read. */
    private static final At DAMAGED_AT = new At(Layers.key(77), new Lsn(77));

    /** Walks over a list; counts how many are open. */
    private final class ListIterator implements LayerIterator {
        private final List<Item> items;
        private int at = -1;
        private boolean closed;

        ListIterator(List<Item> items) {
            this.items = items;
            open++;
            opened++;
            mostOpen = Math.max(open, mostOpen);
        }

        @Override
        public boolean next() throws StorageException {
            at++;
            if (at < items.size() && items.get(at).at().equals(DAMAGED_AT)) {
                throw new CorruptionException("list", at, "damaged");
            }
            return at < items.size();
        }

        @Override
        public Key key() {
            return items.get(at).at().key();
        }

        @Override
        public Lsn lsn() {
            return items.get(at).at().lsn();
        }

        @Override
        public ByteBuffer value() {
            return Layers.encoded(items.get(at).value());
        }

        @Override
        public boolean willInit() {
            return items.get(at).value().willInit();
        }

        @Override
        public boolean isImage() {
            return items.get(at).value() instanceof Value.Image;
        }

        @Override
        public void close() {
            if (!closed) {
                open--;
            }
            closed = true;
        }
    }

    private MergeIterator.Input input(List<Item> items) {
        At first = items.getFirst().at();
        return new MergeIterator.Input(first.key(), first.lsn(), () -> new ListIterator(items));
    }

    private static List<Item> drain(LayerIterator iterator) throws StorageException {
        List<Item> all = new ArrayList<>();
        while (iterator.next()) {
            Value value = ValueCodec.decode(iterator.value(), "merge", 0);
            assertThat(iterator.isImage()).isEqualTo(value instanceof Value.Image);
            assertThat(iterator.willInit()).isEqualTo(value.willInit());
            all.add(new Item(new At(iterator.key(), iterator.lsn()), value));
        }
        assertThat(iterator.next()).isFalse();
        return all;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void mergesLikeASort(long seed) throws StorageException {
        Random random = new Random(seed);
        List<MergeIterator.Input> inputs = new ArrayList<>();
        List<Item> expected = new ArrayList<>();
        int count = 1 + random.nextInt(12);
        for (int i = 0; i < count; i++) {
            List<Item> items = new ArrayList<>();
            Layers.contents(random, 20, LSNS, 6, 30).forEach((at, value) -> items.add(new Item(at, value)));
            expected.addAll(items);
            inputs.add(input(items));
        }
        // A stable sort keeps the order of the inputs, and in it that of each input.
        expected.sort(Comparator.comparing(Item::at).thenComparing(item -> !(item.value() instanceof Value.Image)));
        try (MergeIterator merged = new MergeIterator(inputs)) {
            assertThat(opened).isZero();
            assertThat(drain(merged)).as("seed %d", seed).isEqualTo(expected);
            assertThat(open).isZero();
        }
    }

    @Test
    void anImageComesBeforeAWalRecordAtTheSamePlace() throws StorageException {
        At at = new At(Layers.key(1), new Lsn(5));
        Item record = new Item(at, new WalRecord.Postgres(true, new byte[3]));
        Item image = new Item(at, new Value.Image(new byte[3]));
        for (List<Item> order : List.of(List.of(record, image), List.of(image, record))) {
            try (MergeIterator merged =
                    new MergeIterator(order.stream().map(i -> input(List.of(i))).toList())) {
                assertThat(drain(merged)).containsExactly(image, record);
            }
        }
    }

    @Test
    void inputsThatFollowOneAnotherAreOpenOneByOne() throws StorageException {
        List<MergeIterator.Input> inputs = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            inputs.add(input(List.of(
                    new Item(new At(Layers.key(2 * i), new Lsn(5)), new Value.Image(new byte[1])),
                    new Item(new At(Layers.key(2 * i + 1), new Lsn(5)), new Value.Image(new byte[1])))));
        }
        try (MergeIterator merged = new MergeIterator(inputs.reversed())) {
            merged.next();
            assertThat(opened).isEqualTo(1);
            drain(merged);
        }
        assertThat(mostOpen).isEqualTo(1);
        assertThat(opened).isEqualTo(100);
    }

    @Test
    void closingClosesWhatIsOpen() throws StorageException {
        Item a = new Item(new At(Layers.key(1), new Lsn(5)), new Value.Image(new byte[1]));
        Item b = new Item(new At(Layers.key(1), new Lsn(6)), new Value.Image(new byte[1]));
        Item damaged = new Item(DAMAGED_AT, b.value());
        MergeIterator merged =
                new MergeIterator(List.of(input(List.of(a, b)), input(List.of(a, b)), input(List.of(a, b))));
        assertThat(merged.next()).isTrue();
        assertThat(open).isEqualTo(3);
        merged.close();
        assertThat(open).isZero();
        MergeIterator failing = new MergeIterator(List.of(input(List.of(a, b)), input(List.of(a, damaged))));
        assertThatThrownBy(() -> drain(failing)).isInstanceOf(CorruptionException.class);
        failing.close();
        assertThat(open).isZero();
    }

    @Test
    void aKeySpaceSelects() throws StorageException {
        Random random = new Random(8);
        for (int round = 0; round < 50; round++) {
            NavigableMap<At, Value> contents = Layers.contents(random, 40, LSNS, 3, 30);
            List<KeyRange> ranges = new ArrayList<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                int start = random.nextInt(130);
                ranges.add(new KeyRange(Layers.key(start), Layers.key(start + 1 + random.nextInt(20))));
            }
            List<Item> all = new ArrayList<>();
            contents.forEach((at, value) -> all.add(new Item(at, value)));
            TreeMap<At, Value> expected = new TreeMap<>();
            for (Map.Entry<At, Value> entry : contents.entrySet()) {
                if (ranges.stream().anyMatch(r -> r.contains(entry.getKey().key()))) {
                    expected.put(entry.getKey(), entry.getValue());
                }
            }
            assertThat(Layers.all(new KeySpaceIterator(new ListIterator(all), KeySpace.ofUnordered(ranges))))
                    .isEqualTo(expected);
            assertThat(open).isZero();
        }
    }

    @Test
    void layersAreMerged() throws StorageException {
        Layers layers = new Layers();
        Random random = new Random(4);
        TreeMap<At, Value> all = new TreeMap<>();
        List<MergeIterator.Input> inputs = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            LsnRange lsns = new LsnRange(new Lsn(0x1000 + 0x100 * i), new Lsn(0x1100 + 0x100 * i));
            NavigableMap<At, Value> contents = Layers.contents(random, 100, lsns, 5, 9000);
            all.putAll(contents);
            inputs.add(
                    layers.open(layers.writeDelta(KeyRange.ALL, lsns, contents)).input(Layers.context()));
        }
        assertThat(Layers.all(new MergeIterator(inputs))).isEqualTo(all);
    }
}
