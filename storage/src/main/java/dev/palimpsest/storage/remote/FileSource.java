package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.file.ReadableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/** The first bytes of a file. */
record FileSource(ReadableFile file, long size, Optional<Path> durableFile) implements ObjectSource {
    @Override
    public void read(long offset, ByteBuffer target) throws StorageException {
        int wanted = target.remaining();
        int found = file.read(offset, target);
        if (found < wanted) {
            throw new CorruptionException(
                    file.path().toString(),
                    offset + found,
                    "the file ends here, but " + size + " bytes of it are to be put into the object store");
        }
    }
}
