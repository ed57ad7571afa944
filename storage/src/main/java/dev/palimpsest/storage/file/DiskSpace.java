package dev.palimpsest.storage.file;

/**
 * The room in a file system.
 *
 * @param usableBytes what this process could still write, as far as that is known
 * @param totalBytes how large it is
 */
public record DiskSpace(long usableBytes, long totalBytes) {}
