package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/** Files and buffers for tests of one thread. */
final class BlobFiles {
    private BlobFiles() {}

    static ReadableFile file(byte[] bytes) throws StorageException {
        MemoryDisk disk = new MemoryDisk(512);
        var file = disk.create(Path.of("layer"));
        file.write(0, ByteBuffer.wrap(bytes));
        return file;
    }

    static byte[] bytes(ReadableFile file) throws StorageException {
        byte[] bytes = new byte[(int) file.size()];
        file.read(0, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Tasks of which only the signals are used, and on which nobody may have to wait. */
    static final class NoTasks implements Tasks {
        @Override
        public Task start(String name, Body body) {
            throw new AssertionError("no task is to be started here: " + name);
        }

        @Override
        public Signal newSignal() {
            return new Signal() {
                @Override
                public void signalAll() {}

                @Override
                public boolean await(BooleanSupplier condition, long deadlineNanos) {
                    if (!condition.getAsBoolean()) {
                        throw new AssertionError("this would wait for ever");
                    }
                    return true;
                }
            };
        }

        @Override
        public void sleep(long nanos, Cancellation cancellation) {
            throw new AssertionError("no sleep is needed here");
        }
    }
}
