package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.datadir.BackupManifest;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/** Compaction of a real PostgreSQL's history: what is retained is as it was, every byte, and the rest is gone. */
class HistoryCompactionTest {
    private static final int MAJOR = 17;
    private static final long SEED = 20261121;
    private static final int ROUNDS = 6;
    /** Nothing is kept for the time's sake, and nobody leases. */
    private static final RetentionSettings SETTINGS =
            new RetentionSettings(Duration.ZERO, 0, Duration.ZERO, Duration.ZERO);

    /** What a branch has at an LSN. */
    private record Seen(String branch, Lsn lsn, SortedMap<String, String> files) {}

    private final List<Seen> seen = new ArrayList<>();

    private static SortedMap<String, String> files(BranchHost host, String branch, Lsn lsn) throws Exception {
        DigestSink sink = new DigestSink();
        host.branches().restore(branch, new Moment.AtLsn(lsn), BackupManifest.OMITTED, sink);
        assertThat(sink.digests()).hasSizeGreaterThan(500);
        return sink.digests();
    }

    private void see(BranchHost host, String branch, Lsn lsn) throws Exception {
        seen.add(new Seen(branch, lsn, files(host, branch, lsn)));
    }

    private void checkAllSeen(BranchHost host) throws Exception {
        for (Seen before : seen) {
            assertThat(files(host, before.branch, before.lsn))
                    .as("%s at %s", before.branch, before.lsn)
                    .isEqualTo(before.files);
        }
    }

    /** Commits, and has the branch keep that in layers. */
    private static Lsn round(PostgresServer primary, BranchHost host, int number) throws Exception {
        TpcB.transactions(_ -> primary.connect(), 50, SEED + number);
        Lsn lsn;
        try (Connection connection = primary.connect()) {
            MixedWorkload.execute(
                    connection, List.of("UPDATE pgbench_accounts SET filler = '" + number + "' WHERE aid <= 20000"));
            lsn = MixedWorkload.insertLsn(connection);
            MixedWorkload.execute(connection, List.of("VACUUM pgbench_accounts", "CHECKPOINT"));
        }
        host.catchUp("prod", lsn);
        UpkeepService upkeep = host.branches().upkeep();
        upkeep.flush("prod");
        upkeep.compact("prod", number % 3 == 2, true);
        return lsn;
    }

    private static void checkShown(BranchHost host, HistoryCompactionView done) throws BranchException {
        HistoryRunView shown =
                Objects.requireNonNull(host.branches().view("prod").historyCompaction());
        assertThat(shown.running()).isFalse();
        assertThat(shown.failure()).isNull();
        assertThat(shown.elapsed()).isLessThanOrEqualTo(done.elapsed());
        assertThat(List.of(shown.pieces(), shown.layersRemoved(), shown.bytesRead(), shown.bytesWritten()))
                .isEqualTo(List.of(done.jobs(), done.layersRemoved(), done.bytesRead(), done.bytesWritten()));
        assertThat(host.branches().view("at1").historyCompaction()).isNull();
    }

    @Test
    void whatIsRetainedStaysAsItIs(@TempDir Path directory, TestReporter reporter) throws Exception {
        try (PostgresServer primary = PostgresServer.version(MAJOR)
                .setting("max_wal_senders", "10")
                .setting("autovacuum", "off")
                .start()) {
            List<Lsn> rounds = new ArrayList<>();
            try (BranchHost host = new BranchHost(directory, MAJOR, SETTINGS, Clock.systemUTC())) {
                TpcB.initialize(_ -> primary.connect());
                host.attach("prod", primary);
                UpkeepService upkeep = host.branches().upkeep();
                for (int i = 0; i < ROUNDS; i++) {
                    rounds.add(round(primary, host, i));
                    if (i % 2 == 1) {
                        String name = "at" + i;
                        host.branches().create(name, "prod", new Moment.AtLsn(rounds.get(i)));
                        see(host, name, rounds.get(i));
                    }
                }
                HistoryView before = upkeep.history("prod");
                // What a branch can be read at below its branch point is kept for it, until its own GC has been there.
                for (String name : List.of("at1", "at3", "at5", "prod")) {
                    upkeep.gc(name, RetentionOverride.NONE, false);
                }
                HistoryCompactionView done = upkeep.compactHistory("prod");
                upkeep.gc("prod", RetentionOverride.NONE, false);
                HistoryView after = upkeep.history("prod");
                reporter.publishEntry("history", before.layers() + ", " + done + ", " + after.layers());
                checkShown(host, done);
                assertThat(done.valuesKept()).isLessThan(done.valuesRead() * 3 / 4);
                assertThat(after.layers().files().bytes())
                        .isLessThan(before.layers().files().bytes() * 3 / 4);
                checkAllSeen(host);
                assertThatThrownBy(() -> host.branches().create("between", "prod", new Moment.AtLsn(rounds.get(2))))
                        .isInstanceOf(BranchException.class)
                        .hasMessageContaining(rounds.get(2).toString());
            }
            try (BranchHost again = new BranchHost(directory, MAJOR, SETTINGS, Clock.systemUTC())) {
                checkAllSeen(again);
                rounds.add(round(primary, again, ROUNDS));
                again.awaitStreaming("prod");
                try (Connection connection = primary.connect()) {
                    again.catchUp("prod", MixedWorkload.insertLsn(connection));
                }
                EndpointView endpoint = again.branches().startEndpoint("at3", 0, null);
                assertThat(TpcB.check(BranchHost.on(endpoint), "branch at round 3"))
                        .isEqualTo(4 * 50L);
                again.branches().stopEndpoint("at3");
                primary.stop("fast");
                DirectoryComparison.Result result =
                        again.branches().verify("prod", primary.dataDirectory(), PageComparison.Server.PRIMARY);
                assertThat(result.differences()).isEmpty();
            }
        }
    }
}
