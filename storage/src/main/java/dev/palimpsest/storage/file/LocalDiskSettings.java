package dev.palimpsest.storage.file;

/**
 * How a {@link LocalDisk} does its I/O.
 *
 * @param mode whether the kernel buffers
 * @param maxOpenForReading how many files opened for reading hold a descriptor at once, at least 1; more may be open,
 *     those used least are closed and opened again when needed. Files opened for writing hold one each beside these.
 * @param bounceBuffers how many unaligned transfers run at once in direct mode, at least 1; each holds a buffer
 * @param bounceBufferBytes the size of such a buffer, a multiple of {@link #DIRECT_ALIGNMENT}
 */
public record LocalDiskSettings(Mode mode, int maxOpenForReading, int bounceBuffers, int bounceBufferBytes) {
    /** The alignment of direct I/O: the block size of every file system in use, and a multiple of every sector size. */
    public static final int DIRECT_ALIGNMENT = 4096;

    /** Whether the kernel buffers. */
    public enum Mode {
        /** Through the kernel's page cache; any offset, length and address is as good as any other. */
        BUFFERED,
        /** Past the kernel's page cache; what is not aligned is copied through aligned buffers. */
        DIRECT
    }

    public LocalDiskSettings {
        if (maxOpenForReading < 1) {
            throw new IllegalArgumentException("maxOpenForReading must be at least 1, got " + maxOpenForReading);
        }
        if (bounceBuffers < 1) {
            throw new IllegalArgumentException("bounceBuffers must be at least 1, got " + bounceBuffers);
        }
        if (bounceBufferBytes < DIRECT_ALIGNMENT || bounceBufferBytes % DIRECT_ALIGNMENT != 0) {
            throw new IllegalArgumentException("bounceBufferBytes must be a positive multiple of " + DIRECT_ALIGNMENT
                    + ", got " + bounceBufferBytes);
        }
    }

    /** A mode with the usual limits. */
    public static LocalDiskSettings of(Mode mode) {
        return new LocalDiskSettings(mode, 1000, 32, 128 * 1024);
    }
}
