package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.retention.RetentionPlanner;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.gc.GcPlanner;
import dev.palimpsest.testkit.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What of a real PostgreSQL's history GC keeps, with a clock that the test moves on. */
class RetentionTest {
    private static final int MAJOR = 17;
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration LEASE = Duration.ofMinutes(10);
    private static final RetentionSettings SETTINGS = new RetentionSettings(HOUR, 0, Duration.ZERO, LEASE);
    private static final RetentionOverride AS_SET = RetentionOverride.NONE;

    private Duration ahead = Duration.ZERO;
    private final Clock clock = new Clock() {
        private final InstantSource real = Clock.systemUTC();

        @Override
        public Instant instant() {
            return real.instant().plus(ahead);
        }

        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    };

    /** What one round has left behind, and a page of the table as of then. */
    private record Round(Lsn lsn, Instant time, byte[] page) {}

    private static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static Instant now(Connection connection) throws SQLException {
        return OffsetDateTime.parse(value(
                        connection,
                        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"))
                .toInstant();
    }

    /** Updates every row, and has the branch keep that in layers of its own, with images above them. */
    private static Round round(Connection connection, BranchHost host, String relation) throws Exception {
        execute(connection, "UPDATE t SET n = n + 1");
        Lsn lsn = Lsn.parse(value(connection, "SELECT pg_current_wal_flush_lsn()"));
        Instant time = now(connection);
        host.catchUp("prod", lsn);
        UpkeepService upkeep = host.branches().upkeep();
        upkeep.flush("prod");
        upkeep.compact("prod", true, true);
        return new Round(lsn, time, host.branches().page("prod", relation, 0, new Moment.AtLsn(lsn)));
    }

    private static void check(BranchHost host, String branch, String relation, Round round) throws Exception {
        assertThat(host.branches().page(branch, relation, 0, new Moment.AtLsn(round.lsn)))
                .as("%s", round.lsn)
                .isEqualTo(round.page);
    }

    private static void checkRefused(BranchHost host, String relation, Round round, Lsn cutoff) {
        Moment at = new Moment.AtLsn(round.lsn);
        for (ThrowingCallable reading : List.<ThrowingCallable>of(
                () -> host.branches().page("prod", relation, 0, at),
                () -> host.branches().create("early", "prod", at),
                () -> host.branches().upkeep().lease("prod", round.lsn))) {
            assertThatThrownBy(reading)
                    .isInstanceOf(BranchException.class)
                    .hasMessageContaining(round.lsn.toString())
                    .hasMessageContaining("from " + cutoff + " to ")
                    .hasMessageContaining("pitr_interval");
        }
        assertThatThrownBy(() -> host.branches().resolve("prod", new Moment.AtTime(round.time)))
                .hasMessageContaining("is before the history of branch prod")
                .hasMessageContaining("pitr_interval");
    }

    private final List<Round> rounds = new ArrayList<>();
    private String relation = "";
    private Lsn cutoff = Lsn.INVALID;

    @Test
    void historyGoesAsFarAsNothingNeedsIt(@TempDir Path directory) throws Exception {
        try (PostgresServer primary = PostgresServer.version(MAJOR)
                .setting("max_wal_senders", "10")
                .setting("autovacuum", "off")
                .start()) {
            try (Connection connection = primary.connect();
                    BranchHost host = new BranchHost(directory, MAJOR, SETTINGS, clock)) {
                execute(
                        connection,
                        "CREATE TABLE t (i int PRIMARY KEY, n int)",
                        "INSERT INTO t SELECT g, 0 FROM generate_series(1, 2000) g",
                        "CHECKPOINT");
                relation = value(connection, "SELECT pg_relation_filepath('t')");
                host.attach("prod", primary);
                UpkeepService upkeep = host.branches().upkeep();
                for (int i = 0; i < 5; i++) {
                    rounds.add(round(connection, host, relation));
                }
                keepUntilOld(host, upkeep);
                keepForABranch(host, upkeep);
                removeTheRest(host, upkeep);
            }
            try (BranchHost again = new BranchHost(directory, MAJOR, SETTINGS, clock)) {
                for (Round round : rounds.subList(3, 5)) {
                    check(again, "prod", relation, round);
                }
                checkRefused(again, relation, rounds.get(0), cutoff);
                HistoryView history = again.branches().upkeep().history("prod");
                assertThat(history.from()).isEqualTo(cutoff);
                assertThat(history.pitrInterval()).isEqualTo(HOUR.plus(LEASE).plusSeconds(2));
                again.branches().upkeep().retainAsServer("prod");
                assertThat(again.branches().upkeep().history("prod").pitrInterval())
                        .isEqualTo(HOUR);
            }
        }
    }

    private void keepUntilOld(BranchHost host, UpkeepService upkeep) throws Exception {
        assertThatThrownBy(() -> upkeep.gc("prod", AS_SET, false))
                .as("leases from before the start may be renewed")
                .isInstanceOf(BranchException.class)
                .hasMessageContaining("lsn_lease_length");
        ahead = LEASE.plusSeconds(1);
        GcView none = upkeep.gc("prod", AS_SET, false);
        assertThat(none.layersRemoved()).isZero();
        assertThat(none.rule()).isEqualTo(RetentionPlanner.Rule.NOTHING_THAT_OLD);
        for (Round round : rounds) {
            check(host, "prod", relation, round);
        }

        // The interval as it is to be for all up to the third round to be older.
        ahead = Duration.between(clock.instant(), rounds.get(2).time.plus(HOUR)).plus(ahead);
        Instant leasedUntil = upkeep.lease("prod", rounds.get(1).lsn);
        assertThat(leasedUntil).isAfter(clock.instant().plus(LEASE).minusSeconds(60));
        GcView leased = upkeep.gc("prod", AS_SET, false);
        cutoff = leased.cutoff();
        assertThat(leased.rule()).isEqualTo(RetentionPlanner.Rule.PITR_INTERVAL);
        assertThat(cutoff).isGreaterThanOrEqualTo(rounds.get(2).lsn).isLessThan(rounds.get(3).lsn);
        assertThat(leased.layersKept()).containsKey(GcPlanner.Kept.BY_LEASE);
        check(host, "prod", relation, rounds.get(1));
        checkRefused(host, relation, rounds.get(0), cutoff);
    }

    private void keepForABranch(BranchHost host, UpkeepService upkeep) throws Exception {
        host.branches().create("kept", "prod", new Moment.AtLsn(rounds.get(1).lsn));
        ahead = ahead.plus(LEASE).plusSeconds(1);
        upkeep.retain("prod", new RetentionOverride(HOUR.plus(LEASE).plusSeconds(2), null));
        GcView branched = upkeep.gc("prod", AS_SET, false);
        assertThat(branched.cutoff()).as("it does not go back").isEqualTo(cutoff);
        assertThat(branched.layersKept())
                .containsKey(GcPlanner.Kept.BY_BRANCH)
                .doesNotContainKey(GcPlanner.Kept.BY_LEASE);
        check(host, "kept", relation, rounds.get(1));
        checkRefused(host, relation, rounds.get(1), branched.cutoff());
    }

    private void removeTheRest(BranchHost host, UpkeepService upkeep) throws Exception {
        host.branches().delete("kept");
        GcView dry = upkeep.gc("prod", AS_SET, true);
        GcView removed = upkeep.gc("prod", AS_SET, false);
        assertThat(removed.layersRemoved()).as("%s", removed).isPositive().isEqualTo(dry.layersRemoved());
        assertThat(removed.bytesRemoved()).isPositive();
        for (Round round : rounds.subList(3, 5)) {
            check(host, "prod", relation, round);
        }
        cutoff = removed.cutoff();
        HistoryView history = upkeep.history("prod");
        assertThat(history.from()).isEqualTo(cutoff);
        assertThat(history.ownRetention()).isTrue();
        assertThat(history.layers().files().layers()).isEqualTo(removed.layers() - removed.layersRemoved());
        assertThat(history.readDepth().max()).isPositive();
        assertThat(history.fromTime()).isBefore(rounds.get(3).time);
        assertThat(history.toTime()).isAfter(rounds.get(3).time);
    }
}
