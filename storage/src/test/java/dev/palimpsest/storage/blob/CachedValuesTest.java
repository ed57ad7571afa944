package dev.palimpsest.storage.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.AppendWriter;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.runtime.SingleThreadTasks;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Blobs that are taken from blocks in a cache: the same ones as without it, and checked as well. */
class CachedValuesTest {
    private static final int MAX_BLOB = 1 << 20;
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.PAGE_SERVICE);

    private final ZstdContexts contexts = new ZstdContexts(2);
    private final ReadBuffers buffers = new ReadBuffers(64 * 1024, 2, 512, new SingleThreadTasks());

    private record Written(ReadableFile file, List<byte[]> blobs, long[] offsets, long end) {}

    /** Blobs that together are like pages and records: mostly some hundred bytes in the file, some more than a block. */
    private Written write(SplittableRandom random) throws StorageException {
        List<byte[]> blobs = new ArrayList<>();
        for (int i = 20 + random.nextInt(200); i > 0; i--) {
            byte[] blob = new byte[random.nextInt(4) == 0 ? 8192 : random.nextInt(400)];
            int incompressible = random.nextInt(10) == 0 ? blob.length : blob.length / 20;
            for (int j = 0; j < incompressible; j++) {
                blob[j] = (byte) random.nextInt();
            }
            blobs.add(blob);
        }
        MemoryDisk disk = new MemoryDisk(512);
        WritableFile file = disk.create(Path.of("layer"));
        AppendWriter out = new AppendWriter(disk, file, Block.SIZE, 4096);
        BlobWriter writer = new BlobWriter(out, new BlobCompression.Zstd(1), contexts);
        long[] offsets = new long[blobs.size()];
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = writer.write(ByteBuffer.wrap(blobs.get(i)));
        }
        long end = out.offset();
        out.padTo(Block.SIZE);
        out.flush();
        return new Written(file, blobs, offsets, end);
    }

    /** A plan for one blob in so many. */
    private static ReadPlan plan(Written written, int sparsity, SplittableRandom random) throws StorageException {
        VectoredReadPlanner planner =
                new VectoredReadPlanner("layer", Block.SIZE, written.end(), Block.SIZE, 4 * Block.SIZE);
        for (int i = 0; i < written.offsets().length; i++) {
            boolean wanted = random.nextInt(sparsity) == 0;
            planner.add(
                    i,
                    100 + i,
                    written.offsets()[i],
                    wanted ? VectoredReadPlanner.Flag.NONE : VectoredReadPlanner.Flag.IGNORE);
        }
        planner.endRange(written.end());
        return planner.finish();
    }

    /** Takes blobs, those that are compressed in arrays of its own. */
    private static final class Taker implements BlobReader.Visitor {
        final Map<Integer, byte[]> found = new HashMap<>();
        final List<Integer> order = new ArrayList<>();
        int inArrays;
        private byte @Nullable [] given;

        @Override
        public byte[] array(int tag, int size) {
            given = new byte[size];
            return given;
        }

        @Override
        public void blob(int tag, long lsn, ByteBuffer bytes) {
            assertThat(lsn).isEqualTo(100 + tag);
            assertThat(bytes.position()).isZero();
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(0, copy);
            if (given != null) {
                assertThat(bytes.arrayOffset()).isZero();
                assertThat(bytes.array()).isSameAs(given);
                inArrays++;
                given = null;
            }
            found.put(tag, copy);
            order.add(tag);
        }
    }

    @Test
    void theSameBlobsComeInTheSameOrderWithTheCacheAndWithout() throws StorageException {
        long hits = 0;
        int inArrays = 0;
        for (int seed = 0; seed < 40; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Written written = write(random);
            BlockCache cache = new BlockCache(1 + random.nextInt(16));
            BlobReader plain = new BlobReader(written.file(), buffers, contexts, MAX_BLOB);
            BlobReader cached = new BlobReader(
                    written.file(), buffers, contexts, MAX_BLOB, BlockCheck.NONE, cache.open(written.file()));
            for (int round = 0; round < 20; round++) {
                ReadPlan plan = plan(written, 1 + random.nextInt(40), random);
                BlobReader.Order order = BlobReader.Order.values()[random.nextInt(2)];
                Taker expected = new Taker();
                plain.read(plan, order, CONTEXT, expected);
                Taker actual = new Taker();
                cached.read(plan, order, CONTEXT, actual);
                assertThat(actual.order).as("seed %s", seed).isEqualTo(expected.order);
                for (int blob : actual.order) {
                    assertThat(actual.found.get(blob))
                            .as("seed %s, blob %s", seed, blob)
                            .isEqualTo(expected.found.get(blob))
                            .isEqualTo(written.blobs().get(blob));
                }
                inArrays += actual.inArrays;
            }
            hits += cache.hits();
            assertThat(buffers.inUse()).isZero();
        }
        assertThat(hits).isGreaterThan(100);
        assertThat(inArrays).isGreaterThan(100);
    }

    @Test
    void aBlockThatFailsItsCheckGivesNoBlobAndIsNotKept() throws StorageException {
        Written written = write(new SplittableRandom(1));
        BlockCache cache = new BlockCache(64);
        boolean[] damaged = {true};
        BlockCheck check = (offset, blocks) -> {
            if (damaged[0]) {
                throw new CorruptionException("layer", offset, "a wrong checksum");
            }
        };
        BlobReader reader =
                new BlobReader(written.file(), buffers, contexts, MAX_BLOB, check, cache.open(written.file(), check));
        ReadPlan plan = plan(written, 1, new SplittableRandom(1));
        Taker taker = new Taker();
        assertThatThrownBy(() -> reader.read(plan, BlobReader.Order.ASCENDING, CONTEXT, taker))
                .isInstanceOf(CorruptionException.class);
        assertThat(taker.order).isEmpty();
        assertThat(cache.size()).isZero();
        damaged[0] = false;
        reader.read(plan, BlobReader.Order.ASCENDING, CONTEXT, taker);
        assertThat(taker.order).hasSameSizeAs(written.blobs());
    }

    @Test
    void largeBlobsAreNotKept() throws StorageException {
        byte[] page = new byte[8192];
        new SplittableRandom(1).nextBytes(page);
        byte[] file = new byte[4 * Block.SIZE];
        ByteBuffer.wrap(file, Block.SIZE, 2 * Block.SIZE)
                .putInt(BlobHeader.raw(page.length))
                .put(page);
        ReadableFile readable = BlobFiles.file(file);
        BlockCache cache = new BlockCache(8);
        BlobReader reader =
                new BlobReader(readable, buffers, contexts, MAX_BLOB, BlockCheck.NONE, cache.open(readable));
        VectoredReadPlanner planner = new VectoredReadPlanner("layer", Block.SIZE, file.length, Block.SIZE, 65536);
        planner.add(0, 100, Block.SIZE, VectoredReadPlanner.Flag.NONE);
        planner.endRange(Block.SIZE + 4 + page.length);
        Taker taker = new Taker();
        reader.read(planner.finish(), BlobReader.Order.ASCENDING, CONTEXT, taker);
        assertThat(taker.found.get(0)).isEqualTo(page);
        assertThat(cache.size()).isZero();
    }

    @Test
    void ofMoreBlocksThanThereIsRoomForFewMakeOthersGo() throws StorageException {
        BlockCache cache = new BlockCache(32);
        CachedBlocks blocks = cache.open(BlobFiles.file(new byte[100 * Block.SIZE]));
        SplittableRandom random = new SplittableRandom(1);
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            int number = random.nextInt(100);
            Block before = blocks.cached(number);
            Block found = blocks.cachedOrKept(number);
            if (before != null) {
                assertThat(found).isSameAs(before);
            } else if (found != null) {
                assertThat(blocks.cached(number)).isSameAs(found);
                read++;
            }
        }
        assertThat(cache.size()).isEqualTo(32);
        assertThat(cache.evictions()).isEqualTo(read - 32);
        // A third of the blocks is there, so two of three reads miss, and one of four of these is kept.
        assertThat(cache.misses()).isBetween(12_000L, 15_000L);
        assertThat(read - 32).isBetween(3_000, 3_800);
    }

    @Test
    void aQuarterIsForValuesWhichMakeNoBlockOfAnIndexGo() throws StorageException {
        assertThat(BlockCache.withValues(31).values()).isNull();
        BlockCache cache = BlockCache.withValues(128);
        BlockCache values = Objects.requireNonNull(cache.values());
        assertThat(cache.capacity()).isEqualTo(96);
        assertThat(values.capacity()).isEqualTo(32);
        ReadableFile file = BlobFiles.file(Arrays.copyOf(new byte[0], 200 * Block.SIZE));
        CachedBlocks index = cache.open(file);
        CachedBlocks ofValues = values.open(file);
        Block root = index.block(0);
        for (int i = 0; i < 200; i++) {
            assertThat(ofValues.cached(i)).isNull();
            assertThat(ofValues.block(i)).isSameAs(ofValues.cached(i));
        }
        assertThat(index.cached(0)).isSameAs(root);
        assertThat(index.cached(1)).isNull();
        assertThat(cache.evictions()).isZero();
        assertThat(values.evictions()).isPositive();
        assertThat(values.size()).isEqualTo(32);
    }
}
