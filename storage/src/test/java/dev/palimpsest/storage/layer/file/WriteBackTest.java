package dev.palimpsest.storage.layer.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.FailingDisk;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.SingleThreadTasks;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class WriteBackTest {
    private static final Path PATH = Path.of("layer");

    /** Tasks that run when somebody waits for them, and not before. */
    private static final class Late implements Tasks {
        private int started;
        private int ended;

        @Override
        public Task start(String name, Body body) {
            started++;
            return new Task() {
                private Optional<Task> run = Optional.empty();

                @Override
                public String name() {
                    return name;
                }

                @Override
                public boolean isDone() {
                    return run.isPresent();
                }

                @Override
                public void join() {
                    if (run.isEmpty()) {
                        run = Optional.of(new SingleThreadTasks().start(name, body));
                        ended++;
                    }
                }

                @Override
                public Optional<Throwable> failure() {
                    return run.flatMap(Task::failure);
                }
            };
        }

        @Override
        public Signal newSignal() {
            throw new UnsupportedOperationException("no signals in this test");
        }

        @Override
        public void sleep(long nanos, Cancellation cancellation) {
            throw new UnsupportedOperationException("no sleeping in this test");
        }
    }

    private static WritableFile failingSync(int number) throws StorageException {
        // The call before the syncs is the one that creates the file.
        return new FailingDisk(new MemoryDisk(1), number, DiskException.Kind.FATAL).create(PATH);
    }

    @Test
    void syncsAgainAfterEachInterval() throws StorageException {
        Late tasks = new Late();
        WriteBack writeBack = new WriteBack(tasks, failingSync(-1), 100);
        writeBack.wrote(99);
        assertThat(tasks.started).isZero();
        writeBack.wrote(100);
        assertThat(tasks.started).isEqualTo(1);
        writeBack.settle();
        writeBack.wrote(199);
        assertThat(tasks.started).isEqualTo(1);
        writeBack.wrote(1000);
        assertThat(tasks.started).isEqualTo(2);
    }

    @Test
    void oneAtATimeAndTheWriterDoesNotWait() throws StorageException {
        Late tasks = new Late();
        WriteBack writeBack = new WriteBack(tasks, failingSync(-1), 100);
        for (int end = 0; end < 1000; end += 10) {
            writeBack.wrote(end);
        }
        assertThat(tasks.started).isEqualTo(1);
        assertThat(tasks.ended).isZero();
        writeBack.settle();
        assertThat(tasks.ended).isEqualTo(1);
    }

    @Test
    void aSyncThatFailedIsToldByTheNextAndByTheEnd() throws StorageException {
        WriteBack writeBack = new WriteBack(new SingleThreadTasks(), failingSync(1), 100);
        writeBack.wrote(100);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> writeBack.wrote(200)).isInstanceOf(DiskException.class);
            assertThatThrownBy(writeBack::settle)
                    .isInstanceOfSatisfying(
                            DiskException.class, e -> assertThat(e.kind()).isEqualTo(DiskException.Kind.FATAL));
        }
        assertThatCode(writeBack::abandon).doesNotThrowAnyException();
    }

    @Test
    void whatIsNoDiskExceptionIsFatalToo() throws StorageException {
        WritableFile file = new MemoryDisk(1).create(PATH);
        WriteBack writeBack = new WriteBack(new SingleThreadTasks(), file, 1);
        file.write(0, ByteBuffer.allocate(1));
        file.close();
        writeBack.wrote(1);
        assertThatThrownBy(writeBack::settle).isInstanceOfSatisfying(DiskException.class, e -> {
            assertThat(e.kind()).isEqualTo(DiskException.Kind.FATAL);
            assertThat(e).hasMessageContaining(PATH.toString());
        });
    }
}
