package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;

/**
 * A data directory as the tar archives that {@code pg_basebackup -Ft} writes: {@code OID.tar} for each tablespace that lies
 * elsewhere, with paths from {@code PG_17_202406281} on, then {@code base.tar} with everything else and the links to the
 * tablespaces. Files have mode 0600, directories 0700, and belong to user and group {@code postgres}, if there are such, else 0.
 *
 * <p>{@link #likeNeons} is the other kind: one archive, directories of mode 0755 without a slash at their end, owners by number
 * only.
 *
 * <p>An archive that was not finished lacks the zeros at its end, so that tar notices.
 */
public final class TarSink implements DataDirectorySink {
    /** Where the archives go. */
    @FunctionalInterface
    public interface Archives {
        /**
         * The stream of an archive; the one before has been closed.
         *
         * @param name such as {@code base.tar}
         */
        OutputStream open(String name) throws IOException;
    }

    private static final String BASE = "base.tar";
    private static final int LINK_MODE = 0120777;
    private static final String OWNER = "postgres";
    private static final byte[] ZEROS = new byte[1 << 16];

    private final Archives archives;
    private final Instant modified;
    private final Style style;
    private final SortedMap<Integer, String> tablespaces = new TreeMap<>(Integer::compareUnsigned);
    private final Set<String> finished = new HashSet<>();
    private String archive = "";
    private @Nullable OutputStream stream;
    private @Nullable TarArchiveOutputStream tar;

    /** What headers of entries look like. */
    private enum Style {
        PG_BASEBACKUP(0100600, 040700, "/", OWNER),
        NEON(0600, 0755, "", "");

        private final int fileMode;
        private final int directoryMode;
        private final String directorySuffix;
        private final String owner;

        Style(int fileMode, int directoryMode, String directorySuffix, String owner) {
            this.fileMode = fileMode;
            this.directoryMode = directoryMode;
            this.directorySuffix = directorySuffix;
            this.owner = owner;
        }
    }

    /** @param modified the time of last modification that every entry gets */
    public TarSink(Archives archives, Instant modified) {
        this(archives, modified, Style.PG_BASEBACKUP);
    }

    private TarSink(Archives archives, Instant modified, Style style) {
        this.archives = archives;
        this.modified = modified;
        this.style = style;
    }

    /** An archive as Neon's pageserver sends it; closed with the sink. Takes no tablespaces elsewhere. */
    public static TarSink likeNeons(OutputStream archive, Instant modified) {
        return new TarSink(_ -> archive, modified, Style.NEON);
    }

    @Override
    public void tablespace(int oid, String location) {
        tablespaces.put(oid, location);
    }

    @Override
    public void directory(String path) throws StorageException {
        add(path, entry(path + style.directorySuffix, TarConstants.LF_DIR, style.directoryMode));
        if (path.equals(DataDirectoryLayout.TABLESPACES)) {
            for (Map.Entry<Integer, String> tablespace : tablespaces.entrySet()) {
                String link = DataDirectoryLayout.tablespaceDirectory(tablespace.getKey());
                TarArchiveEntry symbolic = entry(link, TarConstants.LF_SYMLINK, LINK_MODE);
                symbolic.setLinkName(tablespace.getValue());
                add(path, symbolic);
            }
        }
    }

    private void add(String path, TarArchiveEntry entry) throws StorageException {
        try {
            TarArchiveOutputStream open = archiveFor(path);
            open.putArchiveEntry(entry);
            open.closeArchiveEntry();
        } catch (IOException e) {
            throw failure(path, e);
        }
    }

    private TarArchiveEntry entry(String path, byte type, int mode) {
        TarArchiveEntry entry = new TarArchiveEntry(withinArchive(path), type);
        entry.setMode(mode);
        entry.setIds(0, 0);
        entry.setNames(style.owner, style.owner);
        entry.setModTime(modified.toEpochMilli());
        return entry;
    }

    /** The OID of the tablespace elsewhere in which {@code path} lies; null for the data directory itself. */
    private @Nullable Integer tablespaceOf(String path) {
        String[] parts = path.split("/", 3);
        if (parts.length < 3 || !parts[0].equals(DataDirectoryLayout.TABLESPACES)) {
            return null;
        }
        int oid = Integer.parseUnsignedInt(parts[1]);
        return tablespaces.containsKey(oid) ? oid : null;
    }

    private String withinArchive(String path) {
        return tablespaceOf(path) == null ? path : path.split("/", 3)[2];
    }

    private TarArchiveOutputStream archiveFor(String path) throws IOException {
        Integer oid = tablespaceOf(path);
        String name = oid == null ? BASE : Integer.toUnsignedString(oid) + ".tar";
        if (tar != null && name.equals(archive)) {
            return tar;
        }
        if (!finished.add(name)) {
            throw new IllegalStateException(path + " comes after " + name + " was finished");
        }
        finish();
        archive = name;
        stream = archives.open(name);
        tar = new TarArchiveOutputStream(stream, StandardCharsets.UTF_8.name());
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        return tar;
    }

    private void finish() throws IOException {
        if (tar != null) {
            TarArchiveOutputStream open = tar;
            tar = null;
            stream = null;
            open.close();
        }
    }

    @Override
    public void startFile(String path, long size) throws StorageException {
        TarArchiveEntry entry = entry(path, TarConstants.LF_NORMAL, style.fileMode);
        entry.setSize(size);
        try {
            archiveFor(path).putArchiveEntry(entry);
        } catch (IOException e) {
            throw failure(path, e);
        }
    }

    private TarArchiveOutputStream open() {
        if (tar == null) {
            throw new IllegalStateException("no file was begun");
        }
        return tar;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws StorageException {
        try {
            open().write(bytes, offset, length);
        } catch (IOException e) {
            throw failure("", e);
        }
    }

    @Override
    public void zeros(long count) throws StorageException {
        for (long left = count; left > 0; left -= ZEROS.length) {
            write(ZEROS, 0, (int) Math.min(left, ZEROS.length));
        }
    }

    @Override
    public void endFile() throws StorageException {
        try {
            open().closeArchiveEntry();
        } catch (IOException e) {
            throw failure("", e);
        }
    }

    @Override
    public void complete() throws StorageException {
        try {
            finish();
        } catch (IOException e) {
            throw failure("", e);
        }
    }

    /** Closes the stream underneath, not the archive: that would end it properly. */
    @Override
    public void close() throws StorageException {
        if (stream != null) {
            OutputStream open = stream;
            tar = null;
            stream = null;
            try {
                open.close();
            } catch (IOException e) {
                throw failure("", e);
            }
        }
    }

    private DiskException failure(String path, IOException cause) {
        String file = path.isEmpty() ? archive : archive + " (" + path + ")";
        return new DiskException(
                DiskException.Kind.FATAL, "write", file, -1, -1, String.valueOf(cause.getMessage()), cause);
    }
}
