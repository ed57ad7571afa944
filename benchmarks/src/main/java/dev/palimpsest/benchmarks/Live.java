package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.Lsn;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** What benchmarks do with a PostgreSQL that runs, and a server that follows it. */
final class Live {
    private static final long PATIENCE_NANOS = 3_600_000_000_000L;

    private Live() {}

    static void attach(Branches branches, String name, PrivatePostgres primary) throws BranchException {
        attach(branches, name, primary.connectionString());
    }

    static void attach(Branches branches, String name, String connection) throws BranchException {
        AttachProgress progress = branches.attach(name, connection, null);
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!progress.done()) {
            pause(deadline);
            progress = branches.attachProgress(name);
        }
        if (progress.failure() != null) {
            throw new BranchException(BranchException.Kind.FAILED, progress.failure());
        }
    }

    static void await(Branches branches, String name, Lsn lsn) throws BranchException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (branches.view(name).lastRecordLsn().isBefore(lsn)) {
            pause(deadline);
        }
    }

    static void pause(long deadline) throws BranchException {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BranchException(BranchException.Kind.FAILED, "interrupted", e);
        }
        if (System.nanoTime() > deadline) {
            throw new BranchException(BranchException.Kind.FAILED, "the benchmark makes no progress");
        }
    }

    static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    static Connection connect(PrivatePostgres primary) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + primary.port() + "/postgres?user=postgres");
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static Lsn currentLsn(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_current_wal_flush_lsn()")) {
            row.next();
            return Lsn.parse(row.getString(1));
        }
    }
}
