package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Lets a real server run commands and replays the WAL it writes, comparing every page with the server's. Of one resource
 * manager also the LSN of every page is compared before each record, which the masks hide.
 */
final class ComparedWorkload {
    private static final int SEGMENT = 16 << 20;

    /** Sees each record of the resource manager before it is applied. */
    interface RecordCheck {
        void check(WalRecord record) throws MalformedRecordException;
    }

    private final Rmgr manager;
    private final ConsistencyReplay replay;
    private final List<String> wrongLsns = new ArrayList<>();
    private int comparedLsns;

    private ComparedWorkload(Rmgr manager, ConsistencyReplay replay) {
        this.manager = manager;
        this.replay = replay;
    }

    /** Runs the commands and fails if any page is not as the server has it, or one of these types was not compared. */
    static void run(int major, List<String> commands, Rmgr manager, List<String> types, RecordCheck check)
            throws Exception {
        try (PostgresServer server = PostgresServer.version(major)
                        .setting("wal_consistency_checking", "all")
                        .setting("full_page_writes", "off")
                        .setting("wal_keep_size", "4GB")
                        .setting("max_wal_size", "4GB")
                        .setting("autovacuum", "off")
                        .start();
                Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ConsistencyReplay replay = new ConsistencyReplay(HintLogging.OFF)) {
            for (String command : commands) {
                statement.execute(command);
            }
            // Something that is flushed, after everything that is to be seen.
            statement.execute("CREATE TABLE last (i int)");
            Lsn end;
            try (ResultSet row = statement.executeQuery("SELECT pg_current_wal_flush_lsn()")) {
                row.next();
                end = Lsn.parse(row.getString(1));
            }
            ComparedWorkload workload = new ComparedWorkload(manager, replay);
            workload.replay(major, segments(server), end, check);
            workload.assertCompared(types);
        }
    }

    private void replay(int major, List<Path> segments, Lsn end, RecordCheck check) throws Exception {
        Lsn first = WalSegment.parse(segments.get(0).getFileName().toString(), SEGMENT)
                .start();
        WalStreamDecoder decoder = new WalStreamDecoder(PostgresVersion.ofMajor(major), SEGMENT, -1, first);
        for (Path segment : segments) {
            byte[] bytes = Files.readAllBytes(segment);
            decoder.feed(bytes, 0, bytes.length);
            while (decoder.next()) {
                WalRecord record = decoder.record();
                if (record.resourceManagerId() == manager.id()) {
                    check.check(record);
                    compareLsns(record);
                }
                replay.apply(record);
            }
            if (decoder.stopped() != null) {
                break;
            }
        }
        assertThat(decoder.endOfLastRecord()).as(decoder.finish().describe()).isGreaterThanOrEqualTo(end);
    }

    /** The server puts the image into the record before it gives the page the record's LSN. */
    private void compareLsns(WalRecord record) {
        for (int id = 0; id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id) && record.hasImage(id) && !record.willInit(id)) {
                assertThat(record.imageCompression(id)).isEqualTo(ImageCompression.NONE);
                Page page = replay.page(record.blockTag(id));
                long halves = LittleEndian.i64(record.bytes(), record.imageOffset(id));
                long lsn = halves << 32 | halves >>> 32;
                // An LSN of 0 has a page that the server has emptied in the same step, though redo is not told.
                if (page != null && !page.isNew() && lsn != 0) {
                    comparedLsns++;
                    if (page.lsn() != lsn && wrongLsns.size() < 20) {
                        wrongLsns.add(RecordTypes.nameOf(record) + " at " + new Lsn(record.startLsn()) + " finds block "
                                + id + " at " + new Lsn(lsn) + ", but it is at " + new Lsn(page.lsn()));
                    }
                }
            }
        }
    }

    private void assertCompared(List<String> types) {
        assertThat(replay.faults()).isEmpty();
        assertThat(wrongLsns).isEmpty();
        assertThat(comparedLsns).isPositive();
        for (String type : types) {
            ConsistencyReplay.Counts count =
                    Objects.requireNonNull(replay.counts().get(manager + "/" + type), type);
            assertThat(count.applied()).as(type).isPositive();
            assertThat(count.compared()).as(type).isPositive();
            assertThat(count.mismatches()).as(type).isZero();
            assertThat(count.failures()).as(type).isZero();
        }
    }

    private static List<Path> segments(PostgresServer server) throws IOException {
        try (Stream<Path> files = Files.list(server.walDirectory())) {
            return files.filter(f -> WalSegment.isName(f.getFileName().toString()))
                    .sorted()
                    .toList();
        }
    }
}
