package dev.palimpsest.storage.layer.memory;

import static dev.palimpsest.storage.layer.memory.MemoryLayers.block;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.Values;
import dev.palimpsest.storage.value.WalRecord;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class StoredValueTest {
    private static final long SEED = 0x73746F72;
    private static final String FILE = "ephemeral-7";
    private static final Key KEY = Key.of(0, 1663, 5, 16384, 0, 70_000);
    private static final long LSN = 0x1_0000_0028L;

    private final SerializedBatch.Builder builder = new SerializedBatch.Builder();

    /** Puts a value behind another one and returns what is stored of both. */
    private SerializedBatch stored(Value value) throws Exception {
        builder.clear();
        builder.put(block(1), new Lsn(8), MemoryLayers.record(false, 3, 1));
        builder.put(KEY, new Lsn(LSN), value);
        return builder.build();
    }

    private static long location(SerializedBatch batch, Value value) {
        boolean isBare = value instanceof WalRecord.Postgres;
        int length = ValueCodec.encodedSize(value) - (isBare ? ValueCodec.POSTGRES_HEADER_SIZE : 0);
        assertThat(batch.storedBytes()).isEqualTo(7 + 4 + length);
        return ValueLocation.pack(7, length, isBare, value.willInit());
    }

    private static List<Value> values() {
        List<Value> values = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(SEED);
        for (int length : new int[] {0, 1, 4, 110, 111, 115, 116, 8192, 1 << 20}) {
            values.add(MemoryLayers.image(length, length));
            values.add(MemoryLayers.record(false, length, length));
            values.add(MemoryLayers.record(true, length, length));
        }
        for (int i = 0; i < 1000; i++) {
            values.add(Values.any(i % Values.KINDS, random));
        }
        return values;
    }

    private static byte[] blob(Value value) {
        byte[] encoded = new byte[ValueCodec.encodedSize(value)];
        ValueCodec.encode(value, ByteBuffer.wrap(encoded));
        int length = encoded.length;
        ByteBuffer blob = ByteBuffer.allocate(length + (length < 128 ? 1 : 4));
        return (length < 128 ? blob.put((byte) length) : blob.putInt(0x80000000 | length))
                .put(encoded)
                .array();
    }

    @Test
    void everyValueComesBackAndBecomesTheBlobOfALayerFile() throws Exception {
        for (Value value : values()) {
            SerializedBatch batch = stored(value);
            long location = location(batch, value);
            ByteBuffer source = batch.raw();
            StoredValue.check(source, 7, StoredValue.guard(KEY, LSN, location), location, FILE, LSN);
            assertThat(StoredValue.decode(source, 7, location, byte[]::new, FILE))
                    .isEqualTo(value);
            byte[] expected = blob(value);
            ByteBuffer target = ByteBuffer.allocate(2 + expected.length).position(2);
            StoredValue.putBlob(source.clear(), 7, location, target);
            assertThat(target.hasRemaining()).isFalse();
            assertThat(ValueLocation.blobLength(location)).isEqualTo(expected.length);
            assertThat(target.slice(2, expected.length)).as("%s", value).isEqualTo(ByteBuffer.wrap(expected));
            assertThat(batch.sizeBytes()).isEqualTo(1 + 17 + 3 + expected.length);
            assertThat(batch.valueLength(1)).isEqualTo(ValueCodec.encodedSize(value));
        }
    }

    @Test
    void aRecordTakesFourBytesMoreThanItHas() throws Exception {
        ByteBuffer raw =
                stored(new WalRecord.Postgres(false, new byte[] {10, 11, 12})).raw();
        int guard = StoredValue.guard(KEY, LSN, ValueLocation.pack(7, 3, true, false));
        assertThat(raw.slice(7, 7))
                .isEqualTo(ByteBuffer.allocate(7)
                        .putInt(guard)
                        .put(new byte[] {10, 11, 12})
                        .flip());
    }

    @Test
    void everyBitOfTheGuardIsLookedAt() throws Exception {
        Value value = MemoryLayers.record(true, 60, 1);
        SerializedBatch batch = stored(value);
        long location = location(batch, value);
        int guard = StoredValue.guard(KEY, LSN, location);
        ByteBuffer source = ByteBuffer.allocate(batch.storedBytes()).put(batch.raw());
        for (int bit = 0; bit < 32; bit++) {
            source.putInt(7, guard ^ 1 << bit);
            assertThatExceptionOfType(CorruptionException.class)
                    .isThrownBy(() -> StoredValue.check(source, 7, guard, location, FILE, LSN))
                    .withMessageContaining(FILE + ":7:")
                    .withMessageContaining("at 1/28 of 60 bytes");
        }
    }

    @Test
    void theGuardTellsValuesApart() {
        long location = ValueLocation.pack(0, 60, true, false);
        List<Integer> guards = new ArrayList<>();
        guards.add(StoredValue.guard(KEY, LSN, location));
        for (int bit = 0; bit < 64; bit++) {
            guards.add(StoredValue.guard(KEY, LSN ^ 1L << bit, location));
            guards.add(StoredValue.guard(KEY.high() ^ 1L << bit, KEY.middle(), KEY.low(), LSN, location));
            guards.add(StoredValue.guard(KEY.high(), KEY.middle() ^ 1L << bit, KEY.low(), LSN, location));
        }
        for (int bit = 0; bit < 16; bit++) {
            guards.add(StoredValue.guard(KEY.high(), KEY.middle(), (char) (KEY.low() ^ 1 << bit), LSN, location));
        }
        for (int bit = 0; bit < 30; bit++) {
            guards.add(StoredValue.guard(KEY, LSN, location ^ 1L << bit));
        }
        for (int i = 1; i < 2000; i++) {
            guards.add(StoredValue.guard(KEY.plus(1_000_003 + i), LSN, location));
            guards.add(StoredValue.guard(KEY, LSN + 8L * (1_000_003 + i), location));
        }
        assertThat(guards).doesNotHaveDuplicates();
        assertThat(StoredValue.guard(KEY, LSN, ValueLocation.shift(location, 1 << 20)))
                .isEqualTo(guards.getFirst());
    }

    @Test
    void aValueThatWasPutAsSomethingElseIsFound() throws Exception {
        Value value = new WalRecord.ClogSetAborted(new int[] {3});
        SerializedBatch batch = stored(value);
        long location = location(batch, value);
        long other = location | 1;
        ByteBuffer source = ByteBuffer.allocate(batch.storedBytes()).put(batch.raw());
        int guard = StoredValue.guard(KEY, LSN, other);
        source.putInt(7, guard).position(1).limit(2);
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> StoredValue.check(source.clear(), 7, guard, other, FILE, LSN))
                .withMessageContaining("put as initialises its key does not");
    }

    @Test
    void makingABlobAllocatesNothing() throws Exception {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        Value value = MemoryLayers.record(false, 60, 1);
        SerializedBatch batch = stored(value);
        long location = location(batch, value);
        ByteBuffer source = batch.raw();
        ByteBuffer target = ByteBuffer.allocateDirect(100);
        long allocated = 0;
        for (int round = 0; round < 3; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 20_000; i++) {
                source.clear();
                StoredValue.check(source, 7, StoredValue.guard(KEY, LSN, location), location, FILE, LSN);
                StoredValue.putBlob(source, 7, location, target.clear());
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(allocated).isLessThan(20_000);
    }

    @Test
    @Tag("long")
    void theLargestRecordFits() {
        int length = 0x0FFFFFFF - ValueCodec.POSTGRES_HEADER_SIZE;
        ByteBuffer source =
                ByteBuffer.allocateDirect(4 + length).put(4, (byte) 77).put(3 + length, (byte) 78);
        long location = ValueLocation.pack(0, length, true, true);
        ByteBuffer target = ByteBuffer.allocateDirect(ValueLocation.blobLength(location));
        StoredValue.putBlob(source, 0, location, target);
        assertThat(target.hasRemaining()).isFalse();
        assertThat(target.getInt(0)).isEqualTo(0x8FFFFFFF);
        assertThat(target.getLong(4)).isEqualTo(1L << 32);
        assertThat(target.get(12)).isEqualTo((byte) 1);
        assertThat(target.getLong(13)).isEqualTo(length);
        assertThat(target.get(21)).isEqualTo((byte) 77);
        assertThat(target.get(target.capacity() - 1)).isEqualTo((byte) 78);
    }
}
