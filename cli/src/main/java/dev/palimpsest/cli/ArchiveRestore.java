package dev.palimpsest.cli;

import dev.palimpsest.pageserver.datadir.DataDirectorySink;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** Writes the data directory that comes as a tar archive. Nothing counts unless the archive came to its end. */
final class ArchiveRestore {
    private static final int BUFFER = 1 << 18;

    private final InputStream archive;
    private final DataDirectorySink sink;
    private final byte[] buffer = new byte[BUFFER];
    private final RestoreDisplay display;
    private long files;
    private long bytes;
    private String last = "";

    ArchiveRestore(InputStream archive, DataDirectorySink sink, RestoreDisplay display) {
        this.archive = archive;
        this.sink = sink;
        this.display = display;
    }

    /** Reads all of the archive, and completes the sink. */
    void run() throws IOException, StorageException, ServerFailure {
        TarArchiveInputStream tar = new TarArchiveInputStream(archive, StandardCharsets.UTF_8.name());
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            String path = path(entry);
            if (entry.isDirectory()) {
                sink.directory(path);
            } else if (entry.isFile() && !entry.isSymbolicLink() && !entry.isLink()) {
                file(tar, path, entry.getSize());
            } else {
                throw new ServerFailure(
                        "the archive has '" + entry.getName() + "', which is neither file nor directory");
            }
            last = path;
        }
        if (!last.equals(DataDirectoryLayout.CONTROL_FILE)) {
            throw new ServerFailure("the archive ended early, after '" + last + "': see the server's log");
        }
        display.syncing();
        sink.complete();
    }

    private static String path(TarArchiveEntry entry) throws ServerFailure {
        String name = entry.getName();
        String path = name.endsWith("/") ? name.substring(0, name.length() - 1) : name;
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                throw new ServerFailure("the archive has '" + name + "', which is not within a data directory");
            }
        }
        return path;
    }

    private void file(TarArchiveInputStream tar, String path, long size) throws IOException, StorageException {
        sink.startFile(path, size);
        long left = size;
        while (left > 0) {
            int read = tar.read(buffer, 0, (int) Math.min(left, buffer.length));
            if (read < 0) {
                throw new IOException("the archive ended within '" + path + "'");
            }
            sink.write(buffer, 0, read);
            left -= read;
            bytes += read;
            display.show(bytes);
        }
        sink.endFile();
        files++;
    }

    long files() {
        return files;
    }

    long bytes() {
        return bytes;
    }
}
