package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * How long a branch takes, and a PostgreSQL on it, with databases of several sizes: a table is filled, the PostgreSQL attached,
 * a little more written; then branches are made from the end, and an endpoint is started on each of the last ones.
 */
public final class BranchBenchmark {
    private static final int ROWS_A_MEBIBYTE = 896;

    /**
     * What is measured.
     *
     * @param mebibytes sizes of the table
     * @param branches how many are made of each size
     * @param boots on how many of them a PostgreSQL is started, at most as many
     * @param version of PostgreSQL
     * @param directory for everything; what is made there is deleted at the end
     */
    public record Parameters(
            List<Integer> mebibytes, int branches, int boots, PostgresVersion version, Path directory) {}

    /**
     * What came out, times in milliseconds.
     *
     * @param mebibytes the size of the table
     * @param layerBytes what the server has of all of it
     * @param branch the median to make a branch
     * @param slowestBranch the longest
     * @param boot the median to start an endpoint, until it takes connections and is followed
     * @param firstBoot the first one, in a server that has just begun
     */
    public record Result(
            int mebibytes, long layerBytes, double branch, double slowestBranch, double boot, double firstBoot) {}

    private BranchBenchmark() {}

    /** Measures, and gives each result to {@code out} when it is known. */
    public static void run(Parameters parameters, Consumer<Result> out)
            throws IOException, SQLException, BranchException, StorageException {
        for (int size : parameters.mebibytes()) {
            Path root = Files.createTempDirectory(parameters.directory().toAbsolutePath(), "branch");
            try {
                out.accept(measure(parameters, size, root));
            } finally {
                DirectoryTree.delete(root);
            }
        }
    }

    private static Result measure(Parameters parameters, int mebibytes, Path root)
            throws IOException, SQLException, BranchException, StorageException {
        try (PrivatePostgres primary = PrivatePostgres.start(
                        parameters.version(),
                        root.resolve("primary"),
                        root.resolve("postgresql"),
                        "shared_buffers = '256MB'",
                        "autovacuum = off");
                Connection connection = Live.connect(primary)) {
            Live.execute(connection, "CREATE TABLE filled (id int, filler text)");
            Live.execute(
                    connection,
                    "INSERT INTO filled SELECT g, repeat(md5(g::text), 34) FROM generate_series(1, "
                            + (long) mebibytes * ROWS_A_MEBIBYTE + ") g");
            Path home = root.resolve("server");
            try (Server server = Server.open(new ServerOptions(home, "127.0.0.1", 0, primary.programs()))) {
                Live.attach(server.branches(), "main", primary);
                Live.execute(connection, "CREATE TABLE more AS SELECT generate_series(1, 10000) AS i");
                Live.await(server.branches(), "main", Live.currentLsn(connection));
            }
            try (Server server = Server.open(new ServerOptions(home, "127.0.0.1", 0, primary.programs()))) {
                return measure(parameters, mebibytes, server.branches());
            }
        }
    }

    private static Result measure(Parameters parameters, int mebibytes, Branches branches) throws BranchException {
        List<Double> made = new ArrayList<>();
        for (int i = 0; i < parameters.branches(); i++) {
            long start = System.nanoTime();
            branches.create("b" + i, "main", Moment.LATEST);
            made.add(Live.seconds(start) * 1e3);
        }
        List<Double> booted = new ArrayList<>();
        for (int i = 0; i < parameters.boots(); i++) {
            long start = System.nanoTime();
            branches.startEndpoint("b" + i, 0, null);
            booted.add(Live.seconds(start) * 1e3);
            branches.stopEndpoint("b" + i);
        }
        double firstBoot = booted.isEmpty() ? 0 : booted.getFirst();
        return new Result(
                mebibytes,
                branches.view("main").layerBytes(),
                median(made),
                made.isEmpty() ? 0 : Collections.max(made),
                median(booted),
                firstBoot);
    }

    private static double median(List<Double> values) {
        return values.isEmpty() ? 0 : values.stream().sorted().toList().get(values.size() / 2);
    }
}
