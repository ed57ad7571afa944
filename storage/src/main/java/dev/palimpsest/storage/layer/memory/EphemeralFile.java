package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.AppendWriter;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.WritableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * The file {@code ephemeral-N} that holds the values of an in-memory layer, each a {@link StoredValue}, one after the other
 * from offset 0; where each is and in what form only the layer's index knows. Never synced: after a crash it is garbage, and
 * the WAL is read again.
 *
 * <p>One writer; any number of readers at the same time, who see what was appended, whether it is in the file yet or in
 * the buffer.
 */
final class EphemeralFile {
    private final Disk disk;
    private final WritableFile file;
    private final AppendWriter writer;
    private final String name;

    private EphemeralFile(Disk disk, WritableFile file) {
        this.disk = disk;
        this.file = file;
        this.writer = new AppendWriter(disk, file, 0);
        this.name = file.path().toString();
    }

    /** Creates it; there must be none of that name. */
    static EphemeralFile create(Disk disk, Path path) throws DiskException {
        return new EphemeralFile(disk, disk.create(path));
    }

    /** Its path, for messages. */
    String name() {
        return name;
    }

    /** Whether every read goes to the device. */
    boolean isDirect() {
        return disk.alignment() > 1;
    }

    /** How many bytes were appended, completely. */
    long size() {
        return writer.offset();
    }

    /**
     * Appends all of {@code bytes}.
     *
     * @throws DiskException if nothing was appended; and then nothing can be appended any more
     */
    void append(ByteBuffer bytes) throws DiskException {
        writer.write(bytes);
    }

    /**
     * Fills {@code target} from its position to its limit.
     *
     * @throws CorruptionException if the file ends before
     */
    void read(long position, ByteBuffer target, RequestContext context) throws DiskException, CorruptionException {
        int wanted = target.remaining();
        int read = writer.read(position, target);
        context.account(ContentKind.IN_MEMORY_LAYER, read);
        if (read != wanted) {
            throw new CorruptionException(
                    name, position, "expected " + wanted + " bytes but the file ends after " + read);
        }
    }

    /** Closes and deletes it; the delete is tried even if the close fails. */
    void delete() throws DiskException {
        try {
            file.close();
        } finally {
            disk.delete(file.path());
        }
    }
}
