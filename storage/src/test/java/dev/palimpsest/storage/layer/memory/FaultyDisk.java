package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.ForwardingDisk;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.WritableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** A disk in memory whose writes or reads fail when told to, from then on. */
final class FaultyDisk extends ForwardingDisk {
    volatile boolean failWrites;
    volatile boolean failReads;

    FaultyDisk() {
        super(new MemoryDisk(1));
    }

    @Override
    public WritableFile create(Path file) throws DiskException {
        return new Faulty(super.create(file));
    }

    private final class Faulty extends ForwardingFile {
        Faulty(WritableFile file) {
            super(file);
        }

        @Override
        public int read(long offset, ByteBuffer target) throws DiskException {
            if (failReads) {
                throw failure("read", offset, target.remaining());
            }
            return super.read(offset, target);
        }

        @Override
        public void write(long offset, ByteBuffer source) throws DiskException {
            if (failWrites) {
                throw failure("write", offset, source.remaining());
            }
            super.write(offset, source);
        }

        private DiskException failure(String operation, long offset, long length) {
            return new DiskException(
                    DiskException.Kind.RETRYABLE, operation, path().toString(), offset, length, "no space left");
        }
    }
}
