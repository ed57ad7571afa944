package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.blob.BlobHeader;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.AppendWriter;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.value.ValueCodec;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * The file {@code ephemeral-N} that holds the values of an in-memory layer, each a blob, one after the other from offset 0;
 * where each is only the layer's index knows. Never synced: after a crash it is garbage, and the WAL is read again.
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

    /**
     * Makes sure that {@code blob}, from position to limit, is what the index says of it.
     *
     * @param location what the index says
     * @return the length of its header
     */
    int check(ByteBuffer blob, long location) throws CorruptionException {
        String resource = name;
        long position = ValueLocation.position(location);
        int header = BlobHeader.read(blob, blob.position(), blob.limit(), resource, position);
        int length = ValueLocation.length(location);
        if (BlobHeader.length(header) != length || BlobHeader.isZstd(header)) {
            throw new CorruptionException(
                    resource,
                    position,
                    "expected a raw blob of " + length + " bytes, found one of " + BlobHeader.length(header)
                            + (BlobHeader.isZstd(header) ? ", compressed" : ""));
        }
        int headerLength = BlobHeader.size(header);
        blob.position(blob.position() + headerLength);
        boolean willInit = ValueCodec.willInit(blob, resource, position + headerLength);
        blob.position(blob.position() - headerLength);
        if (willInit != ValueLocation.willInit(location)) {
            throw new CorruptionException(
                    resource,
                    position,
                    "a value that was put as " + initialises(!willInit) + " " + initialises(willInit));
        }
        return headerLength;
    }

    private static String initialises(boolean willInit) {
        return willInit ? "initialises its key" : "does not initialise its key";
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
