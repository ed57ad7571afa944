package dev.palimpsest.pageserver.relation;

import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Compares every page of a data directory that no server runs on with what a timeline has at the LSN where that server
 * stopped. What the two may differ in, see {@link PageComparison}; besides, the server may have blocks of zeros at the end of
 * a relation that no record speaks of, and files of relations that a crash left over.
 */
public final class DirectoryComparison {
    private static final int PAGE = 8192;
    private static final int SEGMENT_BLOCKS = 131072;
    private static final int AT_ONCE = 64;
    private static final int PG_DEFAULT = 1663;
    private static final int PG_GLOBAL = 1664;
    private static final int MAX_DIFFERENCES = 1000;
    private static final int SHOWN = 16;
    private static final Pattern RELATION = Pattern.compile("(\\d+)(?:_(fsm|vm|init))?(?:\\.(\\d+))?");

    private final Path directory;
    private final ClusterReader reader;
    private final PageComparison pages;
    private final List<String> differences = new ArrayList<>();
    private long compared;
    private long relationCount;

    private DirectoryComparison(Path directory, PageComparison.Server server, ClusterReader reader) {
        this.directory = directory;
        this.pages = new PageComparison(server);
        this.reader = reader;
    }

    /**
     * What came out.
     *
     * @param relations how many forks were compared
     * @param pages how many pages
     * @param differences each in a line; at most 1000
     */
    public record Result(long relations, long pages, List<String> differences) {}

    /** Compares the directory, of a server of this kind. */
    public static Result compare(Path directory, PageComparison.Server server, ClusterReader reader)
            throws IOException, StorageException {
        DirectoryComparison comparison = new DirectoryComparison(directory, server, reader);
        comparison.run();
        return new Result(comparison.relationCount, comparison.compared, List.copyOf(comparison.differences));
    }

    private void run() throws IOException, StorageException {
        SortedMap<DatabaseId, Path> found = databases();
        Set<DatabaseId> ours = new HashSet<>(reader.databases().keySet());
        for (Map.Entry<DatabaseId, Path> database : found.entrySet()) {
            if (ours.remove(database.getKey())) {
                database(database.getKey(), database.getValue());
            } else if (!isEmpty(database.getValue())) {
                differ("database " + database.getKey() + " is only on the server");
            }
        }
        for (DatabaseId database : ours) {
            if (!reader.relations(database).isEmpty()) {
                differ("database " + database + " is not on the server");
            }
        }
        for (SlruKind kind : SlruKind.values()) {
            slru(kind);
        }
    }

    private static boolean isEmpty(Path database) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(database)) {
            for (Path file : files) {
                if (RELATION.matcher(file.getFileName().toString()).matches()) {
                    return false;
                }
            }
        }
        return true;
    }

    private void differ(String difference) {
        if (differences.size() < MAX_DIFFERENCES) {
            differences.add(difference);
        }
    }

    private SortedMap<DatabaseId, Path> databases() throws IOException {
        SortedMap<DatabaseId, Path> databases = new TreeMap<>();
        databases.put(new DatabaseId(PG_GLOBAL, 0), directory.resolve("global"));
        addDatabases(PG_DEFAULT, directory.resolve("base"), databases);
        Path tablespaces = directory.resolve("pg_tblspc");
        if (Files.isDirectory(tablespaces)) {
            try (DirectoryStream<Path> links = Files.newDirectoryStream(tablespaces)) {
                for (Path link : links) {
                    int oid = Integer.parseUnsignedInt(link.getFileName().toString());
                    try (DirectoryStream<Path> versions = Files.newDirectoryStream(link, "PG_*")) {
                        for (Path version : versions) {
                            addDatabases(oid, version, databases);
                        }
                    }
                }
            }
        }
        return databases;
    }

    private static void addDatabases(int tablespace, Path parent, SortedMap<DatabaseId, Path> databases)
            throws IOException {
        try (DirectoryStream<Path> children = Files.newDirectoryStream(parent)) {
            for (Path child : children) {
                String name = child.getFileName().toString();
                if (name.chars().allMatch(Character::isDigit)) {
                    databases.put(new DatabaseId(tablespace, Integer.parseUnsignedInt(name)), child);
                }
            }
        }
    }

    private void database(DatabaseId database, Path where) throws IOException, StorageException {
        SortedMap<RelTag, SortedMap<Integer, Path>> files = new TreeMap<>();
        try (DirectoryStream<Path> children = Files.newDirectoryStream(where)) {
            for (Path child : children) {
                Matcher name = RELATION.matcher(child.getFileName().toString());
                if (name.matches()) {
                    RelTag fork = new RelTag(
                            database.spcNode(),
                            database.dbNode(),
                            Integer.parseUnsignedInt(name.group(1)),
                            forkNumber(name.group(2)));
                    int segment = name.group(3) == null ? 0 : Integer.parseInt(name.group(3));
                    files.computeIfAbsent(fork, _ -> new TreeMap<>()).put(segment, child);
                }
            }
        }
        SortedMap<RelTag, Integer> ours = reader.relations(database);
        for (Map.Entry<RelTag, SortedMap<Integer, Path>> fork : files.entrySet()) {
            RelTag tag = fork.getKey();
            if (tag.forkNumber() == RelTag.FREE_SPACE_MAP || isUnlogged(tag, files.keySet())) {
                continue;
            }
            relation(tag, fork.getValue(), ours.get(tag));
        }
        for (RelTag tag : ours.keySet()) {
            if (!files.containsKey(tag) && tag.forkNumber() == RelTag.MAIN) {
                differ("relation " + tag + " is not on the server");
            }
        }
        mapOf(database, where);
    }

    private void mapOf(DatabaseId database, Path where) throws IOException, StorageException {
        Path map = where.resolve("pg_filenode.map");
        if (Files.exists(map) && !Arrays.equals(Files.readAllBytes(map), reader.relationMap(database))) {
            differ("the relation map of database " + database + " differs");
        }
    }

    private static int forkNumber(@Nullable String suffix) {
        return switch (suffix) {
            case "fsm" -> RelTag.FREE_SPACE_MAP;
            case "vm" -> RelTag.VISIBILITY_MAP;
            case "init" -> RelTag.INIT;
            case null, default -> RelTag.MAIN;
        };
    }

    /** Of an unlogged relation only the init fork is in the WAL. */
    private static boolean isUnlogged(RelTag fork, Set<RelTag> all) {
        return fork.forkNumber() != RelTag.INIT
                && all.contains(new RelTag(fork.spcNode(), fork.dbNode(), fork.relNode(), RelTag.INIT));
    }

    private void relation(RelTag fork, SortedMap<Integer, Path> segments, @Nullable Integer length)
            throws IOException, StorageException {
        relationCount++;
        long ours = length == null ? 0 : Integer.toUnsignedLong(length);
        long theirs = 0;
        for (Map.Entry<Integer, Path> segment : segments.entrySet()) {
            long first = (long) segment.getKey() * SEGMENT_BLOCKS;
            long blocks = Files.size(segment.getValue()) / PAGE;
            theirs = first + blocks;
            segment(fork, first, blocks, segment.getValue(), ours, length != null);
        }
        if (ours > theirs) {
            differ("relation " + fork + " has " + theirs + " blocks on the server, here " + ours);
        }
    }

    private void segment(RelTag fork, long first, long blocks, Path file, long ours, boolean exists)
            throws IOException, StorageException {
        byte[] expected = new byte[AT_ONCE * PAGE];
        byte[] actual = new byte[AT_ONCE * PAGE];
        byte[] left = new byte[PAGE];
        byte[] right = new byte[PAGE];
        try (InputStream in = Files.newInputStream(file)) {
            for (long done = 0; done < blocks; done += AT_ONCE) {
                int count = (int) Math.min(AT_ONCE, blocks - done);
                in.readNBytes(expected, 0, count * PAGE);
                Arrays.fill(actual, (byte) 0);
                int here = (int) Math.max(0, Math.min(count, ours - first - done));
                if (here > 0) {
                    reader.blocks(fork, (int) (first + done), here, actual, 0);
                }
                for (int i = 0; i < count; i++) {
                    System.arraycopy(expected, i * PAGE, left, 0, PAGE);
                    System.arraycopy(actual, i * PAGE, right, 0, PAGE);
                    page(fork, (int) (first + done + i), left, right, i < here, exists);
                }
            }
        }
    }

    private void page(RelTag fork, int block, byte[] expected, byte[] actual, boolean here, boolean exists) {
        compared++;
        ForkNumber number = ForkNumber.of(fork.forkNumber());
        // A page of the visibility map without a bit set is the same as none.
        String difference = pages.compare(expected, actual, number, block);
        if (difference != null) {
            differ(fork + " block " + Integer.toUnsignedString(block) + ": "
                    + (here ? difference : exists ? "is not here; " + difference : "the fork is not here"));
        }
    }

    private void slru(SlruKind kind) throws IOException, StorageException {
        Path parent = directory.resolve(kind.directory());
        Map<Integer, Integer> ours = reader.slruSegments(kind);
        Set<String> names = new HashSet<>();
        for (Map.Entry<Integer, Integer> segment : ours.entrySet()) {
            String name = dev.palimpsest.postgres.slru.SlruKind.segmentName(segment.getKey());
            names.add(name);
            Path file = parent.resolve(name);
            if (!Files.exists(file)) {
                differ(kind.directory() + " has no segment " + name + " on the server");
                continue;
            }
            byte[] expected = Files.readAllBytes(file);
            byte[] actual = reader.slruSegment(kind, segment.getKey(), segment.getValue());
            int length = Math.max(expected.length, actual.length);
            int at = Arrays.mismatch(Arrays.copyOf(expected, length), Arrays.copyOf(actual, length));
            if (at >= 0) {
                differ(kind.directory() + "/" + name + " differs from byte " + at + " on; the server has "
                        + from(expected, at) + ", we have " + from(actual, at));
            }
        }
        if (Files.isDirectory(parent)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(parent)) {
                for (Path file : files) {
                    if (!names.contains(file.getFileName().toString()) && Files.isRegularFile(file)) {
                        differ(kind.directory() + "/" + file.getFileName() + " is only on the server");
                    }
                }
            }
        }
    }

    private static String from(byte[] bytes, int at) {
        return at < bytes.length
                ? HexFormat.ofDelimiter(" ").formatHex(bytes, at, Math.min(bytes.length, at + SHOWN))
                : "no more";
    }
}
