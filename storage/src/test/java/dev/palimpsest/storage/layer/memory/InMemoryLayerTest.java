package dev.palimpsest.storage.layer.memory;

import static dev.palimpsest.storage.layer.memory.MemoryLayers.CONTEXT;
import static dev.palimpsest.storage.layer.memory.MemoryLayers.DIRECTORY;
import static dev.palimpsest.storage.layer.memory.MemoryLayers.block;
import static dev.palimpsest.storage.layer.memory.MemoryLayers.image;
import static dev.palimpsest.storage.layer.memory.MemoryLayers.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.value.Value;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class InMemoryLayerTest {
    private final FaultyDisk disk = new FaultyDisk();
    private final MemoryLayers memory = new MemoryLayers(disk, 0);
    private final InMemoryLayer layer = open();

    private InMemoryLayer open() {
        try {
            return memory.open(100);
        } catch (DiskException e) {
            throw new AssertionError(e);
        }
    }

    private static SerializedBatch batch(Key key, long lsn, Value value) throws StorageException {
        SerializedBatch.Builder builder = new SerializedBatch.Builder();
        builder.put(key, new Lsn(lsn), value);
        return builder.build();
    }

    private int put(Key key, long lsn, Value value) throws StorageException {
        return layer.putBatch(batch(key, lsn, value), CONTEXT);
    }

    private ReconstructState read(Key key, long end) throws StorageException {
        ReconstructState state = new ReconstructState();
        layer.collect(KeySpace.of(key), Lsn.INVALID, new Lsn(end), state, CONTEXT);
        return state;
    }

    private static ReconstructState.KeyState known(ReconstructState state, Key key) {
        return Objects.requireNonNull(state.keys().get(key));
    }

    private List<Long> lsns(Key key, long end) throws StorageException {
        ReconstructState.KeyState state = read(key, end).keys().get(key);
        return state == null
                ? List.of()
                : state.versions().stream()
                        .map(version -> version.lsn().value())
                        .toList();
    }

    @Test
    void coversFromItsStartToItsEnd() throws Exception {
        assertThat(layer.kind()).isEqualTo(LayerKind.IN_MEMORY);
        assertThat(layer.keyRange()).isEqualTo(KeyRange.ALL);
        assertThat(layer.isL0()).isFalse();
        assertThat(layer.lsnStart()).isEqualTo(new Lsn(100));
        assertThat(layer.lsnEnd()).isEqualTo(Lsn.MAX);
        assertThat(layer.info()).isEqualTo(new InMemoryLayer.Phase.Open(new Lsn(100)));
        assertThat(layer).hasToString("inmem-0000000000000064-FFFFFFFFFFFFFFFF");
        layer.freeze(new Lsn(101), CONTEXT);
        assertThat(layer.lsnEnd()).isEqualTo(new Lsn(101));
        assertThat(layer.info()).isEqualTo(new InMemoryLayer.Phase.Frozen(new Lsn(100), new Lsn(101)));
        assertThat(layer).hasToString("inmem-0000000000000064-0000000000000065");
    }

    @Test
    void aReadStopsAtWhatInitialisesTheKey() throws Exception {
        put(block(1), 100, image(10, 1));
        put(block(1), 110, record(false, 10, 2));
        put(block(1), 120, record(true, 10, 3));
        put(block(1), 130, record(false, 10, 4));
        assertThat(lsns(block(1), 100)).isEmpty();
        assertThat(lsns(block(1), 101)).containsExactly(100L);
        assertThat(lsns(block(1), 120)).containsExactly(110L, 100L);
        assertThat(lsns(block(1), 121)).containsExactly(120L);
        assertThat(lsns(block(1), 1000)).containsExactly(130L, 120L);
        assertThat(lsns(block(2), 1000)).isEmpty();
    }

    @Test
    void aReadGoesNoFurtherThanWhatIsCached() throws Exception {
        put(block(1), 100, record(false, 10, 1));
        put(block(1), 110, record(false, 10, 2));
        put(block(1), 120, record(false, 10, 3));
        ReconstructState state = new ReconstructState();
        state.cache(block(1), new Lsn(110), (Value.Image) image(10, 9));
        layer.collect(KeySpace.of(block(1)), Lsn.INVALID, Lsn.MAX, state, CONTEXT);
        ReconstructState.KeyState key = known(state, block(1));
        assertThat(key.isComplete()).isTrue();
        assertThat(key.versions()).hasSize(1);
        assertThat(key.versions().getFirst().lsn()).isEqualTo(new Lsn(120));
    }

    @Test
    void whatIsCachedBelowTheLayerDoesNotEndTheSearch() throws Exception {
        put(block(1), 100, record(false, 10, 1));
        ReconstructState state = new ReconstructState();
        state.cache(block(1), new Lsn(50), (Value.Image) image(10, 9));
        layer.collect(KeySpace.of(block(1)), Lsn.INVALID, Lsn.MAX, state, CONTEXT);
        assertThat(state.isComplete(block(1))).isFalse();
        assertThat(known(state, block(1)).versions()).hasSize(1);
    }

    @Test
    void howeverManyAreCachedAllAreReached() throws Exception {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 500; i++) {
            ReconstructState state = new ReconstructState();
            for (int count = random.nextInt(1, 60); count > 0; count--) {
                state.cache(block(random.nextInt(1 << 20)), new Lsn(110), (Value.Image) image(10, 9));
            }
            layer.collect(KeySpace.of(KeyRange.ALL), Lsn.INVALID, Lsn.MAX, state, CONTEXT);
            assertThat(state.keys().values())
                    .as("read %d of %d keys", i, state.keys().size())
                    .allMatch(ReconstructState.KeyState::isComplete);
        }
    }

    @Test
    void theFloorIsInclusive() throws Exception {
        put(block(1), 100, record(false, 10, 1));
        put(block(1), 110, record(false, 10, 2));
        ReconstructState state = new ReconstructState();
        layer.collect(KeySpace.of(block(1)), new Lsn(110), Lsn.MAX, state, CONTEXT);
        assertThat(known(state, block(1)).versions()).hasSize(1);
    }

    @Test
    void aSecondValueAtOneLsnReplacesTheFirst() throws Exception {
        assertThat(put(block(1), 100, image(10, 1))).isZero();
        assertThat(put(block(1), 100, record(true, 20, 2))).isEqualTo(1);
        SerializedBatch.Builder builder = new SerializedBatch.Builder();
        builder.put(block(2), new Lsn(100), image(10, 1));
        builder.put(block(2), new Lsn(100), record(true, 20, 2));
        assertThat(layer.putBatch(builder.build(), CONTEXT)).isEqualTo(1);
        assertThat(layer.duplicates()).isEqualTo(2);
        assertThat(layer.valueCount()).isEqualTo(2);
        for (int block = 1; block <= 2; block++) {
            assertThat(known(read(block(block), 200), block(block)).versions())
                    .containsExactly(new ReconstructState.Version(new Lsn(100), record(true, 20, 2)));
        }
    }

    @Test
    void aFrozenLayerRefusesWritesAndHasNotChanged() throws Exception {
        put(block(1), 100, image(10, 1));
        long size = layer.size();
        layer.freeze(new Lsn(101), CONTEXT);
        assertThatThrownBy(() -> put(block(1), 100, image(10, 2)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("frozen");
        assertThatThrownBy(() -> layer.putTombstones(List.of())).isInstanceOf(InvalidRequestException.class);
        assertThat(layer.size()).isEqualTo(size);
        assertThat(layer.duplicates()).isZero();
        assertThat(lsns(block(1), 200)).containsExactly(100L);
    }

    @Test
    void freezingChecksTheEnd() throws Exception {
        put(block(1), 150, image(10, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> layer.freeze(new Lsn(100), CONTEXT));
        assertThatIllegalArgumentException().isThrownBy(() -> layer.freeze(new Lsn(150), CONTEXT));
        assertThat(layer.info()).isInstanceOf(InMemoryLayer.Phase.Open.class);
        layer.freeze(new Lsn(151), CONTEXT);
        assertThatIllegalStateException().isThrownBy(() -> layer.freeze(new Lsn(151), CONTEXT));
    }

    @Test
    void aValueBelowTheStartIsRefused() throws Exception {
        SerializedBatch.Builder builder = new SerializedBatch.Builder();
        builder.put(block(1), new Lsn(200), image(10, 1));
        builder.put(block(1), new Lsn(99), image(10, 1));
        assertThatThrownBy(() -> layer.putBatch(builder.build(), CONTEXT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("0/63");
        assertThat(layer.valueCount()).isZero();
        assertThat(layer.size()).isZero();
    }

    @Test
    void tombstonesChangeNothing() throws Exception {
        put(block(1), 100, image(10, 1));
        layer.putTombstones(List.of(new InMemoryLayer.Tombstone(KeyRange.ALL, new Lsn(110))));
        assertThat(lsns(block(1), 200)).containsExactly(100L);
        assertThat(layer.valueCount()).isEqualTo(1);
        assertThatThrownBy(() -> layer.putTombstones(List.of(new InMemoryLayer.Tombstone(KeyRange.ALL, new Lsn(99)))))
                .isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void afterAFailedWriteNothingIsIndexedAndNoMoreIsTaken() throws Exception {
        put(block(1), 100, image(1000, 1));
        disk.failWrites = true;
        assertThatThrownBy(() -> put(block(2), 110, image(200_000, 2))).isInstanceOf(DiskException.class);
        disk.failWrites = false;
        assertThatThrownBy(() -> put(block(3), 120, image(10, 3)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("no space left");
        assertThat(lsns(block(2), 200)).isEmpty();
        assertThat(lsns(block(3), 200)).isEmpty();
        assertThat(lsns(block(1), 200)).containsExactly(100L);
        assertThat(layer.valueCount()).isEqualTo(1);
        layer.freeze(new Lsn(101), CONTEXT);
        assertThat(layer.writeToDisk(memory.flush(1 << 20), memory.target(), CONTEXT))
                .isPresent();
    }

    @Test
    void aFailedReadFailsItsKeysOnly() throws Exception {
        put(block(1), 100, image(200_000, 1));
        put(block(2), 110, image(10, 2));
        disk.failReads = true;
        ReconstructState state = new ReconstructState();
        layer.collect(KeySpace.of(KeyRange.ALL), Lsn.INVALID, Lsn.MAX, state, CONTEXT);
        assertThat(known(state, block(1)).failure())
                .isInstanceOf(DiskException.class)
                .hasMessageContaining("ephemeral-1");
        assertThat(known(state, block(2)).failure()).isNull();
        assertThat(known(state, block(2)).versions()).hasSize(1);
    }

    @Test
    void aCancelledReadThrows() {
        Cancellation cancelled = new Cancellation();
        cancelled.cancel();
        RequestContext context = new RequestContext(TaskKind.PAGE_SERVICE, Clock.NEVER, cancelled);
        assertThatThrownBy(() ->
                        layer.collect(KeySpace.of(block(1)), Lsn.INVALID, Lsn.MAX, new ReconstructState(), context))
                .isInstanceOf(CancelledException.class);
    }

    @Test
    void theFileGoesWithTheLastReader() throws Exception {
        put(block(1), 100, image(100_000, 1));
        assertThat(disk.list(DIRECTORY)).hasSize(1);
        assertThat(memory.dirtyBytes.layers()).isEqualTo(1);
        assertThat(layer.tryAcquire()).isTrue();
        layer.close();
        layer.close();
        assertThat(lsns(block(1), 200)).containsExactly(100L);
        assertThatThrownBy(() -> put(block(1), 110, image(10, 1))).isInstanceOf(InvalidRequestException.class);
        layer.release();
        assertThat(disk.list(DIRECTORY)).isEmpty();
        assertThat(memory.dirtyBytes.layers()).isZero();
        assertThat(layer.tryAcquire()).isFalse();
        assertThatThrownBy(() -> lsns(block(1), 200)).isInstanceOf(CancelledException.class);
    }

    @Test
    void onlyAFrozenLayerIsWrittenToDisk() throws Exception {
        L0Flush flush = memory.flush(1 << 20);
        assertThatIllegalStateException().isThrownBy(() -> layer.writeToDisk(flush, memory.target(), CONTEXT));
        layer.freeze(new Lsn(200), CONTEXT);
        assertThat(layer.writeToDisk(flush, memory.target(), CONTEXT)).isEmpty();
        assertThat(flush.inUse()).isZero();
        assertThat(disk.list(DIRECTORY)).hasSize(1);
    }

    @Test
    void aFlushThatFailsLeavesNothingAndCanBeTriedAgain() throws Exception {
        put(block(1), 100, image(300_000, 1));
        layer.freeze(new Lsn(200), CONTEXT);
        L0Flush flush = memory.flush(1 << 20);
        disk.failWrites = true;
        assertThatThrownBy(() -> layer.writeToDisk(flush, memory.target(), CONTEXT))
                .isInstanceOf(DiskException.class);
        assertThat(disk.list(DIRECTORY)).hasSize(1);
        assertThat(flush.inUse()).isZero();
        disk.failWrites = false;
        assertThat(layer.writeToDisk(flush, memory.target(), CONTEXT)).isPresent();
        assertThat(disk.list(DIRECTORY)).hasSize(2);
    }

    @Test
    void aValueThatIsNotTheOneThatWasPutIsFoundByReadsAndFlushes() throws Exception {
        put(block(1), 100, record(false, 60, 1));
        put(block(2), 100, record(false, 60, 2));
        put(block(3), 100, image(200_000, 3));
        layer.freeze(new Lsn(200), CONTEXT);
        L0Flush flush = memory.flush(1 << 20);
        for (int damaged : new int[] {64, 65, 66, 67, 128}) {
            disk.damagedOffset = damaged;
            Key key = damaged == 128 ? block(3) : block(2);
            assertThat(known(read(key, 200), key).failure())
                    .isInstanceOf(CorruptionException.class)
                    .hasMessageContaining("ephemeral-")
                    .hasMessageContaining(":" + damaged / 64 * 64 + ":");
            assertThat(known(read(block(1), 200), block(1)).failure()).isNull();
            assertThatThrownBy(() -> layer.writeToDisk(flush, memory.target(), CONTEXT))
                    .isInstanceOf(CorruptionException.class);
            assertThat(disk.list(DIRECTORY)).hasSize(1);
        }
        disk.damagedOffset = FaultyDisk.NONE;
        assertThat(layer.writeToDisk(flush, memory.target(), CONTEXT)).isPresent();
        flush.close();
    }

    @Test
    void theSizeIsThatInALayerFile() throws Exception {
        put(block(1), 100, record(false, 110, 1));
        assertThat(layer.size()).isEqualTo(1 + 17 + 110);
        put(block(1), 100, record(false, 111, 1));
        assertThat(layer.size()).isEqualTo(128 + 4 + 17 + 111);
        put(block(1), 101, image(4, 1));
        assertThat(layer.size()).isEqualTo(128 + 132 + 1 + 12 + 4);
    }

    @Test
    void theDumpNamesEveryValue() throws Exception {
        put(block(2), 110, record(false, 30, 2));
        put(block(1), 120, record(true, 10, 2));
        put(block(1), 100, image(10, 1));
        StringBuilder dump = new StringBuilder();
        layer.dump(dump, CONTEXT);
        assertThat(dump.toString())
                .isEqualTo(layer + " of timeline " + MemoryLayers.TIMELINE + ": 2 keys\n"
                        + "  key " + block(1) + " at 0/64: image, will_init, 22 bytes at 48\n"
                        + "  key " + block(1) + " at 0/78: WAL record Postgres, will_init, 27 bytes at 34\n"
                        + "  key " + block(2) + " at 0/6E: WAL record Postgres, 47 bytes at 0\n");
    }
}
