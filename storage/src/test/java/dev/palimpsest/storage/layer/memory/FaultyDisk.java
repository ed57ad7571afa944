package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.ForwardingDisk;
import dev.palimpsest.storage.file.MemoryDisk;
import dev.palimpsest.storage.file.WritableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** A disk in memory whose writes or reads fail when told to, from then on. */
final class FaultyDisk extends ForwardingDisk {
    static final long NONE = -1;

    volatile boolean failWrites;
    volatile boolean failReads;
    /** Of a byte that is read with another lowest bit, in each file. */
    volatile long damagedOffset = NONE;

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
            int start = target.position();
            int read = super.read(offset, target);
            long damaged = damagedOffset - offset;
            if (damagedOffset != NONE && damaged >= 0 && damaged < read) {
                int at = start + (int) damaged;
                target.put(at, (byte) (target.get(at) ^ 1));
            }
            return read;
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
