package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.DiskException.Kind;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Sorts what the operating system says into what to do about it. Where the JDK has no type for an error there is only
 * its text, in English in the C and English locales. A text that is not known counts as fatal: to stop writing is always safe.
 */
final class IoFailures {
    /** ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR, EBUSY. */
    private static final List<String> RETRYABLE = List.of(
            "No space left on device",
            "Disk quota exceeded",
            "Too many open files",
            "Cannot allocate memory",
            "Resource temporarily unavailable",
            "Interrupted system call",
            "Device or resource busy");

    /** ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY; ENAMETOOLONG and EXDEV are mistakes of the caller. */
    private static final List<String> WRONG_STATE = List.of(
            "No such file or directory",
            "File exists",
            "Not a directory",
            "Is a directory",
            "Directory not empty",
            "File name too long",
            "Invalid cross-device link");

    private IoFailures() {}

    /** The failure of an operation without offset and length. */
    static DiskException of(String operation, Path file, IOException cause) {
        return of(operation, file, -1, -1, cause);
    }

    /** The failure of an operation. */
    static DiskException of(String operation, Path file, long offset, long length, IOException cause) {
        return new DiskException(kind(cause), operation, file.toString(), offset, length, reason(cause), cause);
    }

    /** The failure of a sync, which is fatal whatever the reason. */
    static DiskException ofSync(Path file, IOException cause) {
        return new DiskException(Kind.FATAL, "sync", file.toString(), -1, -1, reason(cause), cause);
    }

    /** A file or directory that is not as it must be. */
    static DiskException wrongState(String operation, Path file, String reason) {
        return new DiskException(Kind.WRONG_STATE, operation, file.toString(), -1, -1, reason);
    }

    static Kind kind(IOException cause) {
        return switch (cause) {
            case NoSuchFileException e -> Kind.WRONG_STATE;
            case FileAlreadyExistsException e -> Kind.WRONG_STATE;
            case DirectoryNotEmptyException e -> Kind.WRONG_STATE;
            case NotDirectoryException e -> Kind.WRONG_STATE;
            case AccessDeniedException e -> Kind.FATAL;
            case ClosedChannelException e -> Kind.RETRYABLE;
            default -> kind(text(cause));
        };
    }

    private static Kind kind(String text) {
        if (RETRYABLE.stream().anyMatch(text::contains)) {
            return Kind.RETRYABLE;
        }
        return WRONG_STATE.stream().anyMatch(text::contains) ? Kind.WRONG_STATE : Kind.FATAL;
    }

    private static String text(IOException cause) {
        String text = cause instanceof FileSystemException e ? e.getReason() : cause.getMessage();
        return Objects.requireNonNullElse(text, "");
    }

    private static String reason(IOException cause) {
        return switch (cause) {
            case NoSuchFileException e -> "no such file or directory";
            case FileAlreadyExistsException e -> "it exists already";
            case DirectoryNotEmptyException e -> "the directory is not empty";
            case NotDirectoryException e -> "not a directory";
            case AccessDeniedException e -> "permission denied";
            default -> text(cause).isEmpty() ? cause.toString() : text(cause);
        };
    }
}
