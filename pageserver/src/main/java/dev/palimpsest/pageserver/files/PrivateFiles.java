package dev.palimpsest.pageserver.files;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Small files in a directory of their own that only the server's user may read. A file is replaced as a whole. Whatever is
 * written or deleted is so durably on return. What goes wrong is an {@link UncheckedIOException} that names the file.
 */
public final class PrivateFiles {
    private static final String UNFINISHED = ".tmp";

    private final Path directory;

    /** Makes the directory if it is not there. */
    public PrivateFiles(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** Writes a file, or replaces it. */
    public void write(String name, String content) {
        Path file = directory.resolve(name);
        Path fresh = directory.resolve(name + UNFINISHED);
        try {
            Files.deleteIfExists(fresh);
            try (FileChannel channel = FileChannel.open(
                    fresh,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
                ByteBuffer bytes = ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            syncDirectory();
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be written", e);
        }
    }

    private void syncDirectory() throws IOException {
        try (FileChannel parent = FileChannel.open(directory, StandardOpenOption.READ)) {
            parent.force(true);
        }
    }

    /** What a file has; null if there is none. */
    public @Nullable String read(String name) {
        try {
            return Files.readString(directory.resolve(name));
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException(directory.resolve(name) + " cannot be read", e);
        }
    }

    /** Deletes a file, if it is there. */
    public void delete(String name) {
        try {
            if (Files.deleteIfExists(directory.resolve(name))) {
                syncDirectory();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(directory.resolve(name) + " cannot be deleted", e);
        }
    }

    /** The names of the files, in order. */
    public List<String> names() {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.endsWith(UNFINISHED))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(directory + " cannot be listed", e);
        }
    }
}
