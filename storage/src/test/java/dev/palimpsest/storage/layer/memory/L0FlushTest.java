package dev.palimpsest.storage.layer.memory;

import static dev.palimpsest.storage.layer.memory.MemoryLayers.CONTEXT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.TenantId;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class L0FlushTest {
    private static final TenantId TENANT = new TenantId(1, 1);

    private final MemoryLayers memory = new MemoryLayers();

    @Test
    void onlySoManyFlushAtOnce() throws Exception {
        try (L0Flush flush = memory.flush(1 << 20)) {
            L0Flush.Slot first = flush.admit(TENANT, CONTEXT);
            L0Flush.Slot second = flush.admit(TENANT, CONTEXT);
            assertThat(flush.inUse()).isEqualTo(2);
            assertThatThrownBy(() -> flush.admit(TENANT, CONTEXT.withDeadline(memory.clock.nanos() + 1)))
                    .isInstanceOf(DeadlineExceededException.class);
            first.close();
            first.close();
            assertThat(flush.inUse()).isEqualTo(1);
            flush.admit(TENANT, CONTEXT).close();
            second.close();
            assertThat(flush.inUse()).isZero();
        }
    }

    @Test
    void buffersAreBoundedAndUsedAgain() throws Exception {
        try (L0Flush flush = memory.flush(4 << 20)) {
            L0Flush.Slot slot = flush.admit(TENANT, CONTEXT);
            ByteBuffer buffer = slot.buffer(100 << 20);
            assertThat(buffer.capacity()).isEqualTo(4 << 20);
            buffer.put(0, (byte) 77);
            slot.close();
            slot = flush.admit(TENANT, CONTEXT);
            assertThat(slot.buffer(10).get(0)).isEqualTo((byte) 77);
            slot.close();
            flush.releaseIdle();
            slot = flush.admit(TENANT, CONTEXT);
            assertThat(slot.buffer(10).capacity()).isEqualTo(1 << 20);
            assertThat(slot.buffer(3 << 20).capacity()).isEqualTo(3 << 20);
            slot.close();
        }
    }

    @Test
    void aBufferThatHoldsNothingIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> memory.flush(L0Flush.MIN_BUFFER_BYTES - 1));
    }
}
