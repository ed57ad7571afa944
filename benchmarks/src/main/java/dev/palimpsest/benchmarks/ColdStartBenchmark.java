package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.remote.RemotePaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * How long it takes a server with an empty disk from its start to the first page, when its history is in an object store and
 * has many layers. The history is a small one that was attached, in a directory of objects, to which layers are added that nobody
 * reads: their names in the index part, and empty objects.
 */
public final class ColdStartBenchmark {
    private static final String BRANCH = "main";
    private static final int COLUMNS = 1000;
    private static final int PAGES_PER_COLUMN = 16;
    /** A relation that no PostgreSQL has by then. */
    private static final int RELATION = 0x7f00_0000;

    /**
     * What is measured.
     *
     * @param layers how many there are to be, at each measurement more than at the one before
     * @param starts from an empty disk, for each of them
     * @param version of PostgreSQL
     * @param directory for everything; what is made there is deleted at the end
     */
    public record Parameters(List<Integer> layers, int starts, PostgresVersion version, Path directory) {}

    /**
     * What came out.
     *
     * @param layers how many there were
     * @param indexBytes the size of the index part
     * @param ready seconds from the start of the process until it takes requests
     * @param firstPage seconds from the start of the process to the first page of the branch
     * @param cpuSeconds of the process until then
     * @param peakMemory of the process until then, in bytes
     */
    public record Result(
            int layers, long indexBytes, double ready, double firstPage, double cpuSeconds, long peakMemory) {}

    private ColdStartBenchmark() {}

    /** Measures, and gives each result to {@code out} when it is known. */
    public static void run(Parameters parameters, Consumer<Result> out)
            throws IOException, SQLException, StorageException {
        Path root = Files.createTempDirectory(parameters.directory().toAbsolutePath(), "cold-start");
        try (PrivatePostgres primary = PrivatePostgres.start(
                parameters.version(), root.resolve("primary"), root.resolve("postgresql"), "autovacuum = off")) {
            Path objects = root.resolve("objects");
            try (ServerProcess server = ServerProcess.start(root.resolve("first"), primary.programs(), objects)) {
                server.attach(BRANCH, primary);
                server.flush(BRANCH);
            }
            String relation = relation(primary);
            int life = 0;
            for (int layers : parameters.layers()) {
                fill(objects, layers);
                for (int i = 0; i < parameters.starts(); i++) {
                    Path empty = root.resolve("life" + life++);
                    long indexBytes = Files.size(newestIndexPart(objects));
                    out.accept(start(empty, primary.programs(), objects, relation, layers, indexBytes));
                }
            }
        } finally {
            DirectoryTree.delete(root);
        }
    }

    private static Result start(Path empty, Path programs, Path objects, String relation, int layers, long indexBytes)
            throws IOException {
        long start = System.nanoTime();
        try (ServerProcess server = ServerProcess.start(empty, programs, objects)) {
            double ready = Live.seconds(start);
            server.read(BRANCH, relation, 1, 1);
            double page = Live.seconds(start);
            return new Result(layers, indexBytes, ready, page, server.cpuSeconds(), server.peakMemory());
        }
    }

    private static String relation(PrivatePostgres primary) throws SQLException {
        try (Connection connection = Live.connect(primary);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_relation_filepath('pg_class')")) {
            row.next();
            return row.getString(1);
        }
    }

    private static Path newestIndexPart(Path objects) throws IOException {
        try (Stream<Path> files = Files.walk(objects)) {
            return files.filter(
                            file -> RemotePaths.indexPartGeneration(name(file)).isPresent())
                    .max(Comparator.comparing(
                            file -> RemotePaths.indexPartGeneration(name(file)).orElseThrow()))
                    .orElseThrow(() -> new IOException("there is no index part in " + objects));
        }
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    /** Adds layers to the index part in force until there are so many. */
    private static void fill(Path objects, int wanted) throws IOException, StorageException {
        Path file = newestIndexPart(objects);
        Generation generation = RemotePaths.indexPartGeneration(name(file)).orElseThrow();
        IndexPart part = IndexPartCodec.decode(Files.readAllBytes(file), file.toString());
        SortedMap<String, LayerMetadata> layers = new TreeMap<>(part.layers());
        Path directory = file.resolveSibling(".");
        long end = part.diskConsistentLsn().value();
        for (int i = 0; layers.size() < wanted; i++) {
            int column = i % COLUMNS * PAGES_PER_COLUMN;
            long top = end - (long) (i / COLUMNS) * Lsn.RECORD_ALIGNMENT;
            DeltaLayerName name = new DeltaLayerName(
                    new KeyRange(block(column), block(column + PAGES_PER_COLUMN)),
                    new LsnRange(new Lsn(top - Lsn.RECORD_ALIGNMENT), new Lsn(top)));
            if (layers.putIfAbsent(name.toString(), new LayerMetadata(0, generation, ShardIndex.UNSHARDED)) == null) {
                Files.createFile(directory.resolve(new LayerFileName(name, generation).remote()));
            }
        }
        Files.write(file, IndexPartCodec.encode(part.with(layers, part.metadata(), part.lineage())));
    }

    private static Key block(int number) {
        return Key.of(0, 1663, 5, RELATION, 0, number);
    }
}
