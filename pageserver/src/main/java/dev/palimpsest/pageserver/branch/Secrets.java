package dev.palimpsest.pageserver.branch;

import dev.palimpsest.storage.TimelineId;
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
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Connection strings with a password in them: each in a file of its own that only the server's user may read, named by the
 * timeline. What is kept with the branch, and may go to object storage, has none.
 */
final class Secrets {
    private static final Pattern KEYWORD = Pattern.compile("\\bpassword\\s*=\\s*('(?:[^'\\\\]|\\\\.)*'|\\S+)\\s*");
    private static final Pattern USER_PART = Pattern.compile("(?<=://)([^:@/?]*):[^@/]*@");
    private static final Pattern PARAMETER = Pattern.compile("(?<=[?&])password=[^&]*&?");

    private final Path directory;

    Secrets(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** A connection string without its password. */
    static String redact(String connection) {
        String text = connection.strip();
        if (text.startsWith("postgres://") || text.startsWith("postgresql://")) {
            text = USER_PART.matcher(text).replaceFirst("$1@");
            return PARAMETER.matcher(text).replaceAll("");
        }
        return KEYWORD.matcher(text).replaceAll("").strip();
    }

    /** What may be kept with the branch. If there is a password, it is kept here; durable on return. */
    BranchRecord keep(TimelineId timeline, String connection, BranchRecord record) {
        BranchRecord.Source source = record.source();
        String redacted = redact(connection);
        if (source == null || redacted.equals(connection.strip())) {
            return record;
        }
        write(timeline, connection);
        return record.following(new BranchRecord.Source(
                redacted, source.slot(), source.systemIdentifier(), source.start(), source.endpoint()));
    }

    private void write(TimelineId timeline, String connection) {
        Path file = directory.resolve(timeline.toString());
        Path fresh = directory.resolve(timeline + ".tmp");
        try {
            Files.deleteIfExists(fresh);
            try (FileChannel channel = FileChannel.open(
                    fresh,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
                ByteBuffer bytes = ByteBuffer.wrap(connection.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel parent = FileChannel.open(directory, StandardOpenOption.READ)) {
                parent.force(true);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the password for timeline " + timeline + " cannot be kept in " + file, e);
        }
    }

    /** The connection string, with the password if there is one. */
    String complete(TimelineId timeline, String redacted) {
        try {
            return Files.readString(directory.resolve(timeline.toString()));
        } catch (NoSuchFileException e) {
            return redacted;
        } catch (IOException e) {
            throw new UncheckedIOException("the password for timeline " + timeline + " cannot be read", e);
        }
    }

    void forget(TimelineId timeline) {
        try {
            Files.deleteIfExists(directory.resolve(timeline.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException("the password for timeline " + timeline + " cannot be deleted", e);
        }
    }
}
