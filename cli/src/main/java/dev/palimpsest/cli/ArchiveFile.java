package dev.palimpsest.cli;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.GZIPOutputStream;

/** Writes a tar archive as it comes, compressed or not, to a file that is durable afterwards or absent, or to the standard output. */
final class ArchiveFile {
    private static final int BUFFER = 1 << 18;

    /** How it is compressed. */
    enum Packing {
        PLAIN,
        GZIP,
        ZSTD
    }

    private final Packing packing;
    private final RestoreDisplay display;
    private long bytes;

    ArchiveFile(Packing packing, RestoreDisplay display) {
        this.packing = packing;
        this.display = display;
    }

    /** How many bytes the archive has, before it is compressed. */
    long bytes() {
        return bytes;
    }

    /** Writes it to a file that is not there yet. */
    void toFile(InputStream archive, Path file) throws IOException, ServerFailure {
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw new ServerFailure(file + " is there already", e);
        }
        boolean whole = false;
        try (channel) {
            copy(archive, Channels.newOutputStream(channel));
            display.syncing();
            channel.force(true);
            whole = true;
        } finally {
            if (!whole) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Writes it to the standard output, which stays open. */
    void toStandardOutput(InputStream archive) throws IOException {
        copy(archive, new FileOutputStream(FileDescriptor.out));
    }

    /** If the archive breaks off, what is written has no proper end. The stream below is left open. */
    private void copy(InputStream archive, OutputStream target) throws IOException {
        OutputStream buffered = new BufferedOutputStream(new LeftOpen(target), BUFFER);
        OutputStream out = switch (packing) {
            case PLAIN -> buffered;
            case GZIP -> new GZIPOutputStream(buffered, BUFFER);
            case ZSTD -> new ZstdOutputStream(buffered);
        };
        byte[] buffer = new byte[BUFFER];
        int read = archive.read(buffer);
        while (read >= 0) {
            out.write(buffer, 0, read);
            bytes += read;
            display.show(bytes);
            read = archive.read(buffer);
        }
        out.close();
    }

    /** Closing ends what is above it, and not the stream below. */
    private static final class LeftOpen extends FilterOutputStream {
        LeftOpen(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, length);
        }

        @Override
        public void close() throws IOException {
            out.flush();
        }
    }
}
