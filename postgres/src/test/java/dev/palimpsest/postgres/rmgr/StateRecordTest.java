package dev.palimpsest.postgres.rmgr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Typed records of the managers that keep no relation pages. */
class StateRecordTest {
    private static final int LIMIT = 1 << 12;

    private static byte[] bytes(Object... fields) {
        ByteBuffer buffer = ByteBuffer.allocate(LIMIT).order(ByteOrder.LITTLE_ENDIAN);
        for (Object field : fields) {
            switch (field) {
                case Byte b -> buffer.put(b);
                case Short s -> buffer.putShort(s);
                case Integer i -> buffer.putInt(i);
                case Long l -> buffer.putLong(l);
                case String s -> buffer.put(s.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
                case byte[] b -> buffer.put(b);
                default -> throw new IllegalArgumentException(field.toString());
            }
        }
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    private static WalRecord record(PostgresVersion version, Rmgr manager, int info, Object... fields)
            throws MalformedRecordException {
        return new RecordBuilder(version, manager.id(), info)
                .xid(700)
                .origin(5)
                .main(bytes(fields))
                .decoded(0x100, 0x180);
    }

    private static byte[] completionParts(PostgresVersion version) {
        byte[] statistics = version.isAtLeast(PostgresVersion.V18)
                ? bytes(2, 5, 16384, 1)
                : version.isAtLeast(PostgresVersion.V15) ? bytes(2, 5, 16384) : new byte[0];
        return bytes(
                5,
                1663,
                2,
                701,
                702,
                1,
                bytes(1663, 5, 16385),
                version.isAtLeast(PostgresVersion.V15) ? bytes(1) : new byte[0],
                statistics);
    }

    @ParameterizedTest
    @EnumSource
    void completionsHaveAllTheirParts(PostgresVersion version) throws Exception {
        int statisticsBit = version.isAtLeast(PostgresVersion.V15) ? Completion.HAS_STATISTICS : 0;
        int parts = 0b10110111 | statisticsBit;
        byte[] message = bytes((byte) -2, (byte) 0, (short) 0, 5, 1259, 0);
        WalRecord commit = record(
                version,
                Rmgr.TRANSACTION,
                0xB0,
                1_000_000L,
                parts | Completion.HAS_INVALIDATIONS,
                completionParts(version),
                1,
                message,
                650,
                "two",
                0x77L,
                2_000_000L);
        Completion read = (Completion) TransactionRecord.decode(commit);
        assertThat(read.kind()).isEqualTo(Completion.Kind.COMMIT_PREPARED);
        assertThat(read.xid()).isEqualTo(650);
        assertThat(read.database()).isEqualTo(5);
        assertThat(read.tablespace()).isEqualTo(1663);
        assertThat(read.subXids()).containsExactly(701, 702);
        assertThat(read.dropped()).containsExactly(new RelFileNode(1663, 5, 16385));
        assertThat(read.droppedStatistics())
                .isEqualTo(
                        version == PostgresVersion.V14
                                ? List.of()
                                : List.of(new DroppedStatistics(
                                        2, 5, version == PostgresVersion.V18 ? 1L << 32 | 16384 : 16384)));
        assertThat(read.invalidations()).containsExactly(new InvalidationMessage(-2, 5, 1259, 0));
        assertThat(read.gid()).isEqualTo("two");
        assertThat(read.origin()).isEqualTo(5);
        assertThat(read.originLsn()).isEqualTo(new Lsn(0x77));
        assertThat(read.commitTime()).isEqualTo(new TimestampTz(2_000_000));
        assertThat(read.toString())
                .startsWith("two 650: 2000-01-01T00:00:01Z; rels: 1663/5/16385; subxacts: 701 702")
                .contains("; inval msgs: relcache 1259")
                .endsWith("; origin: node 5, lsn 0/77, at 2000-01-01T00:00:02Z");

        WalRecord abort = record(
                version,
                Rmgr.TRANSACTION,
                0xC0,
                1_000_000L,
                parts,
                completionParts(version),
                650,
                "two",
                0x77L,
                2_000_000L);
        Completion aborted = (Completion) TransactionRecord.decode(abort);
        assertThat(aborted.kind()).isEqualTo(Completion.Kind.ABORT_PREPARED);
        assertThat(aborted.gid()).isEqualTo("two");
        assertThat(aborted.invalidations()).isEmpty();
    }

    @Test
    void plainCompletionsAreOnlyATime() throws Exception {
        for (int opcode : new int[] {0x00, 0x20}) {
            Completion read = (Completion)
                    TransactionRecord.decode(record(PostgresVersion.V16, Rmgr.TRANSACTION, opcode, 1_000_000L));
            assertThat(read.xid()).isEqualTo(700);
            assertThat(read.kind().isCommit()).isEqualTo(opcode == 0);
            assertThat(read.hasOrigin()).isFalse();
            assertThat(read).hasToString("2000-01-01T00:00:01Z");
        }
        WalRecord nameless = record(PostgresVersion.V16, Rmgr.TRANSACTION, 0x30, 1L);
        assertThatThrownBy(() -> TransactionRecord.decode(nameless)).isInstanceOf(MalformedRecordException.class);
    }

    @ParameterizedTest
    @EnumSource
    void preparedStateIsRead(PostgresVersion version) throws Exception {
        Prepare prepare =
                (Prepare) TransactionRecord.decode(record(version, Rmgr.TRANSACTION, 0x10, prepared(version)));
        assertThat(prepare.xid()).isEqualTo(650);
        assertThat(prepare.gid()).isEqualTo("two");
        assertThat(prepare.subXids()).containsExactly(651, 652, 653);
        assertThat(prepare.abortDropped()).containsExactly(new RelFileNode(1663, 5, 16385));
        assertThat(prepare.invalidations()).containsExactly(new InvalidationMessage(-5, 5, 1260, 0));
        assertThat(prepare.commitStatistics()).hasSize(version == PostgresVersion.V14 ? 0 : 1);
        byte[] wrongSize = prepared(version);
        wrongSize[4]++;
        WalRecord wrong = record(version, Rmgr.TRANSACTION, 0x10, wrongSize);
        assertThatThrownBy(() -> TransactionRecord.decode(wrong)).isInstanceOf(MalformedRecordException.class);
    }

    private static byte[] prepared(PostgresVersion version) {
        boolean statistics = version.isAtLeast(PostgresVersion.V15);
        byte[] body = bytes(
                bytes("two", 0),
                bytes(651, 652, 653, 0),
                bytes(1663, 5, 16385, 0),
                version == PostgresVersion.V18 ? bytes(2, 5, 16385, 0) : new byte[0],
                statistics && version != PostgresVersion.V18 ? bytes(2, 5, 16385, 0) : new byte[0],
                bytes((byte) -5, (byte) 0, (short) 0, 5, 1260, 0),
                bytes(0, 0));
        int size = (statistics ? 72 : 64) + body.length;
        return bytes(
                bytes(Prepare.MAGIC, size + 4, 650, 5, 1_000_000L, 10, 3, 0, 1),
                statistics ? bytes(1, 0) : new byte[0],
                bytes(1, (byte) 0, (byte) 0, (short) 4, 0L, 0L),
                body);
    }

    @Test
    void otherTransactionRecords() throws Exception {
        assertThat(TransactionRecord.decode(record(PostgresVersion.V14, Rmgr.TRANSACTION, 0x50, 700, 2, 701, 702)))
                .hasToString("xtop 700: subxacts: 701 702");
        assertThat(TransactionRecord.decode(record(
                        PostgresVersion.V14, Rmgr.TRANSACTION, 0x60, 1, bytes((byte) 7, (byte) 0, (short) 0, 5, 9, 0))))
                .hasToString("inval msgs: catcache 7");
    }

    @Test
    void pageNumbersHaveFourOrEightBytes() throws Exception {
        assertThat(ClogRecord.decode(record(PostgresVersion.V16, Rmgr.CLOG, 0x10, 31, 1_000_000, 5)))
                .isEqualTo(new ClogRecord.Truncate(31, 1_000_000, 5));
        assertThat(ClogRecord.decode(record(PostgresVersion.V17, Rmgr.CLOG, 0x10, 31L, 1_000_000, 5)))
                .isEqualTo(new ClogRecord.Truncate(31, 1_000_000, 5));
        assertThat(CommitTsRecord.decode(record(PostgresVersion.V17, Rmgr.COMMIT_TS, 0x10, 31L, 1_000_000)))
                .isEqualTo(new CommitTsRecord.Truncate(31, 1_000_000));
        assertThat(MultiXactRecord.decode(record(PostgresVersion.V14, Rmgr.MULTIXACT, 0x10, 77)))
                .isEqualTo(new MultiXactRecord.ZeroMembersPage(77));
        WalRecord beyond = record(PostgresVersion.V18, Rmgr.CLOG, 0x00, 1L << 17);
        assertThatThrownBy(() -> ClogRecord.decode(beyond)).isInstanceOf(MalformedRecordException.class);
        WalRecord negative = record(PostgresVersion.V14, Rmgr.CLOG, 0x00, -1);
        assertThatThrownBy(() -> ClogRecord.decode(negative)).isInstanceOf(MalformedRecordException.class);
    }

    @Test
    void theRestIsReadAndDescribed() throws Exception {
        PostgresVersion v16 = PostgresVersion.V16;
        assertThat(MultiXactRecord.decode(record(v16, Rmgr.MULTIXACT, 0x20, 9, 17, 2, 700, 1, 701, 5)))
                .hasToString("9 offset 17 nmembers 2: 700 (sh) 701 (upd)");
        assertThat(MultiXactRecord.decode(record(v16, Rmgr.MULTIXACT, 0x30, 5, 1, 4097, 1, 9000)))
                .hasToString("offsets [1, 4097), members [1, 9000)");
        assertThat(StorageRecord.decode(record(v16, Rmgr.STORAGE, 0x10, 1663, 5, 16385, 3)))
                .isEqualTo(new StorageRecord.Create(new RelFileNode(1663, 5, 16385), ForkNumber.INIT));
        assertThat(StorageRecord.decode(record(v16, Rmgr.STORAGE, 0x20, 12, 1663, 5, 16385, 7)))
                .isEqualTo(new StorageRecord.Truncate(new RelFileNode(1663, 5, 16385), 12, 7));
        assertThat(StandbyRecord.decode(record(v16, Rmgr.STANDBY, 0x00, 1, 700, 5, 1259)))
                .hasToString("xid 700 db 5 rel 1259");
        assertThat(StandbyRecord.decode(record(v16, Rmgr.STANDBY, 0x10, 1, 1, 0, 702, 700, 699, 700, 701)))
                .hasToString("nextXid 702 latestCompletedXid 699 oldestRunningXid 700; 1 xacts: 700; 1 subxacts: 701");
        assertThat(TablespaceRecord.decode(record(v16, Rmgr.TABLESPACE, 0x00, 16400, "/data/a")))
                .isEqualTo(new TablespaceRecord.Create(16400, "/data/a"));
        assertThat(DatabaseRecord.decode(record(PostgresVersion.V14, Rmgr.DATABASE, 0x10, 9, 1, 1663)))
                .hasToString("dir 1663/9");
        assertThat(DatabaseRecord.decode(record(v16, Rmgr.DATABASE, 0x10, 9, 1663)))
                .isEqualTo(new DatabaseRecord.CreateWalLog(9, 1663));
        assertThat(ReplicationOriginRecord.decode(
                        record(v16, Rmgr.REPLICATION_ORIGIN, 0x00, 0x5000L, (short) 3, (byte) 1)))
                .isEqualTo(new ReplicationOriginRecord.Set(new Lsn(0x5000), 3, true));
        LogicalMessageRecord message = LogicalMessageRecord.decode(
                record(v16, Rmgr.LOGICAL_MESSAGE, 0x00, 5, 1, 4L, 3L, "abc", new byte[] {1, 2, 3}));
        assertThat(message).hasToString("transactional, prefix \"abc\"; payload (3 bytes)");
        assertThat(message.message()).containsExactly(1, 2, 3);
        WalRecord small = record(v16, Rmgr.RELMAP, 0x00, 5, 1663, 512, new byte[512]);
        assertThatThrownBy(() -> RelMapRecord.decode(small))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("524");
    }

    /** One byte of a prepared transaction is wrong: a record, or an exception of the family. */
    @ParameterizedTest
    @EnumSource
    void aDamagedPrepareIsDecodedOrRefused(PostgresVersion version) throws Exception {
        long seed = 9;
        Random random = new Random(seed);
        int decoded = 0;
        for (int round = 0; round < 10_000; round++) {
            byte[] main = prepared(version);
            main[8 + random.nextInt(main.length - 8)] = (byte) random.nextInt();
            WalRecord record = new RecordBuilder(version, Rmgr.TRANSACTION.id(), random.nextInt(16) << 4)
                    .main(main)
                    .decoded(0x100, 0x180);
            try {
                assertThat(RecordDescriber.describe(record)).isNotNull();
                decoded++;
            } catch (MalformedRecordException e) {
                assertThat(e).hasMessageContaining("main data");
            }
        }
        assertThat(decoded).as("seed %d", seed).isGreaterThan(1000);
    }
}
