package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/**
 * Local files, as the engine sees them. Every failure is a {@link DiskException} that names operation, file, offset and
 * length. Safe for use by many threads.
 *
 * <p>What is durable: bytes written to a file are durable after {@link WritableFile#sync()} on it; that a name exists,
 * has gone or has changed is durable after {@link #syncDirectory} on its directory. Before that a crash may lose any part
 * of it, in any order.
 */
public interface Disk {
    /** An entry of a directory. Size in bytes; 0 for a directory. */
    record Entry(String name, long size, Kind kind) {}

    /** What an entry is. */
    enum Kind {
        /** A regular file. */
        FILE,
        /** A directory. */
        DIRECTORY
    }

    /**
     * The unit of efficient I/O, in bytes: offsets, lengths and buffer addresses that are multiples of it are read and
     * written without a copy. 1 when files are buffered by the kernel, 4096 with direct I/O. Never a requirement.
     */
    int alignment();

    /**
     * Opens an existing file for reading.
     *
     * @throws DiskException of kind {@code WRONG_STATE} if it does not exist
     */
    ReadableFile open(Path file) throws DiskException;

    /**
     * Creates a file for writing and reading.
     *
     * @throws DiskException of kind {@code WRONG_STATE} if it exists
     */
    WritableFile create(Path file) throws DiskException;

    /** Renames within one file system, replacing {@code to} in one step if it exists. Durable after {@link #syncDirectory}. */
    void rename(Path from, Path to) throws DiskException;

    /**
     * Renames within one file system.
     *
     * @throws DiskException of kind {@code WRONG_STATE} if {@code to} exists; then nothing has changed
     */
    void renameNoReplace(Path from, Path to) throws DiskException;

    /**
     * Gives a file a second name, under which it stays when the first one is deleted; nothing is copied. Durable after {@link
     * #syncDirectory}.
     *
     * @return false if that cannot be, as between two file systems; then nothing has changed
     * @throws DiskException of kind {@code WRONG_STATE} if {@code to} exists or {@code file} does not
     */
    default boolean link(Path file, Path to) throws DiskException {
        return false;
    }

    /** Deletes a file; returns false if there was none. Durable after {@link #syncDirectory}. */
    boolean delete(Path file) throws DiskException;

    /** Deletes an empty directory; returns false if there was none. Durable after {@link #syncDirectory} of its parent. */
    boolean deleteDirectory(Path directory) throws DiskException;

    /** Creates a directory and its missing parents. Durable on return. */
    void createDirectories(Path directory) throws DiskException;

    /** Makes names in a directory durable: what was created, renamed or deleted in it. */
    void syncDirectory(Path directory) throws DiskException;

    /**
     * What is in a directory, sorted by name.
     *
     * @throws DiskException of kind {@code WRONG_STATE} if there is no such directory
     */
    List<Entry> list(Path directory) throws DiskException;

    /**
     * Whether there is such an entry in a directory. Looks at the entries in any order, and at none after the first that is one.
     *
     * @throws DiskException of kind {@code WRONG_STATE} if there is no such directory
     */
    default boolean hasAny(Path directory, Predicate<Entry> asked) throws DiskException {
        return list(directory).stream().anyMatch(asked);
    }

    /** The room in the file system that a directory is in, now. */
    DiskSpace space(Path directory) throws DiskException;

    /** Whether a file or directory of that name exists. */
    boolean exists(Path path) throws DiskException;
}
