package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.testkit.PostgresServer;
import dev.palimpsest.testkit.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Attaching a real PostgreSQL breaks half-way through its base backup. */
class AttachBrokenTest {
    private static final int MAJOR = 15;
    private static final long PATIENCE_NANOS = 90_000_000_000L;
    /** A base backup has more than 20 MB. */
    private static final long HALF_WAY = 8 << 20;

    @TempDir
    private Path directory;

    private PostgresServer primary;
    private TcpProxy proxy;

    @BeforeEach
    void start() throws Exception {
        primary = PostgresServer.version(MAJOR).setting("max_wal_senders", "10").start();
        proxy = TcpProxy.to(primary.port());
    }

    @AfterEach
    void stop() throws Exception {
        proxy.close();
        primary.close();
    }

    private String connection() {
        return "host=127.0.0.1 port=" + proxy.port() + " user=" + PostgresServer.USER + " password=unused";
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Branches branches, Condition condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("%s", branches.attachments()).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private void beginAndCut(Branches branches) throws Exception {
        proxy.cutOffAfter(HALF_WAY);
        branches.attach("prod", connection(), null);
        proxy.awaitCut();
        await(branches, () -> branches.attachments().getFirst().step().startsWith("waiting"));
    }

    private List<String> slots() throws SQLException {
        try (Connection connection = primary.connect();
                Statement statement = connection.createStatement();
                ResultSet rows =
                        statement.executeQuery("SELECT string_agg(slot_name, ',') FROM pg_replication_slots")) {
            rows.next();
            String all = rows.getString(1);
            return all == null ? List.of() : List.of(all.split(","));
        }
    }

    /** All files but the few bytes of a tenant's claims, which are never deleted: by them its lives know of each other. */
    private List<Path> leftOver() throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().startsWith("tenant-manifest-"))
                    .filter(file -> !file.getFileName().toString().equals("generations.json"))
                    .toList();
        }
    }

    @Test
    void beginsAnewWhenTheSourceIsBack() throws Exception {
        try (BranchHost host = new BranchHost(directory, MAJOR)) {
            Branches branches = host.branches();
            beginAndCut(branches);
            AttachProgress waiting = branches.attachments().getFirst();
            assertThat(waiting.done()).isFalse();
            assertThat(waiting.step()).contains("attaching failed while taking the base backup");
            assertThat(branches.list()).isEmpty();

            proxy.restore();
            await(branches, () -> branches.attachProgress("prod").done());
            assertThat(branches.attachProgress("prod").failure()).isNull();
            assertThat(branches.attachments()).isEmpty();
            assertThat(branches.view("prod").phase()).isEqualTo(BranchView.Phase.READY);
            assertThat(slots()).containsExactly("palimpsest_prod");
        }
    }

    @Test
    void beginsAnewWhenTheServerIsBack() throws Exception {
        try (BranchHost host = new BranchHost(directory, MAJOR)) {
            beginAndCut(host.branches());
        }
        // As a kill leaves it: the slot is there, and nothing but the intent says so.
        assertThat(slots()).containsExactly("palimpsest_prod");
        proxy.restore();
        try (BranchHost host = new BranchHost(directory, MAJOR)) {
            Branches branches = host.branches();
            await(branches, () -> branches.attachProgress("prod").done());
            assertThat(branches.attachProgress("prod").failure()).isNull();
            assertThat(branches.list()).hasSize(1);
            assertThat(slots()).containsExactly("palimpsest_prod");
        }
        try (BranchHost host = new BranchHost(directory, MAJOR)) {
            assertThat(host.branches().attachments()).isEmpty();
            assertThat(host.branches().list()).hasSize(1);
        }
    }

    @Test
    void deletingItLeavesNothing() throws Exception {
        try (BranchHost host = new BranchHost(directory, MAJOR)) {
            Branches branches = host.branches();
            beginAndCut(branches);
            // The source cannot be reached: the slot stays, and that is said.
            assertThat(branches.delete("prod")).singleElement().asString().contains("palimpsest_prod stays on");
            assertThat(branches.attachments()).isEmpty();
            assertThat(leftOver()).isEmpty();

            proxy.restore();
            try (Connection connection = primary.connect();
                    Statement statement = connection.createStatement()) {
                statement.execute("SELECT pg_drop_replication_slot('palimpsest_prod')");
            }
            beginAndCut(branches);
            proxy.restore();
            assertThat(branches.delete("prod")).isEmpty();
            assertThat(slots()).isEmpty();
            assertThat(leftOver()).isEmpty();
        }
    }

    @Test
    void whatFailsForGoodSaysWhyAfterARestartToo() throws Exception {
        try (BranchHost host = new BranchHost(directory, MAJOR)) {
            beginAndCut(host.branches());
        }
        try (Connection connection = primary.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE ROLE other SUPERUSER LOGIN");
            statement.execute("ALTER ROLE " + PostgresServer.USER + " NOLOGIN");
        }
        proxy.restore();
        for (int start = 0; start < 2; start++) {
            try (BranchHost host = new BranchHost(directory, MAJOR)) {
                Branches branches = host.branches();
                await(branches, () -> branches.attachProgress("prod").done());
                assertThat(branches.attachments())
                        .singleElement()
                        .satisfies(failed -> assertThat(failed.failure()).contains("not permitted to log in"));
                assertThat(branches.list()).isEmpty();
                if (start == 1) {
                    assertThat(branches.delete("prod"))
                            .singleElement()
                            .asString()
                            .contains("stays on");
                    assertThat(branches.attachments()).isEmpty();
                    assertThat(leftOver()).isEmpty();
                }
            }
        }
    }
}
