package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobReader;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.ReadPlan;
import dev.palimpsest.storage.blob.StreamingReadPlanner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** Verifies the blobs of a layer file, told in the order of the index, one by one. Used once, by one thread. */
final class BlobVerification {
    private static final int BLOBS_AT_ONCE = 1024;

    private final LayerIo io;
    private final LayerFormat format;
    private final ReadableFile file;
    private final RequestContext context;
    private final Findings findings;
    private final String resource;
    private final BlobReader reader;
    private @Nullable StreamingReadPlanner planner;
    /** Whether the index says, of the blobs from the next read on, that they need nothing older. */
    private final BitSet willInit = new BitSet();

    private int told;
    private int read;
    /** Where the last blob that could be read has ended by its header; where it should by the index if that was damaged. */
    private long end = Block.SIZE;

    private long values;
    private long images;
    private long valueBytes;
    private long storedBytes;

    /** Takes what is found to be wrong. */
    @FunctionalInterface
    interface Findings {
        void add(long offset, StorageException finding);
    }

    BlobVerification(LayerIo io, LayerFormat format, ReadableFile file, RequestContext context, Findings findings) {
        this.io = io;
        this.format = format;
        this.file = file;
        this.context = context;
        this.findings = findings;
        this.resource = file.path().toString();
        this.reader = new BlobReader(file, io.readBuffers(), io.zstd(), io.maxBlobBytes());
    }

    private StreamingReadPlanner newPlanner(long dataEnd, int blobs) {
        return new StreamingReadPlanner(resource, Block.SIZE, dataEnd, Block.SIZE, io.maxReadBytes(), blobs);
    }

    /** Before the first blob. */
    void begin(long dataEnd) {
        planner = newPlanner(dataEnd, BLOBS_AT_ONCE);
    }

    private StreamingReadPlanner planner() {
        StreamingReadPlanner begun = planner;
        if (begun == null) {
            throw new IllegalStateException("not begun");
        }
        return begun;
    }

    /**
     * The next blob.
     *
     * @throws CorruptionException if it cannot begin there, so that those that follow cannot be told either
     */
    void add(long offset, boolean init) throws StorageException {
        ReadPlan plan = planner().add(0, 0, offset);
        willInit.set(told++, init);
        values++;
        if (plan != null) {
            verify(plan);
        }
    }

    /**
     * After the last blob.
     *
     * @param dataEnd where it must have ended
     * @param dataBlocksEnd up to where zeros follow
     */
    void end(long dataEnd, long dataBlocksEnd) throws StorageException {
        ReadPlan plan = planner().endRange(dataEnd);
        if (plan != null) {
            verify(plan);
        }
        if (dataBlocksEnd - end >= Block.SIZE) {
            findings.add(
                    end,
                    new CorruptionException(
                            resource,
                            end,
                            "the last blob ends here, but blocks without blobs follow up to " + dataBlocksEnd));
            return;
        }
        ByteBuffer padding = ByteBuffer.allocate((int) (dataBlocksEnd - end));
        file.read(end, padding);
        for (int i = 0; i < padding.position(); i++) {
            if (padding.get(i) != 0) {
                findings.add(
                        end + i, new CorruptionException(resource, end + i, "there is something behind the last blob"));
                return;
            }
        }
    }

    private void verify(ReadPlan plan) throws StorageException {
        int first = read;
        read += plan.blobs();
        try {
            new Tally(plan, first).apply();
            return;
        } catch (CorruptionException | DiskException e) {
            // Which of them it is, and whether others are damaged too, tells the next loop.
        }
        for (int blob = 0; blob < plan.blobs(); blob++) {
            long start = plan.blobStart(blob);
            StreamingReadPlanner one = newPlanner(plan.blobEnd(blob), 1);
            try {
                one.add(0, 0, start);
                ReadPlan alone = one.endRange(plan.blobEnd(blob));
                if (alone != null) {
                    new Tally(alone, first + blob).apply();
                }
            } catch (CorruptionException | DiskException e) {
                findings.add(start, e);
                end = plan.blobEnd(blob);
            }
        }
    }

    /** What the blobs of a plan are, if all are sound. */
    private final class Tally {
        private final ReadPlan plan;
        private final long[] ends;
        private int encoded;
        private int decoded;
        private long bytes;
        private long imageCount;

        Tally(ReadPlan plan, int first) throws StorageException {
            this.plan = plan;
            this.ends = new long[plan.blobs()];
            reader.readEncoded(plan, context, (tag, lsn, blob) -> {
                ends[encoded] = plan.blobStart(encoded) + blob.remaining();
                encoded++;
            });
            reader.read(plan, BlobReader.Order.ASCENDING, context, (tag, lsn, blob) -> {
                bytes += blob.remaining();
                decode(blob, plan.blobStart(decoded), willInit.get(first + decoded));
                decoded++;
            });
        }

        private void decode(ByteBuffer blob, long start, boolean init) throws CorruptionException {
            Value value = format.decode(blob, byte[]::new, resource, start);
            if (value.willInit() != init) {
                throw new CorruptionException(
                        resource, start, "value and index disagree on whether older values are needed");
            }
            imageCount += value instanceof Value.Image ? 1 : 0;
        }

        void apply() {
            for (int blob = 0; blob < ends.length; blob++) {
                long start = plan.blobStart(blob);
                if (start != end) {
                    findings.add(
                            end,
                            new CorruptionException(
                                    resource, end, "a blob ends here, but the next one begins at " + start));
                }
                end = ends[blob];
                storedBytes += end - start;
            }
            valueBytes += bytes;
            images += imageCount;
        }
    }

    long values() {
        return values;
    }

    long images() {
        return images;
    }

    long valueBytes() {
        return valueBytes;
    }

    long storedBytes() {
        return storedBytes;
    }
}
