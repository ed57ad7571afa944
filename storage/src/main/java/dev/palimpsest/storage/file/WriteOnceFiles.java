package dev.palimpsest.storage.file;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Small files (metadata, settings, indexes) that are written as a whole and read as a whole. At any moment, also after a
 * crash, a file has either its old content or its new one, complete.
 *
 * <p>The new content is gathered in a file named like the real one with {@value #TEMPORARY_SUFFIX} behind, in the same
 * directory, which a crash may leave behind; the next overwrite removes it.
 *
 * <p>Different files may be written at once; each file has one writer at a time. Readers may read at any time.
 */
public final class WriteOnceFiles {
    /** What the names of files that are being written end in. */
    public static final String TEMPORARY_SUFFIX = ".___temp";

    private final Disk disk;

    /** Files of a disk. */
    public WriteOnceFiles(Disk disk) {
        this.disk = disk;
    }

    /**
     * Gives a file a new content, whether or not it exists.
     *
     * <p>When this returns, content and name are durable. When it fails, the temporary file is removed if that is
     * possible, and the old content stays; only if the last step failed, which makes the name durable (of kind
     * {@code FATAL}), the new content is there and a crash may bring the old one back.
     *
     * @param file in an existing directory
     * @param content from its position to its limit; the position is at the limit afterwards
     */
    public void overwrite(Path file, ByteBuffer content) throws DiskException {
        Path temporary = file.resolveSibling(file.getFileName() + TEMPORARY_SUFFIX);
        disk.delete(temporary);
        WritableFile created = disk.create(temporary);
        try {
            try (created) {
                created.write(0, content);
                created.sync();
            }
            disk.rename(temporary, file);
        } catch (DiskException e) {
            remove(temporary, e);
            throw e;
        }
        disk.syncDirectory(directoryOf(file));
    }

    private void remove(Path temporary, DiskException reason) {
        try {
            disk.delete(temporary);
        } catch (DiskException e) {
            reason.addSuppressed(e);
        }
    }

    private static Path directoryOf(Path file) {
        Path parent = file.getParent();
        return parent == null ? Path.of("") : parent;
    }

    /**
     * The whole content of a file.
     *
     * @param maxBytes the most that such a file can have; more is taken for damage
     * @throws DiskException of kind {@code WRONG_STATE} if it does not exist
     * @throws CorruptionException if it is larger than {@code maxBytes}
     */
    public byte[] read(Path file, int maxBytes) throws DiskException, CorruptionException {
        try (ReadableFile opened = disk.open(file)) {
            long size = opened.size();
            if (size > maxBytes) {
                throw new CorruptionException(
                        file.toString(), maxBytes, "expected at most " + maxBytes + " bytes, found " + size);
            }
            byte[] content = new byte[(int) size];
            int read = opened.read(0, ByteBuffer.wrap(content));
            if (read != size) {
                throw new CorruptionException(
                        file.toString(), read, "expected " + size + " bytes, found the end of the file");
            }
            return content;
        }
    }
}
