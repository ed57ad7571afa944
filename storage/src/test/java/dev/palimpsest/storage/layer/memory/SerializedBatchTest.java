package dev.palimpsest.storage.layer.memory;

import static dev.palimpsest.storage.layer.memory.MemoryLayers.block;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class SerializedBatchTest {
    private static final byte[] FOOBAR = "foobar".getBytes(StandardCharsets.US_ASCII);

    private final SerializedBatch.Builder builder = new SerializedBatch.Builder();

    private static String hex(SerializedBatch batch) {
        ByteBuffer raw = batch.raw();
        byte[] bytes = new byte[raw.remaining()];
        raw.get(bytes);
        return HexFormat.of().withUpperCase().formatHex(bytes);
    }

    @Test
    void theBytesAreGuardedValuesAndRecordsAreBare() throws Exception {
        builder.put(block(1), new Lsn(8), new Value.Image(FOOBAR));
        builder.put(block(2), new Lsn(16), new WalRecord.Postgres(true, FOOBAR));
        SerializedBatch batch = builder.build();
        int first = StoredValue.guard(block(1), 8, ValueLocation.pack(0, 18, false, true));
        int second = StoredValue.guard(block(2), 16, ValueLocation.pack(22, 6, true, true));
        assertThat(hex(batch))
                .isEqualTo("%08X".formatted(first) + "00000000" + "0000000000000006" + "666F6F626172"
                        + "%08X".formatted(second) + "666F6F626172");
        assertThat(batch.count()).isEqualTo(2);
        assertThat(batch.storedBytes()).isEqualTo(22 + 10);
        assertThat(batch.sizeBytes()).isEqualTo(19 + 24);
        assertThat(batch.key(1)).isEqualTo(block(2));
        assertThat(batch.lsn(1)).isEqualTo(new Lsn(16));
        assertThat(batch.willInit(0)).isTrue();
        assertThat(batch.valueLength(1)).isEqualTo(23);
    }

    @Test
    void valuesWithoutObjectsHaveTheSameBytes() throws Exception {
        Key key = Key.of(0x60, 1, 2, 3, 4, -5);
        ByteBuffer source = ByteBuffer.allocate(10).put(2, FOOBAR).position(2).limit(8);
        builder.put(key, new Lsn(8), new Value.Image(FOOBAR));
        builder.put(key, new Lsn(8), new WalRecord.Postgres(false, FOOBAR));
        String expected = hex(builder.build());
        builder.clear();
        builder.putImage(key.high(), key.middle(), key.low(), new Lsn(8), source);
        builder.putPostgresRecord(key, new Lsn(8), false, source);
        SerializedBatch batch = builder.build();
        assertThat(hex(batch)).isEqualTo(expected);
        assertThat(batch.key(0)).isEqualTo(key);
        assertThat(batch.willInit(0)).isTrue();
        assertThat(batch.willInit(1)).isFalse();
        assertThat(source.position()).isEqualTo(2);
        assertThat(source.limit()).isEqualTo(8);
    }

    @Test
    void theSizeIsThatInALayerFile() throws Exception {
        builder.putImage(block(1), new Lsn(1), ByteBuffer.allocate(127 - 12));
        builder.putImage(block(1), new Lsn(2), ByteBuffer.allocate(128 - 12));
        SerializedBatch batch = builder.build();
        assertThat(batch.valueLength(0)).isEqualTo(127);
        assertThat(batch.valueLength(1)).isEqualTo(128);
        assertThat(batch.sizeBytes()).isEqualTo(1 + 127 + 4 + 128);
        assertThat(batch.storedBytes()).isEqualTo(4 + 127 + 4 + 128);
        builder.clear();
        assertThat(builder.sizeBytes()).isZero();
        builder.putPostgresRecord(block(1), new Lsn(1), true, ByteBuffer.allocate(110));
        builder.putPostgresRecord(block(1), new Lsn(2), true, ByteBuffer.allocate(111));
        assertThat(builder.sizeBytes()).isEqualTo(1 + 127 + 4 + 128);
        assertThat(builder.build().storedBytes()).isEqualTo(4 + 110 + 4 + 111);
    }

    @Test
    void lsnsNeedNoOrder() throws Exception {
        assertThat(builder.build().highestLsn()).isEqualTo(Lsn.INVALID);
        builder.clear();
        for (long lsn : new long[] {50, 10, -8L, 30}) {
            builder.putImage(block(1), new Lsn(lsn), ByteBuffer.allocate(1));
        }
        SerializedBatch batch = builder.build();
        assertThat(batch.highestLsn()).isEqualTo(new Lsn(-8));
        assertThat(batch.lowestLsn()).isEqualTo(new Lsn(10));
    }

    @Test
    void theLimitOfABatchIsKept() throws Exception {
        SerializedBatch.Builder bounded = new SerializedBatch.Builder(100);
        bounded.putImage(block(1), new Lsn(1), ByteBuffer.allocate(100 - 4 - 12));
        assertThat(bounded.build().storedBytes()).isEqualTo(100);
        bounded.clear();
        bounded.putImage(block(1), new Lsn(1), ByteBuffer.allocate(40));
        assertThatThrownBy(() -> bounded.putImage(block(7), new Lsn(2), ByteBuffer.allocate(100 - 56 - 4 - 12 + 1)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("101 bytes")
                .hasMessageContaining(block(7).toString())
                .hasMessageContaining("limit is 100");
        assertThat(bounded.count()).isEqualTo(1);
        assertThat(bounded.sizeBytes()).isEqualTo(53);
        assertThatIllegalArgumentException().isThrownBy(() -> new SerializedBatch.Builder(0));
    }

    @Test
    void aValueLongerThanABlobIsRefused() {
        ByteBuffer page = ByteBuffer.allocateDirect((1 << 28) - 12);
        assertThatThrownBy(() -> builder.putPostgresRecord(block(1), new Lsn(1), true, page.slice(0, (1 << 28) - 17)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("268435456 bytes");
        assertThatThrownBy(() -> builder.putImage(block(1), new Lsn(1), page))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("268435456 bytes");
        assertThat(builder.count()).isZero();
    }

    @Test
    void aBatchEndsWithTheClearingOfItsBuilder() throws Exception {
        builder.putImage(block(1), new Lsn(1), ByteBuffer.allocate(1));
        SerializedBatch batch = builder.build();
        assertThatIllegalStateException()
                .isThrownBy(() -> builder.putImage(block(1), new Lsn(2), ByteBuffer.allocate(1)));
        builder.clear();
        assertThatIllegalStateException().isThrownBy(batch::count);
        assertThatIllegalStateException().isThrownBy(batch::raw);
        assertThat(builder.build().isEmpty()).isTrue();
    }

    @Test
    void aWarmBuilderAllocatesNothingPerValue() throws Exception {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        Key key = block(1);
        Lsn lsn = new Lsn(8);
        ByteBuffer page = ByteBuffer.allocateDirect(100);
        long allocated = 0;
        for (int round = 0; round < 3; round++) {
            builder.clear();
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                builder.putImage(key, lsn, page);
                builder.putPostgresRecord(key, lsn, true, page);
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(allocated).isLessThan(20_000);
    }
}
