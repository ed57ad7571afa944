package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A base backup as {@code pg_basebackup -Ft} makes it: {@code base.tar}, an archive {@code OID.tar} for each tablespace, {@code
 * pg_wal.tar}, each of them compressed or not; or one archive with everything. The archives are read twice: once before
 * anything is sent, to know that they are whole. WAL is unpacked into a temporary directory meanwhile.
 */
final class TarBackup extends BackupFiles {
    private static final String BASE = "base.tar";
    private static final String WAL = "pg_wal.tar";
    private static final String TAR = ".tar";
    private static final int END_OF_ARCHIVE = 1024;
    private static final int SKIP = 1 << 16;

    private final Path base;
    private final Map<Integer, Path> archives = new TreeMap<>(Integer::compareUnsigned);
    private final SortedMap<Integer, String> tablespaces = new TreeMap<>(Integer::compareUnsigned);
    private final Map<String, byte[]> small = new HashMap<>();
    private final UnpackedWal unpacked;
    private long bytes;

    /** Looks at one entry of an archive, and may read its content from it. */
    private interface EntryVisitor {
        void entry(String path, TarArchiveEntry entry, InputStream content) throws IOException;
    }

    /** Counts the zeros at the end of what was read: an archive that was cut off between two files has too few. */
    private static final class ZerosAtEnd extends FilterInputStream {
        private long zeros;

        ZerosAtEnd(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int count = in.read(target, offset, length);
            int last = offset + count - 1;
            while (last >= offset && target[last] == 0) {
                last--;
            }
            if (count > 0) {
                zeros = last < offset ? zeros + count : offset + count - 1 - last;
            }
            return count;
        }

        @Override
        public long skip(long count) throws IOException {
            return read(new byte[(int) Math.min(count, SKIP)]);
        }

        void skipToEnd() throws IOException {
            byte[] scratch = new byte[SKIP];
            int count;
            do {
                count = read(scratch, 0, SKIP);
            } while (count >= 0);
        }
    }

    /** @param path a directory with {@code base.tar}, or an archive with the data directory */
    TarBackup(Path path) throws IOException, AdoptException {
        this.base = Files.isDirectory(path) ? baseIn(path) : path;
        this.unpacked = UnpackedWal.create();
        try {
            scanAll();
        } catch (IOException | AdoptException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private static Path baseIn(Path directory) throws IOException, AdoptException {
        Path found = find(directory, BASE);
        if (found == null) {
            throw new AdoptException(directory + " has no " + BASE);
        }
        return found;
    }

    private static @Nullable Path find(Path directory, String name) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> Compression.strip(String.valueOf(file.getFileName()))
                            .equals(name))
                    .sorted()
                    .findFirst()
                    .orElse(null);
        }
    }

    /** Whether a path is, or holds, what this reads. */
    static boolean isAt(Path path) throws IOException {
        return Files.isDirectory(path)
                ? !Files.exists(path.resolve(DataDirectoryLayout.VERSION_FILE)) && find(path, BASE) != null
                : Compression.strip(String.valueOf(path.getFileName())).endsWith(TAR);
    }

    /** The archive that a path is, or without which it holds nothing, if it is compressed in a way that is not known; else null. */
    static @Nullable Path otherwiseCompressed(Path path) throws IOException {
        if (isAt(path) || Files.exists(path.resolve(DataDirectoryLayout.VERSION_FILE))) {
            return null;
        }
        if (!Files.isDirectory(path)) {
            return String.valueOf(path.getFileName()).matches(".*\\.(tar\\.\\w+|tgz|tbz2?|txz|zip)") ? path : null;
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(file -> String.valueOf(file.getFileName()).matches("base\\.(tar\\.\\w+|tgz)"))
                    .sorted()
                    .findFirst()
                    .orElse(null);
        }
    }

    private void scanAll() throws IOException, AdoptException {
        read(base, this::scan);
        tablespaces.putAll(parseMap(small.get(TABLESPACE_MAP)));
        Path directory = base.toAbsolutePath().getParent();
        if (directory == null) {
            return;
        }
        Path wal = Compression.strip(String.valueOf(base.getFileName())).equals(BASE) ? find(directory, WAL) : null;
        if (wal != null) {
            read(wal, (path, entry, content) -> unpack(path, content));
        }
        for (Map.Entry<Integer, String> tablespace : tablespaces.entrySet()) {
            if (tablespace.getValue().startsWith(DataDirectoryLayout.TABLESPACES + "/")) {
                continue;
            }
            String name = Integer.toUnsignedString(tablespace.getKey()) + TAR;
            Path archive = find(directory, name);
            if (archive == null) {
                throw new AdoptException("the archive " + name + " of tablespace " + tablespace.getValue()
                        + " is not there, beside " + base);
            }
            archives.put(tablespace.getKey(), archive);
            read(archive, (path, entry, content) -> bytes += entry.getSize());
        }
    }

    private static void read(Path archive, EntryVisitor visitor) throws IOException {
        try (ZerosAtEnd in = new ZerosAtEnd(Compression.open(archive));
                TarArchiveInputStream tar = new TarArchiveInputStream(in, StandardCharsets.UTF_8.name())) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (!entry.isDirectory()) {
                    String name = entry.getName();
                    visitor.entry(name.startsWith("./") ? name.substring(2) : name, entry, tar);
                }
            }
            in.skipToEnd();
            if (in.zeros < END_OF_ARCHIVE) {
                throw new IOException("it lacks the end that an archive has, so it is cut off");
            }
        } catch (IOException e) {
            throw new IOException(archive + " cannot be read to its end: " + e.getMessage(), e);
        }
    }

    private void scan(String path, TarArchiveEntry entry, InputStream content) throws IOException {
        String[] parts = path.split("/", 3);
        if (parts.length > 1 && parts[0].equals(DataDirectoryLayout.TABLESPACES)) {
            Integer oid = oid(parts[1]);
            if (oid != null) {
                tablespaces.putIfAbsent(
                        oid,
                        entry.isSymbolicLink() ? entry.getLinkName() : DataDirectoryLayout.tablespaceDirectory(oid));
            }
        }
        if (parts.length == 2 && parts[0].equals(DataDirectoryLayout.WAL)) {
            unpack(parts[1], content);
        } else if (SMALL.contains(path) && entry.getSize() <= MAX_SMALL) {
            small.put(path, content.readAllBytes());
        }
        bytes += Place.of(path) == null ? 0 : entry.getSize();
    }

    private void unpack(String name, InputStream content) throws IOException {
        if (WalArchive.isOfInterest(name)) {
            unpacked.add(name, content);
        }
    }

    @Override
    byte @Nullable [] small(String path) {
        return small.get(path);
    }

    @Override
    @Nullable
    Path wal() {
        return unpacked.isEmpty() ? null : unpacked.directory();
    }

    @Override
    SortedMap<Integer, String> tablespaces() {
        return tablespaces;
    }

    @Override
    long bytes() {
        return bytes;
    }

    @Override
    Path path() {
        return base;
    }

    @Override
    void send(Visitor visitor) throws IOException {
        for (Map.Entry<Integer, Path> archive : archives.entrySet()) {
            read(archive.getValue(), (path, entry, content) -> {
                if (entry.isFile()) {
                    visitor.file(archive.getKey(), path, entry.getSize(), content);
                }
            });
        }
        read(base, (path, entry, content) -> {
            Place place = Place.of(path);
            if (place != null && entry.isFile() && !entry.isSymbolicLink()) {
                visitor.file(place.tablespace(), place.path(), entry.getSize(), content);
            }
        });
    }

    @Override
    public void close() {
        unpacked.close();
    }
}
