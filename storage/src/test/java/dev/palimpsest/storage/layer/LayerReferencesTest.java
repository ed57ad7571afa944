package dev.palimpsest.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LayerReferencesTest {
    private final List<LayerReferences.Fate> fates = new ArrayList<>();
    private final LayerReferences references = new LayerReferences("x", fates::add, true);

    @Test
    void theFileStaysWhileItIsRead() {
        assertThat(references.tryAcquire()).isTrue();
        assertThat(references.tryAcquire()).isTrue();
        references.drop();
        assertThat(references.tryAcquire()).isFalse();
        references.release();
        assertThat(fates).isEmpty();
        assertThat(references.readers()).isEqualTo(1);
        references.release();
        assertThat(fates).containsExactly(LayerReferences.Fate.DELETE);
        assertThat(references.tryAcquire()).isFalse();
    }

    @Test
    void withoutReadersItGoesAtOnce() {
        references.retire();
        assertThat(fates).containsExactly(LayerReferences.Fate.KEEP);
        assertThatThrownBy(references::drop).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(references::retire).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(references::release).isInstanceOf(IllegalStateException.class);
        assertThat(fates).hasSize(1);
    }

    @Test
    void aReaderThatDoesNotLeaveIsNamed() {
        assertThat(references.acquired()).isEmpty();
        references.tryAcquire();
        assertThat(references.acquired()).hasSize(1);
        assertThat(references.acquired().getFirst().getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("aReaderThatDoesNotLeaveIsNamed"));
        references.release();
        assertThat(references.acquired()).isEmpty();
        assertThatThrownBy(references::release).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void manyReadersAndOneOwnerEndItExactlyOnce() throws InterruptedException {
        for (int round = 0; round < 50; round++) {
            AtomicInteger ended = new AtomicInteger();
            AtomicBoolean gone = new AtomicBoolean();
            AtomicInteger readsOfGone = new AtomicInteger();
            LayerReferences shared = new LayerReferences("x", fate -> {
                gone.set(true);
                ended.incrementAndGet();
            });
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                threads.add(Thread.ofVirtual().start(() -> {
                    while (shared.tryAcquire()) {
                        if (gone.get()) {
                            readsOfGone.incrementAndGet();
                        }
                        shared.release();
                    }
                }));
            }
            shared.drop();
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(ended).hasValue(1);
            assertThat(readsOfGone).hasValue(0);
        }
    }
}
