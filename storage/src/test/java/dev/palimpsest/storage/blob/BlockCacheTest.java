package dev.palimpsest.storage.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class BlockCacheTest {
    /** A file whose every block holds the file's number and its own. */
    private static byte[] numbered(int file, int blocks) {
        ByteBuffer bytes = ByteBuffer.allocate(blocks * Block.SIZE);
        for (int i = 0; i < blocks; i++) {
            bytes.putInt(i * Block.SIZE, file).putInt((i + 1) * Block.SIZE - 4, i);
        }
        return bytes.array();
    }

    private static void check(Block block, int file, int number) {
        ByteBuffer bytes = ByteBuffer.wrap(block.bytes());
        assertThat(bytes.getInt(0)).isEqualTo(file);
        assertThat(bytes.getInt(Block.SIZE - 4)).isEqualTo(number);
    }

    @Test
    void aBlockIsReadOnceWhileItIsKept() throws StorageException {
        BlockCache cache = new BlockCache(64);
        BlockSource source = cache.open(BlobFiles.file(numbered(1, 3)));
        Block block = source.block(2);
        check(block, 1, 2);
        assertThat(source.block(2)).isSameAs(block);
        check(source.block(0), 1, 0);
        assertThat(cache.hits()).isEqualTo(1);
        assertThat(cache.misses()).isEqualTo(2);
        assertThat(cache.evictions()).isZero();
        assertThat(source.name()).isEqualTo("layer");
    }

    @Test
    void aRewrittenFileOfTheSameNameSharesNothing() throws StorageException {
        BlockCache cache = new BlockCache(64);
        BlockSource before = cache.open(BlobFiles.file(numbered(1, 3)));
        BlockSource after = cache.open(BlobFiles.file(numbered(2, 3)));
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 3; i++) {
                check(before.block(i), 1, i);
                check(after.block(i), 2, i);
            }
        }
        assertThat(cache.misses()).isEqualTo(6);
    }

    @Test
    void aBlockThatIsNotWholeIsDamage() throws StorageException {
        BlockCache cache = new BlockCache(8);
        BlockSource source = cache.open(BlobFiles.file(new byte[Block.SIZE + 100]));
        assertThatThrownBy(() -> source.block(1))
                .isInstanceOfSatisfying(
                        CorruptionException.class, e -> assertThat(e.offset()).isEqualTo(Block.SIZE));
        assertThatThrownBy(() -> source.block(-1))
                .isInstanceOfSatisfying(
                        CorruptionException.class, e -> assertThat(e.offset()).isEqualTo(0xFFFF_FFFFL * Block.SIZE));
        check(source.block(0), 0, 0);
    }

    @Test
    void whatIsUsedOftenStays() throws StorageException {
        BlockCache cache = new BlockCache(8);
        assertThat(cache.capacity()).isEqualTo(8);
        BlockSource source = cache.open(BlobFiles.file(numbered(1, 1000)));
        Block root = source.block(0);
        for (int i = 1; i < 1000; i++) {
            check(source.block(i), 1, i);
            assertThat(source.block(0)).isSameAs(root);
        }
        assertThat(cache.evictions()).isEqualTo(1000 - 8);
    }

    @Test
    void boundedAndTheSameEveryTime() throws StorageException {
        assertThatThrownBy(() -> new BlockCache(0)).isInstanceOf(IllegalArgumentException.class);
        for (int capacity : new int[] {1, 3, 8, 24, 100}) {
            List<Long> runs = new ArrayList<>();
            for (int run = 0; run < 2; run++) {
                BlockCache cache = new BlockCache(capacity);
                BlockSource[] sources = {
                    cache.open(BlobFiles.file(numbered(0, 50))), cache.open(BlobFiles.file(numbered(1, 50)))
                };
                SplittableRandom random = new SplittableRandom(capacity);
                for (int i = 0; i < 5000; i++) {
                    int file = random.nextInt(2);
                    int number = Math.min(random.nextInt(50), random.nextInt(50));
                    check(sources[file].block(number), file, number);
                }
                assertThat(cache.capacity()).isLessThanOrEqualTo(capacity);
                assertThat(cache.hits() + cache.misses()).isEqualTo(5000);
                assertThat(cache.misses() - cache.evictions()).isBetween(1L, (long) capacity);
                runs.add(cache.misses());
            }
            assertThat(runs.get(0)).isEqualTo(runs.get(1));
        }
    }

    @Test
    void manyThreadsSeeTheRightBlocks() throws Exception {
        BlockCache cache = new BlockCache(16);
        List<BlockSource> sources = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            sources.add(cache.open(BlobFiles.file(numbered(i, 20))));
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Callable<Integer>> work = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                SplittableRandom random = new SplittableRandom(thread);
                work.add(() -> {
                    for (int i = 0; i < 20_000; i++) {
                        int file = random.nextInt(4);
                        int number = random.nextInt(20);
                        check(sources.get(file).block(number), file, number);
                    }
                    return 1;
                });
            }
            for (Future<Integer> result : threads.invokeAll(work)) {
                assertThat(result.get()).isEqualTo(1);
            }
        }
        assertThat(cache.hits() + cache.misses()).isEqualTo(80_000);
    }
}
