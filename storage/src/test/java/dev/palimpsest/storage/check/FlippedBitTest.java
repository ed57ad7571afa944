package dev.palimpsest.storage.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.TenantTimelines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One bit of the object store is not what it was, in every kind of object and every block of the layers: the check finds it, and
 * a server on another machine, which has nothing but the object store, either refuses, naming object and place, or serves what
 * was written.
 */
class FlippedBitTest {
    private static final long SEED = Long.getLong("palimpsest.seed", 20261123);
    private static final int SUMMARY = 96;

    @TempDir
    Path directory;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private int copies;

    /** Bits of an object: some of each block, and of the summary of a layer, at least. */
    private Set<Long> bits(String key, long size, int each) {
        Set<Long> bits = new LinkedHashSet<>();
        boolean isLayer = key.contains("__");
        for (int i = 0; i < each; i++) {
            if (isLayer) {
                bits.add(random.nextLong(8L * SUMMARY));
            }
            for (long block = 0; block < size; block += Block.SIZE) {
                bits.add(8 * block + random.nextLong(8 * Math.min(Block.SIZE, size - block)));
            }
        }
        if (!isLayer) {
            for (int i = 0; i < 4 * each; i++) {
                bits.add(random.nextLong(8 * size));
            }
        }
        return bits;
    }

    private void flip(SmallStore store, String key, long bit) throws Exception {
        String what = key + ", bit " + bit + ", seed " + SEED;
        SmallStore damaged = store.copy(directory.resolve("copy-" + copies++));
        byte[] bytes = Files.readAllBytes(damaged.object(key));
        bytes[(int) (bit / 8)] ^= (byte) (1 << bit % 8);
        Files.write(damaged.object(key), bytes);
        StorageReport report = damaged.check(true, directory.resolve("temporary"));
        assertThat(report.findings())
                .as(what)
                .isNotEmpty()
                .allSatisfy(finding -> assertThat(finding.object()).isEqualTo(key))
                .allSatisfy(finding -> assertThat(finding.offset()).isBetween(0L, (long) bytes.length));
        serve(damaged, key, bytes.length, what);
    }

    /** Every read of a server that starts now is right, or refused. */
    private void serve(SmallStore damaged, String key, long size, String what) throws Exception {
        List<StorageException> refusals = new ArrayList<>();
        try (EmbeddedStore server = damaged.open(directory.resolve("machine-" + copies))) {
            TenantTimelines tenant = server.tenant(SmallStore.TENANT, SmallStore.CONTEXT);
            for (long round = 0x1000; round <= 0x5000; round += 0x1000) {
                try {
                    SmallStore.readAll(
                            tenant.timeline(round == 0x5000 ? SmallStore.CHILD : SmallStore.ROOT), round, round);
                } catch (StorageException e) {
                    refusals.add(e);
                }
            }
        } catch (StorageException e) {
            refusals.add(e);
        }
        for (StorageException refusal : refusals) {
            assertThat(refusal).as(what).isInstanceOfSatisfying(CorruptionException.class, damage -> {
                assertThat(damage.resource()).isEqualTo(key);
                assertThat(damage.offset()).isBetween(0L, size);
            });
        }
        boolean isSuperseded = key.contains("tenant-manifest-00000001");
        assertThat(refusals.isEmpty()).as(what).isEqualTo(isSuperseded);
    }

    private void flipEverywhere(int each) throws Exception {
        SmallStore store = new SmallStore(directory.resolve("objects"));
        store.fill(directory.resolve("local"));
        assertThat(store.layers(SmallStore.ROOT, true)).isNotEmpty();
        assertThat(store.layers(SmallStore.ROOT, false)).hasSizeGreaterThan(1);
        for (String key : store.keys()) {
            for (long bit : bits(key, size(store, key), each)) {
                flip(store, key, bit);
            }
        }
    }

    private static long size(SmallStore store, String key) throws IOException {
        return Files.size(store.object(key));
    }

    @Test
    void isFoundAndNeverServed() throws Exception {
        flipEverywhere(1);
    }

    @Test
    @Tag("long")
    void manyAreFoundAndNeverServed() throws Exception {
        flipEverywhere(12);
    }
}
