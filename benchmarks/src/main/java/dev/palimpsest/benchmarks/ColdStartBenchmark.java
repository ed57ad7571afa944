package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.function.Consumer;

/**
 * How long it takes a server with an empty disk from its start to the first page, when its history is in an object store and
 * has many layers. The history is a small one that was attached, in a directory of objects, to which layers are added that nobody
 * reads: their names in the index part, and empty objects.
 */
public final class ColdStartBenchmark {
    private static final String BRANCH = "main";

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
                ManyLayers.add(objects, layers);
                for (int i = 0; i < parameters.starts(); i++) {
                    Path empty = root.resolve("life" + life++);
                    long indexBytes = Files.size(ManyLayers.newestIndexPart(objects));
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
}
