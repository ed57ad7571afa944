package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The data directory of a server that was shut down, as a cluster at the end of its last checkpoint. */
class OfflineCluster implements ClusterAt {
    private static final int PAGE = 8192;
    private static final Pattern RELATION = Pattern.compile("([0-9]+)(_fsm|_vm|_init)?(?:\\.([0-9]+))?");

    private final Path directory;
    private final ControlFile control;

    OfflineCluster(Path directory) throws Exception {
        this.directory = directory;
        this.control = ControlFile.parse(Files.readAllBytes(directory.resolve(ControlFile.PATH)));
    }

    ControlFile control() {
        return control;
    }

    @Override
    public PostgresVersion version() {
        return control.version();
    }

    /** 114 bytes, padded to 8, and a page header in between if they don't fit the page. */
    @Override
    public Lsn lsn() {
        long start = control.checkPointLocation().value();
        long nextPage = (start & -PAGE) + PAGE;
        if (start + 114 <= nextPage) {
            return new Lsn(start + 120);
        }
        int header = nextPage % control.walSegmentSize() == 0 ? 40 : 24;
        return new Lsn(nextPage + header + (114 - (nextPage - start) + 7 & -8));
    }

    @Override
    public byte[] controlFile() {
        return control.encode();
    }

    @Override
    public CheckPoint checkPoint() {
        return control.checkPoint();
    }

    @Override
    public List<Database> databases() throws StorageException {
        List<Database> databases = new ArrayList<>();
        databases.add(new Database(1664, 0, true));
        addDatabases(databases, 1663, directory.resolve("base"));
        for (int oid : tablespaces().keySet()) {
            Path tablespace = directory
                    .resolve(DataDirectoryLayout.tablespaceDirectory(oid))
                    .resolve(DataDirectoryLayout.tablespaceVersionDirectory(version()));
            addDatabases(databases, oid, tablespace);
        }
        return databases;
    }

    private static void addDatabases(List<Database> databases, int spcNode, Path in) throws StorageException {
        for (Path database : list(in)) {
            String name = database.getFileName().toString();
            if (name.matches("[0-9]+")) {
                databases.add(new Database(
                        spcNode,
                        Integer.parseUnsignedInt(name),
                        Files.exists(database.resolve(DataDirectoryLayout.RELATION_MAP))));
            }
        }
    }

    private static List<Path> list(Path in) throws StorageException {
        try (Stream<Path> entries = Files.list(in)) {
            return entries.sorted().toList();
        } catch (IOException e) {
            throw failure(in, e);
        }
    }

    private static DiskException failure(Path path, IOException e) {
        return new DiskException(DiskException.Kind.FATAL, "read", path.toString(), -1, -1, e.toString(), e);
    }

    private static byte[] bytes(Path path) throws StorageException {
        try {
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw failure(path, e);
        }
    }

    private static long size(Path path) throws StorageException {
        try {
            return Files.size(path);
        } catch (IOException e) {
            throw failure(path, e);
        }
    }

    private Path databaseDirectory(int spcNode, int dbNode) {
        return directory.resolve(DataDirectoryLayout.databaseDirectory(version(), spcNode, dbNode));
    }

    @Override
    public byte[] relationMap(int spcNode, int dbNode) throws StorageException {
        return bytes(databaseDirectory(spcNode, dbNode).resolve(DataDirectoryLayout.RELATION_MAP));
    }

    @Override
    public List<Relation> relations(int spcNode, int dbNode) throws StorageException {
        TreeMap<RelTag, Long> sizes = new TreeMap<>();
        for (Path file : list(databaseDirectory(spcNode, dbNode))) {
            Matcher name = RELATION.matcher(file.getFileName().toString());
            if (name.matches()) {
                int fork = 0;
                while (name.group(2) != null && !ForkNumber.of(fork).suffix().equals(name.group(2))) {
                    fork++;
                }
                RelTag tag = new RelTag(spcNode, dbNode, Integer.parseUnsignedInt(name.group(1)), fork);
                sizes.merge(tag, size(file), Long::sum);
            }
        }
        List<Relation> relations = new ArrayList<>();
        sizes.forEach((tag, size) -> relations.add(new Relation(tag, (int) (size / PAGE))));
        return relations;
    }

    /** With checksums that are wrong. */
    @Override
    public void readBlocks(List<Blocks> pieces, byte[] target) throws StorageException {
        int offset = 0;
        for (Blocks piece : pieces) {
            if (piece.count() > 0) {
                readBlocks(piece.relation(), piece.first(), piece.count(), target, offset);
            }
            offset += piece.count() * PAGE;
        }
    }

    private void readBlocks(RelTag relation, int firstBlock, int count, byte[] target, int offset)
            throws StorageException {
        Path first = databaseDirectory(relation.spcNode(), relation.dbNode())
                .resolve(Integer.toUnsignedString(relation.relNode())
                        + ForkNumber.of(relation.forkNumber()).suffix());
        try (FileChannel channel = FileChannel.open(first, StandardOpenOption.READ)) {
            ByteBuffer buffer = ByteBuffer.wrap(target, offset, count * PAGE);
            while (buffer.hasRemaining()) {
                long position = (long) firstBlock * PAGE + buffer.position() - offset;
                if (channel.read(buffer, position) < 0) {
                    throw new CorruptionException(first.toString(), position, "the file ends here");
                }
            }
        } catch (IOException e) {
            throw failure(first, e);
        }
        for (int i = 0; i < count; i++) {
            LittleEndian.putU16(target, offset + i * PAGE + 8, 0xBEEF);
        }
    }

    @Override
    public List<SlruSegment> slruSegments(SlruKind kind) throws StorageException {
        List<SlruSegment> segments = new ArrayList<>();
        for (Path file : list(directory.resolve(kind.directory()))) {
            segments.add(
                    new SlruSegment(Integer.parseInt(file.getFileName().toString(), 16), (int) (size(file) / PAGE)));
        }
        return segments;
    }

    @Override
    public byte[] readSlruSegment(SlruKind kind, SlruSegment segment) throws StorageException {
        return bytes(directory.resolve(kind.directory()).resolve(String.format("%04X", segment.number())));
    }

    @Override
    public SortedMap<Long, byte[]> preparedTransactions() throws StorageException {
        TreeMap<Long, byte[]> prepared = new TreeMap<>();
        for (Path file : list(directory.resolve("pg_twophase"))) {
            byte[] content = bytes(file);
            prepared.put(
                    Long.parseUnsignedLong(file.getFileName().toString(), 16),
                    Arrays.copyOf(content, content.length - 4));
        }
        return prepared;
    }

    @Override
    public SortedMap<Integer, Lsn> replicationOrigins() throws StorageException {
        TreeMap<Integer, Lsn> origins = new TreeMap<>();
        Path file = directory.resolve("pg_logical/replorigin_checkpoint");
        if (Files.exists(file)) {
            byte[] content = bytes(file);
            for (int at = 4; at + 16 <= content.length - 4; at += 16) {
                origins.put(LittleEndian.u16(content, at), new Lsn(LittleEndian.i64(content, at + 8)));
            }
        }
        return origins;
    }

    @Override
    public SortedMap<Integer, String> tablespaces() throws StorageException {
        TreeMap<Integer, String> tablespaces = new TreeMap<>();
        for (Path link : list(directory.resolve("pg_tblspc"))) {
            try {
                tablespaces.put(
                        Integer.parseUnsignedInt(link.getFileName().toString()),
                        Files.isSymbolicLink(link)
                                ? Files.readSymbolicLink(link).toString()
                                : link.toString());
            } catch (IOException e) {
                throw failure(link, e);
            }
        }
        return tablespaces;
    }

    @Override
    public SortedMap<String, byte[]> files() throws StorageException {
        TreeMap<String, byte[]> files = new TreeMap<>();
        for (Path file : list(directory)) {
            if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                files.put(file.getFileName().toString(), bytes(file));
            }
        }
        for (Path file : list(directory.resolve("pg_wal"))) {
            if (file.toString().endsWith(".history")) {
                files.put("pg_wal/" + file.getFileName(), bytes(file));
            }
        }
        return files;
    }
}
