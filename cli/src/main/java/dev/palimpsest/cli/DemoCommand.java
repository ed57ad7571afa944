package dev.palimpsest.cli;

import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.pageserver.branch.EndpointView;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest demo}: a table is dropped by accident, and found again on a branch from the moment before. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description =
                "Show the whole of it on a PostgreSQL of its own: attach it, write data, drop a table \"by accident\","
                        + " branch from the moment before, boot an unmodified PostgreSQL on the branch, and find the rows there.")
final class DemoCommand implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int ROWS_A_STEP = 2_000;
    private static final String SUM =
            "SELECT count(*), sum(balance), md5(string_agg(id || ':' || balance, ',' ORDER BY id))" + " FROM accounts";

    @Option(
            names = "--pg-version",
            description = "PostgreSQL's major version, 14 to 18; default: the newest installed, or else 17")
    private @Nullable Integer version;

    @Option(names = "--seconds", defaultValue = "5", description = "how long to write data (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--keep", description = "keep everything, and print how to go on by hand")
    private boolean keep;

    @Option(names = "--dir", description = "the directory to use, which must be empty; default: a new temporary one")
    private @Nullable Path directory;

    @Spec
    private CommandSpec spec;

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    @Override
    public Integer call() throws IOException {
        Path root = directory == null ? Files.createTempDirectory("palimpsest-demo-") : directory;
        Files.createDirectories(root);
        try {
            return run(root.toAbsolutePath());
        } catch (SQLException | BranchException | StorageException e) {
            spec.commandLine().getErr().println("palimpsest demo: " + e.getMessage());
            keep = true;
            return 1;
        } finally {
            if (keep) {
                out().println("Everything is in " + root);
            } else {
                DirectoryTree.delete(root);
            }
            out().flush();
        }
    }

    private void step(String format, Object... values) {
        out().printf(Locale.ROOT, format + "%n", values);
        out().flush();
    }

    private int run(Path root) throws IOException, SQLException, BranchException, StorageException {
        Instant began = Instant.now();
        PostgresVersion chosen = PostgresVersion.ofMajor(version == null ? PrivatePostgres.newestInstalled() : version);
        step("1. Starting a %s, unmodified, as anybody would.", chosen);
        try (PrivatePostgres primary =
                PrivatePostgres.start(chosen, root.resolve("primary"), root.resolve("postgresql"))) {
            step("   It runs on port %d, with %s.", primary.port(), primary.programs());
            try (Server server =
                    Server.open(new ServerOptions(root.resolve("server"), "127.0.0.1", 0, primary.programs()))) {
                step("2. Starting the server: http://127.0.0.1:%d", server.httpPort());
                return tell(primary, server.branches(), began, server.httpPort(), root);
            }
        }
    }

    /** What was in the table. */
    private record Content(long rows, long sum, String digest) {
        static Content of(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(SUM)) {
                rows.next();
                return new Content(rows.getLong(1), rows.getLong(2), rows.getString(3));
            }
        }
    }

    private int tell(PrivatePostgres primary, Branches branches, Instant began, int httpPort, Path root)
            throws SQLException, BranchException, IOException {
        attach(primary, branches);
        Content lost;
        Instant before;
        Lsn dropped;
        try (Connection connection = connect(primary.port())) {
            write(connection);
            lost = Content.of(connection);
            before = now(connection);
            step("5. It is %s, and the table accounts has %,d rows. Now somebody drops it.", before, lost.rows);
            execute(connection, "DROP TABLE accounts");
            execute(connection, "CREATE TABLE what_happens_next AS SELECT 'life goes on' AS note");
            dropped = currentLsn(connection);
        }
        await(
                "the server to have it all",
                () -> !branches.view("prod").lastRecordLsn().isBefore(dropped));
        long start = System.nanoTime();
        BranchView fix = branches.create("fix", "prod", new Moment.AtTime(before));
        step(
                "6. Branched from the moment before, %s, in %.1f ms: nothing was copied.",
                String.valueOf(fix.branchedAt()), (System.nanoTime() - start) / 1e6);
        start = System.nanoTime();
        EndpointView endpoint = branches.startEndpoint("fix", 0, null);
        step(
                "7. Booted an unmodified %s on it, port %d, in %.1f s.",
                PostgresVersion.ofMajor(fix.pgVersion()), endpoint.port(), (System.nanoTime() - start) / 1e9);
        Content found;
        try (Connection connection = connect(endpoint.port())) {
            found = Content.of(connection);
            execute(connection, "INSERT INTO accounts SELECT max(id) + 1, 0, 'written on the branch' FROM accounts");
        }
        boolean same = found.equals(lost);
        step(
                "   It has %,d accounts, the sum of their balances is %,d: %s.",
                found.rows, found.sum, same ? "exactly what was lost" : "NOT what was lost: " + lost);
        boolean equal = compare(primary, branches);
        summary(branches, began);
        if (keep) {
            instructions(primary, endpoint, httpPort, root);
        }
        branches.stopEndpoint("fix");
        step(same && equal ? "All is well." : "Something is wrong: see above.");
        return same && equal ? 0 : 1;
    }

    private void attach(PrivatePostgres primary, Branches branches) throws BranchException {
        step("3. Attaching it: palimpsest attach \"%s\" --name prod", primary.connectionString());
        AttachProgress progress = branches.attach("prod", primary.connectionString(), null);
        String shown = "";
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!progress.done()) {
            if (!progress.step().equals(shown)) {
                shown = progress.step();
                step("   … %s", shown);
            }
            pause();
            progress = branches.attachProgress("prod");
            if (System.nanoTime() > deadline) {
                throw new BranchException(BranchException.Kind.FAILED, "attaching takes too long: " + progress);
            }
        }
        if (progress.failure() != null) {
            throw new BranchException(BranchException.Kind.FAILED, progress.failure());
        }
        step(
                "   %,d pages taken in from a base backup of %,d MB; following since %s.",
                progress.pages(), progress.receivedBytes() >> 20, String.valueOf(progress.startLsn()));
    }

    private void write(Connection connection) throws SQLException {
        execute(connection, "CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL, note text)");
        execute(connection, "CREATE INDEX ON accounts (balance)");
        step("4. Writing for %d s: rows into accounts, and updates of them.", seconds);
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        long id = 0;
        do {
            execute(
                    connection,
                    "INSERT INTO accounts SELECT g, g % 1000, repeat('x', (g % 50)::int) FROM generate_series("
                            + (id + 1) + ", " + (id + ROWS_A_STEP) + ") g");
            id += ROWS_A_STEP;
            execute(connection, "UPDATE accounts SET balance = balance + 1 WHERE id % 97 = " + id / ROWS_A_STEP % 97);
        } while (System.nanoTime() < end);
        execute(connection, "DELETE FROM accounts WHERE id % 1009 = 0");
        execute(connection, "VACUUM accounts");
    }

    private static Connection connect(int port) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres");
    }

    private static Lsn currentLsn(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_current_wal_flush_lsn()")) {
            row.next();
            return Lsn.parse(row.getString(1));
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static Instant now(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT clock_timestamp()")) {
            row.next();
            return row.getObject(1, OffsetDateTime.class).toInstant();
        }
    }

    /** What is waited for. */
    private interface Condition {
        boolean holds() throws BranchException;
    }

    private static void await(String what, Condition condition) throws BranchException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new BranchException(BranchException.Kind.FAILED, "waited too long for " + what);
            }
            pause();
        }
    }

    private static void pause() throws BranchException {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BranchException(BranchException.Kind.FAILED, "interrupted", e);
        }
    }

    private boolean compare(PrivatePostgres primary, Branches branches) throws BranchException, IOException {
        step("8. Stopping the first PostgreSQL, to compare every page of its directory with what the server has.");
        primary.stop();
        DirectoryComparison.Result result = branches.verify("prod", primary.data(), PageComparison.Server.PRIMARY);
        for (String difference : result.differences().stream().limit(10).toList()) {
            step("   DIFFERENT: %s", difference);
        }
        step(
                "   %,d pages of %,d relations: %s.",
                result.pages(),
                result.relations(),
                result.differences().isEmpty()
                        ? "all equal"
                        : result.differences().size() + " differ");
        return result.differences().isEmpty();
    }

    private void summary(Branches branches, Instant began) throws BranchException {
        BranchView prod = branches.view("prod");
        Lsn durable = branches.upkeep().flush("prod").remoteConsistentLsn();
        BranchView after = branches.view("prod");
        step(
                "Taken in: %,d bytes of WAL, %d layers with %,d bytes, durable up to %s; %.1f s from start to end.",
                prod.lastRecordLsn().value() - prod.readableFrom().value(),
                after.layers(),
                after.layerBytes(),
                durable,
                Duration.between(began, Instant.now()).toMillis() / 1e3);
    }

    private void instructions(PrivatePostgres primary, EndpointView endpoint, int httpPort, Path root) {
        List<String> lines = List.of(
                "Both run on until you press Enter:",
                "  the branch:  psql -h 127.0.0.1 -p " + endpoint.port() + " -U postgres",
                "  the server:  ./palimpsest --help, with PALIMPSEST_SERVER=http://127.0.0.1:" + httpPort,
                "Afterwards, by hand:",
                "  ./palimpsest server --dir " + root.resolve("server"),
                "  ./palimpsest status",
                "  ./palimpsest lsn prod now; ./palimpsest branch create again --from prod --at TIME",
                "  ./palimpsest endpoint start again --port 5433",
                "  the first PostgreSQL: " + primary.startCommand());
        lines.forEach(line -> step("%s", line));
        try {
            while (System.in.read() > 0 && System.in.available() > 0) {
                // The rest of the line does not matter.
            }
        } catch (IOException e) {
            step("(no terminal: going on)");
        }
    }
}
