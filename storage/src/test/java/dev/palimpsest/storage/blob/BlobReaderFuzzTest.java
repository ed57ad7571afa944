package dev.palimpsest.storage.blob;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.SingleThreadTasks;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;

/** Blobs, headers and compressed frames that cover ever more of their reader. */
@Tag("fuzz")
class BlobReaderFuzzTest {
    private static final int MAX_BLOB = 64 << 10;

    private final ZstdContexts contexts = new ZstdContexts(1);
    private final ReadBuffers buffers = new ReadBuffers(16 * 1024, 1, 512, new SingleThreadTasks());

    /** The first byte says where a second blob begins. */
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreBlobsOrCorruption(byte[] input) throws StorageException {
        if (input.length < 2) {
            return;
        }
        byte[] file = new byte[Block.SIZE + input.length - 1];
        System.arraycopy(input, 1, file, Block.SIZE, input.length - 1);
        VectoredReadPlanner planner = new VectoredReadPlanner("layer", Block.SIZE, file.length, 512, 32 << 10);
        planner.add(0, 1, Block.SIZE, VectoredReadPlanner.Flag.NONE);
        int second = Block.SIZE + (input[0] & 0xFF);
        if (second > Block.SIZE && second < file.length) {
            planner.add(1, 2, second, VectoredReadPlanner.Flag.NONE);
        }
        planner.endRange(file.length);
        ReadPlan plan = planner.finish();
        BlobReader reader = new BlobReader(BlobFiles.file(file), buffers, contexts, MAX_BLOB);
        RequestContext context = RequestContext.of(TaskKind.TOOL);
        for (BlobReader.Order order : BlobReader.Order.values()) {
            try {
                reader.read(
                        plan,
                        order,
                        context,
                        (_, _, bytes) -> assertThat(bytes.remaining()).isLessThanOrEqualTo(MAX_BLOB));
            } catch (CorruptionException e) {
                assertThat(e.offset()).isBetween((long) Block.SIZE, (long) file.length);
            }
        }
        try {
            reader.readEncoded(plan, context, (tag, _, bytes) -> {
                byte[] encoded = new byte[bytes.remaining()];
                bytes.get(encoded);
                int start = tag == 0 ? Block.SIZE : second;
                assertThat(encoded).isEqualTo(Arrays.copyOfRange(file, start, start + encoded.length));
            });
        } catch (CorruptionException e) {
            assertThat(e.offset()).isBetween((long) Block.SIZE, (long) file.length);
        }
    }
}
