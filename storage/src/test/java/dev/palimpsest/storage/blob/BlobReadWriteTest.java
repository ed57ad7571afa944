package dev.palimpsest.storage.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdOutputStream;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.AppendWriter;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.runtime.SingleThreadTasks;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BlobReadWriteTest {
    private static final int MAX_BLOB = 1 << 20;

    private final ZstdContexts contexts = new ZstdContexts(2);
    private final ReadBuffers buffers = new ReadBuffers(16 * 1024, 2, 512, new SingleThreadTasks());

    /** What was written: the whole file, and where each blob begins. */
    private record Written(ReadableFile file, List<byte[]> blobs, long[] offsets, long end) {
        byte[] encoded(int blob) throws StorageException {
            long next = blob + 1 < offsets.length ? offsets[blob + 1] : end;
            return Arrays.copyOfRange(BlobFiles.bytes(file), (int) offsets[blob], (int) next);
        }
    }

    private Written write(BlobCompression compression, List<byte[]> blobs) throws StorageException {
        MemoryDisk disk = new MemoryDisk(512);
        WritableFile file = disk.create(Path.of("layer"));
        AppendWriter out = new AppendWriter(disk, file, 8192, 4096);
        BlobWriter writer = new BlobWriter(out, compression, contexts);
        long[] offsets = new long[blobs.size()];
        for (int i = 0; i < offsets.length; i++) {
            ByteBuffer source = i % 2 == 0
                    ? ByteBuffer.wrap(blobs.get(i))
                    : ByteBuffer.allocateDirect(blobs.get(i).length)
                            .put(blobs.get(i))
                            .flip();
            assertThat(writer.offset()).isEqualTo(out.offset());
            offsets[i] = writer.write(source);
            assertThat(source.hasRemaining()).isFalse();
        }
        long end = out.offset();
        out.padTo(8192);
        out.flush();
        return new Written(file, blobs, offsets, end);
    }

    private static ReadPlan planAll(long[] offsets, long end, int maxReadBytes) throws StorageException {
        VectoredReadPlanner planner = new VectoredReadPlanner("layer", 8192, end, 512, maxReadBytes);
        for (int i = 0; i < offsets.length; i++) {
            planner.add(i, 100 + i, offsets[i], VectoredReadPlanner.Flag.NONE);
        }
        planner.endRange(end);
        return planner.finish();
    }

    private BlobReader reader(ReadableFile file) {
        return new BlobReader(file, buffers, contexts, MAX_BLOB);
    }

    private static RequestContext context() {
        return RequestContext.of(TaskKind.values()[0]);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        assertThat(buffer.position()).isZero();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static byte[] repeated(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 'x');
        return bytes;
    }

    private static byte[] noise(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void smallBlobsAreNeverCompressedAndNoneThatWouldGrow() throws StorageException {
        Written written = write(
                new BlobCompression.Zstd(1),
                List.of(repeated(127), repeated(128), noise(8192, 1), repeated(8192), new byte[0]));
        assertThat(written.offsets()[0]).isEqualTo(8192);
        assertThat(written.encoded(0)).hasSize(128).startsWith(127, 'x');
        assertThat(written.encoded(1)).startsWith(0x90, 0, 0).hasSizeLessThan(100);
        assertThat(written.encoded(2)).hasSize(8196).startsWith(0x80, 0, 0x20, 0);
        byte[] frame = written.encoded(3);
        assertThat(frame).startsWith(0x90, 0, 0, frame.length - 4, 0x28, 0xB5, 0x2F, 0xFD);
        assertThat(Zstd.decompress(Arrays.copyOfRange(frame, 4, frame.length), 8192))
                .isEqualTo(repeated(8192));
        assertThat(written.encoded(4)).containsExactly(0);
    }

    @Test
    void withoutCompressionBytesAreAsGiven() throws StorageException {
        Written written = write(BlobCompression.NONE, List.of(repeated(127), repeated(128)));
        assertThat(written.encoded(0)).hasSize(128).startsWith(127, 'x');
        assertThat(written.encoded(1)).hasSize(132).startsWith(0x80, 0, 0, 0x80, 'x');
    }

    @Test
    void blobsDoNotBeginInTheFirstBlock() throws StorageException {
        MemoryDisk disk = new MemoryDisk(512);
        AppendWriter out = new AppendWriter(disk, disk.create(Path.of("layer")), 8192 - 512, 4096);
        assertThatThrownBy(() -> new BlobWriter(out, BlobCompression.NONE, contexts))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatIsWrittenIsRead() throws StorageException {
        for (int seed = 0; seed < 60; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            List<byte[]> blobs = new ArrayList<>();
            for (int i = 1 + random.nextInt(60); i > 0; i--) {
                int length = random.nextInt(random.nextInt(8) == 0 ? 100_000 : 300);
                blobs.add(random.nextBoolean() ? repeated(length) : noise(length, i));
            }
            Written written = write(random.nextBoolean() ? BlobCompression.NONE : new BlobCompression.Zstd(3), blobs);
            ReadPlan plan = planAll(written.offsets(), written.end(), 512 * (1 + random.nextInt(40)));
            for (BlobReader.Order order : BlobReader.Order.values()) {
                List<byte[]> found = new ArrayList<>();
                List<Integer> tags = new ArrayList<>();
                reader(written.file()).read(plan, order, context(), (tag, lsn, bytes) -> {
                    assertThat(lsn).isEqualTo(100 + tag);
                    tags.add(tag);
                    found.add(bytes(bytes));
                });
                assertThat(tags)
                        .isSortedAccordingTo(
                                order == BlobReader.Order.ASCENDING
                                        ? java.util.Comparator.naturalOrder()
                                        : Collections.reverseOrder());
                if (order == BlobReader.Order.DESCENDING) {
                    Collections.reverse(found);
                }
                assertThat(found).as("seed %s", seed).hasSameSizeAs(blobs);
                for (int i = 0; i < blobs.size(); i++) {
                    assertThat(found.get(i)).as("seed %s, blob %s", seed, i).isEqualTo(blobs.get(i));
                }
            }
            assertThat(buffers.inUse()).isZero();
        }
    }

    @Test
    void encodedBlobsAreCopiedAsTheyAre() throws StorageException {
        Written from = write(
                new BlobCompression.Zstd(1), List.of(repeated(5), repeated(9000), noise(200, 1), repeated(50_000)));
        MemoryDisk disk = new MemoryDisk(512);
        WritableFile file = disk.create(Path.of("copy"));
        AppendWriter out = new AppendWriter(disk, file, 8192, 4096);
        BlobWriter writer = new BlobWriter(out, BlobCompression.NONE, contexts);
        List<Long> offsets = new ArrayList<>();
        // The end is that of the padded blobs: the zeros must not be copied.
        reader(from.file())
                .readEncoded(
                        planAll(from.offsets(), 16384, 4096),
                        context(),
                        (tag, lsn, bytes) -> offsets.add(writer.writeEncoded(bytes, "layer", from.offsets()[tag])));
        long end = out.offset();
        out.padTo(8192);
        out.flush();
        assertThat(offsets)
                .containsExactlyElementsOf(Arrays.stream(from.offsets()).boxed().toList());
        assertThat(end).isEqualTo(from.end());
        assertThat(BlobFiles.bytes(file)).isEqualTo(BlobFiles.bytes(from.file()));

        long before = out.offset();
        for (byte[] wrong : new byte[][] {{}, {5, 1, 2, 3, 4}, {5, 1, 2, 3, 4, 5, 6}, {(byte) 0xA0, 0, 0, 0}}) {
            assertThatThrownBy(() -> writer.writeEncoded(ByteBuffer.wrap(wrong), "layer", 0))
                    .isInstanceOf(CorruptionException.class);
        }
        assertThat(out.offset()).isEqualTo(before);
    }

    @Test
    void framesThatDoNotTellTheirSizeAreRead() throws StorageException, IOException {
        for (int length : new int[] {128, 8192, 20_000, 700_000, MAX_BLOB}) {
            byte[] frame = streamed(repeated(length));
            assertThat(Zstd.getFrameContentSize(frame)).isEqualTo(-1);
            assertThat(readOne(encoded(frame))).isEqualTo(repeated(length));
        }
        byte[] tooLarge = encoded(streamed(repeated(MAX_BLOB + 1)));
        assertThatThrownBy(() -> readOne(tooLarge)).isInstanceOf(CorruptionException.class);
        byte[] tooSmall = encoded(streamed(repeated(127)));
        assertThatThrownBy(() -> readOne(tooSmall)).isInstanceOf(CorruptionException.class);
    }

    private static byte[] streamed(byte[] payload) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZstdOutputStream out = new ZstdOutputStream(bytes)) {
            out.write(payload);
        }
        return bytes.toByteArray();
    }

    private static byte[] encoded(byte[] frame) {
        return ByteBuffer.allocate(4 + frame.length)
                .putInt(BlobHeader.zstd(frame.length))
                .put(frame)
                .array();
    }

    /** Reads a file whose only blob is these bytes, in a block that is filled with zeros. */
    private byte[] readOne(byte[] encoded) throws StorageException {
        int end = 8192 * Math.ceilDiv(8192 + encoded.length, 8192);
        byte[] file = new byte[end];
        System.arraycopy(encoded, 0, file, 8192, encoded.length);
        List<byte[]> found = new ArrayList<>();
        reader(BlobFiles.file(file))
                .read(
                        planAll(new long[] {8192}, end, 4096),
                        0,
                        BlobReader.Order.ASCENDING,
                        context(),
                        (tag, lsn, bytes) -> found.add(bytes(bytes)));
        return found.getFirst();
    }

    @Test
    void aFrameMayNotBecomeLargerThanTheLimit() throws StorageException {
        assertThat(readOne(encoded(Zstd.compress(repeated(MAX_BLOB))))).hasSize(MAX_BLOB);
        for (int length : new int[] {127, MAX_BLOB + 1, 500_000_000}) {
            byte[] bomb = encoded(Zstd.compress(new byte[length]));
            assertThatThrownBy(() -> readOne(bomb))
                    .isInstanceOf(CorruptionException.class)
                    .hasMessageContaining("claims to have " + length);
        }
        byte[] twoFrames = Arrays.copyOf(Zstd.compress(repeated(1000)), 2000);
        byte[] second = Zstd.compress(repeated(1000));
        int first = Zstd.compress(repeated(1000)).length;
        System.arraycopy(second, 0, twoFrames, first, second.length);
        byte[] both = encoded(Arrays.copyOf(twoFrames, first + second.length));
        assertThatThrownBy(() -> readOne(both)).isInstanceOf(CorruptionException.class);
    }

    @Test
    void everyBitOfACompressedAndARawBlob() throws StorageException {
        byte[] text = new byte[1000];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) ('a' + i * i / 50 % 20);
        }
        for (BlobCompression compression : List.of(new BlobCompression.Zstd(1), BlobCompression.NONE)) {
            byte[] good = write(compression, List.of(text)).encoded(0);
            assertThat(readOne(good)).isEqualTo(text);
            int noticed = 0;
            for (int bit = 0; bit < good.length * 8; bit++) {
                byte[] bad = good.clone();
                bad[bit / 8] ^= (byte) (1 << bit % 8);
                try {
                    // There is no checksum; what is not noticed must still be bounded.
                    assertThat(readOne(bad).length).isBetween(0, 8192);
                } catch (CorruptionException e) {
                    assertThat(e.resource()).isEqualTo("layer");
                    assertThat(e.offset()).isEqualTo(8192);
                    noticed++;
                }
                assertThat(buffers.inUse()).isZero();
            }
            assertThat(noticed).isGreaterThan(15);
        }
    }

    @Test
    void whatThePlanSaysBoundsABlob() throws StorageException {
        Written written = write(BlobCompression.NONE, List.of(noise(300, 1), noise(300, 2)));
        long[] offsets = written.offsets();
        List<Integer> found = new ArrayList<>();
        // The second blob is planned a byte early, so that the first one does not fit any more.
        ReadPlan plan = planAll(new long[] {offsets[0], offsets[1] - 1}, written.end(), 4096);
        assertThatThrownBy(() -> reader(written.file())
                        .read(plan, BlobReader.Order.ASCENDING, context(), (tag, lsn, bytes) -> found.add(tag)))
                .isInstanceOfSatisfying(
                        CorruptionException.class, e -> assertThat(e.offset()).isEqualTo(offsets[0]));
        assertThat(found).isEmpty();
        // An index that leaves more room than the largest blob can need.
        ReadPlan wide = planAll(new long[] {8192}, 8192L + 4 + MAX_BLOB + 8192, 4096);
        assertThatThrownBy(() -> reader(written.file())
                        .read(wide, BlobReader.Order.ASCENDING, context(), (tag, lsn, bytes) -> found.add(tag)))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("leaves");
        // A file that was cut.
        byte[] cut = Arrays.copyOf(BlobFiles.bytes(written.file()), (int) offsets[1] + 100);
        ReadPlan whole = planAll(offsets, written.end(), 4096);
        assertThatThrownBy(() -> reader(BlobFiles.file(cut))
                        .read(whole, BlobReader.Order.ASCENDING, context(), (tag, lsn, bytes) -> found.add(tag)))
                .isInstanceOfSatisfying(
                        CorruptionException.class, e -> assertThat(e.offset()).isEqualTo(offsets[1]));
        assertThat(found).containsExactly(0);
    }

    @Test
    void noMoreReadsRunAtOnceThanThereAreBuffers() throws StorageException {
        Written written = write(BlobCompression.NONE, List.of(noise(10, 1)));
        ReadPlan plan = planAll(written.offsets(), written.end(), 4096);
        BlobReader reader = reader(written.file());
        List<Integer> inUse = new ArrayList<>();
        // Reading inside of a visit is forbidden; here it shows that the third read has to wait.
        assertThatThrownBy(() -> reader.read(
                        plan,
                        BlobReader.Order.ASCENDING,
                        context(),
                        (t1, l1, b1) -> reader.read(plan, BlobReader.Order.ASCENDING, context(), (t2, l2, b2) -> {
                            inUse.add(buffers.inUse());
                            reader.read(plan, BlobReader.Order.ASCENDING, context(), (t3, l3, b3) -> inUse.add(-1));
                        })))
                .isInstanceOf(AssertionError.class)
                .hasMessage("this would wait for ever");
        assertThat(inUse).containsExactly(2);
        assertThat(buffers.inUse()).isZero();
    }

    @Test
    void closedContextsAreFreedAndNotKept() throws StorageException {
        ZstdContexts.Compressor compressor = contexts.compressor();
        contexts.close();
        assertThat(compressor.compress(ByteBuffer.wrap(repeated(1000)), 1).remaining())
                .isLessThan(100);
        compressor.close();
        assertThatThrownBy(() -> compressor.compress(ByteBuffer.wrap(repeated(1000)), 1))
                .isInstanceOf(IllegalStateException.class);
        assertThat(write(new BlobCompression.Zstd(1), List.of(repeated(1000))).encoded(0))
                .hasSizeLessThan(100);
    }

    @Test
    void buffersGoBackWhenAVisitorFails() throws StorageException {
        Written written = write(new BlobCompression.Zstd(1), List.of(repeated(100_000), noise(100_000, 1)));
        for (int i = 0; i < 10; i++) {
            assertThatThrownBy(() -> reader(written.file())
                            .read(
                                    planAll(written.offsets(), written.end(), 4096),
                                    BlobReader.Order.DESCENDING,
                                    context(),
                                    (tag, lsn, bytes) -> {
                                        if (tag == 0) {
                                            throw new IllegalStateException("enough");
                                        }
                                    }))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(buffers.inUse()).isZero();
        }
    }
}
