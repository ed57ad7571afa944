package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A data directory as it is: what {@code pg_basebackup -Fp} made, or was copied between {@code pg_backup_start} and {@code
 * pg_backup_stop}, or belongs to a server that was stopped. Unlogged relations are left out but for their init forks.
 */
final class PlainBackup extends BackupFiles {
    private static final String INIT = "_init";

    private final Path directory;
    private final SortedMap<Integer, String> tablespaces = new TreeMap<>(Integer::compareUnsigned);
    private final List<Entry> files = new ArrayList<>();
    private final Map<String, byte[]> small = new HashMap<>();
    private long bytes;

    private record Entry(int tablespace, String path, Path file, long size) {}

    /** Looks at all of it; reads little. */
    PlainBackup(Path directory) throws IOException, AdoptException {
        this.directory = directory;
        if (!Files.exists(directory.resolve(DataDirectoryLayout.VERSION_FILE))) {
            throw new AdoptException(
                    directory + " is neither a data directory (it has no PG_VERSION) nor does it hold a base.tar");
        }
        for (String path : SMALL) {
            Path file = directory.resolve(path);
            if (Files.isRegularFile(file) && Files.size(file) <= MAX_SMALL) {
                small.put(path, Files.readAllBytes(file));
            }
        }
        tablespaces.putAll(parseMap(small.get(TABLESPACE_MAP)));
        collect(directory, 0, "");
        links();
    }

    private static List<Path> children(Path directory) throws IOException {
        try (Stream<Path> children = Files.list(directory)) {
            return children.sorted().toList();
        }
    }

    private void collect(Path from, int tablespace, String prefix) throws IOException {
        List<Path> children = children(from);
        Set<String> unlogged = new HashSet<>();
        for (Path child : children) {
            String name = String.valueOf(child.getFileName());
            if (name.endsWith(INIT)) {
                unlogged.add(name.substring(0, name.length() - INIT.length()));
            }
        }
        for (Path child : children) {
            String name = String.valueOf(child.getFileName());
            String path = prefix + name;
            if (name.startsWith("pgsql_tmp") || (!name.endsWith(INIT) && unlogged.contains(relation(name)))) {
                continue;
            }
            if (Files.isDirectory(child)) {
                boolean apart = tablespace == 0 && path.equals(DataDirectoryLayout.TABLESPACES);
                if (!apart && (tablespace != 0 || Place.of(path + "/x") != null)) {
                    collect(child, tablespace, path + "/");
                }
            } else if (Files.isRegularFile(child)) {
                long size = Files.size(child);
                files.add(new Entry(tablespace, path, child, size));
                bytes += size;
            }
        }
    }

    /** The name of a file of a relation without fork and segment. */
    private static String relation(String name) {
        int end = 0;
        while (end < name.length() && Character.isDigit(name.charAt(end))) {
            end++;
        }
        return name.substring(0, end);
    }

    private void links() throws IOException, AdoptException {
        Path links = directory.resolve(DataDirectoryLayout.TABLESPACES);
        Map<Integer, Path> found = new TreeMap<>(Integer::compareUnsigned);
        for (Path link : Files.isDirectory(links) ? children(links) : List.<Path>of()) {
            Integer oid = oid(String.valueOf(link.getFileName()));
            if (oid == null) {
                continue;
            }
            if (Files.isSymbolicLink(link)) {
                tablespaces.put(oid, Files.readSymbolicLink(link).toString());
            } else if (Files.isDirectory(link, LinkOption.NOFOLLOW_LINKS)) {
                tablespaces.putIfAbsent(oid, DataDirectoryLayout.tablespaceDirectory(oid));
            }
            found.put(oid, link);
        }
        for (Map.Entry<Integer, String> tablespace : tablespaces.entrySet()) {
            Path at = found.getOrDefault(tablespace.getKey(), Path.of(tablespace.getValue()));
            if (!Files.isDirectory(at)) {
                throw new AdoptException("tablespace " + Integer.toUnsignedString(tablespace.getKey())
                        + " of the backup is to be in " + tablespace.getValue() + ", which is not there");
            }
            for (Path version : children(at)) {
                if (String.valueOf(version.getFileName()).startsWith("PG_")) {
                    collect(version, tablespace.getKey(), version.getFileName() + "/");
                }
            }
        }
    }

    @Override
    byte @Nullable [] small(String path) {
        return small.get(path);
    }

    @Override
    @Nullable
    Path wal() {
        Path wal = directory.resolve(DataDirectoryLayout.WAL);
        return Files.isDirectory(wal) ? wal : null;
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
        return directory;
    }

    @Override
    void send(Visitor visitor) throws IOException {
        for (Entry entry : files) {
            try (InputStream in = Files.newInputStream(entry.file)) {
                visitor.file(entry.tablespace, entry.path, entry.size, in);
            }
        }
    }
}
