package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.WalLevel;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The records of resource manager XLOG. Main data by type, little-endian:
 *
 * <pre>
 * 00 CHECKPOINT_SHUTDOWN   {@link CheckPoint}, 88 bytes
 * 10 CHECKPOINT_ONLINE     {@link CheckPoint}, 88 bytes
 * 20 NOOP                  anything
 * 30 NEXTOID               u32 next OID
 * 40 SWITCH                nothing; the rest of the segment is unused
 * 50 BACKUP_END            u64 LSN where the backup began
 * 60 PARAMETER_CHANGE      5 × i32 connections, workers, WAL senders, prepared, locks; i32 wal_level; u8 hints; u8 commit ts
 * 70 RESTORE_POINT         i64 time; 64 bytes name, NUL-terminated
 * 80 FPW_CHANGE            u8
 * 90 END_OF_RECOVERY       i64 time; u32 timeline; u32 previous one; since 17: i32 wal_level
 * A0 FPI_FOR_HINT          nothing; block 0 may have an image
 * B0 FPI                   nothing; each block has an image
 * D0 OVERWRITE_CONTRECORD  u64 LSN of the record given up; i64 time
 * E0 CHECKPOINT_REDO       since 17: i32 wal_level
 * </pre>
 */
public sealed interface XlogRecord {
    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** When a checkpoint was made. */
    enum CheckpointKind {
        /** While shutting down: its counters are exact. */
        SHUTDOWN,
        /** While running: its counters are lower limits. */
        ONLINE
    }

    /** A checkpoint. */
    record Checkpoint(CheckpointKind kind, CheckPoint checkPoint) implements XlogRecord {
        @Override
        public String toString() {
            return checkPoint + (kind == CheckpointKind.SHUTDOWN ? "; shutdown" : "; online");
        }
    }

    /** Nothing: only takes up room. */
    record Noop() implements XlogRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /** OIDs up to this one (unsigned, exclusive) may be in use. */
    record NextOid(int oid) implements XlogRecord {
        @Override
        public String toString() {
            return Integer.toUnsignedString(oid);
        }
    }

    /** The rest of the segment is unused. */
    record Switch() implements XlogRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /** A backup that began at this checkpoint's redo point is consistent from here on. */
    record BackupEnd(Lsn start) implements XlogRecord {
        @Override
        public String toString() {
            return start.toString();
        }
    }

    /** Settings changed that a standby must follow; the last two are 0 or 1. */
    record ParameterChange(
            int maxConnections,
            int maxWorkerProcesses,
            int maxWalSenders,
            int maxPreparedTransactions,
            int maxLocksPerTransaction,
            WalLevel walLevel,
            int walLogHints,
            int trackCommitTimestamp)
            implements XlogRecord {
        @Override
        public String toString() {
            return "max_connections=" + maxConnections + " max_worker_processes=" + maxWorkerProcesses
                    + " max_wal_senders=" + maxWalSenders + " max_prepared_xacts=" + maxPreparedTransactions
                    + " max_locks_per_xact=" + maxLocksPerTransaction + " wal_level=" + walLevel + " wal_log_hints="
                    + onOff(walLogHints) + " track_commit_timestamp=" + onOff(trackCommitTimestamp);
        }

        private static String onOff(int value) {
            return value == 0 ? "off" : "on";
        }
    }

    /** A named point to restore to. */
    record RestorePoint(TimestampTz time, String name) implements XlogRecord {
        @Override
        public String toString() {
            return name;
        }
    }

    /** Full-page writes are now on (1) or off (0). */
    record FullPageWritesChange(int value) implements XlogRecord {
        @Override
        public String toString() {
            return String.valueOf(value != 0);
        }
    }

    /** A server was promoted: a timeline begins. The WAL level is null before 17. */
    record EndOfRecovery(
            TimestampTz time,
            int timeline,
            int previousTimeline,
            @Nullable WalLevel walLevel) implements XlogRecord {
        @Override
        public String toString() {
            return "tli " + Integer.toUnsignedString(timeline) + "; prev tli "
                    + Integer.toUnsignedString(previousTimeline) + "; time " + time
                    + (walLevel == null ? "" : "; wal_level " + walLevel);
        }
    }

    /** The page as it was before a hint was set on it. */
    record FullPageImageForHint() implements XlogRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /** Whole pages. */
    record FullPageImage() implements XlogRecord {
        @Override
        public String toString() {
            return "";
        }
    }

    /** A record that began at {@code overwritten} was never finished. */
    record OverwriteContrecord(Lsn overwritten, TimestampTz time) implements XlogRecord {
        @Override
        public String toString() {
            return "lsn " + overwritten + "; time " + time;
        }
    }

    /** The redo point of the online checkpoint that follows. */
    record CheckpointRedo(WalLevel walLevel) implements XlogRecord {
        @Override
        public String toString() {
            return "wal_level " + walLevel;
        }
    }

    /**
     * Reads the main data of a record of resource manager XLOG.
     *
     * @throws MalformedRecordException if it is too short, has an impossible value, or the version has no such type
     */
    static XlogRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        PostgresVersion version = record.version();
        return switch (record.opcode()) {
            case 0x00 -> new Checkpoint(CheckpointKind.SHUTDOWN, checkPoint(record));
            case 0x10 -> new Checkpoint(CheckpointKind.ONLINE, checkPoint(record));
            case 0x20 -> new Noop();
            case 0x30 -> new NextOid(data.i32(0));
            case 0x40 -> new Switch();
            case 0x50 -> new BackupEnd(new Lsn(data.i64(0)));
            case 0x60 ->
                new ParameterChange(
                        data.i32(0),
                        data.i32(4),
                        data.i32(8),
                        data.i32(12),
                        data.i32(16),
                        walLevel(data, 20),
                        data.u8(24),
                        data.u8(25));
            case 0x70 -> new RestorePoint(new TimestampTz(data.i64(0)), text(data.copy(8, 64)));
            case 0x80 -> new FullPageWritesChange(data.u8(0));
            case 0x90 ->
                new EndOfRecovery(
                        new TimestampTz(data.i64(0)),
                        data.i32(8),
                        data.i32(12),
                        version.isAtLeast(PostgresVersion.V17) ? walLevel(data, 16) : null);
            case 0xA0 -> new FullPageImageForHint();
            case 0xB0 -> new FullPageImage();
            case 0xD0 -> new OverwriteContrecord(new Lsn(data.i64(0)), new TimestampTz(data.i64(8)));
            case 0xE0 -> checkpointRedo(record);
            default -> throw noSuchType(record);
        };
    }

    private static CheckPoint checkPoint(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        data.check(0, CheckPoint.SIZE);
        return CheckPoint.decode(record.version(), data.array(), data.arrayOffset());
    }

    private static CheckpointRedo checkpointRedo(WalRecord record) throws MalformedRecordException {
        if (!record.version().isAtLeast(PostgresVersion.V17)) {
            throw noSuchType(record);
        }
        return new CheckpointRedo(walLevel(record.mainData(), 0));
    }

    private static MalformedRecordException noSuchType(WalRecord record) {
        return record.mainData().malformed(record.version() + " has no record type " + RecordTypes.nameOf(record));
    }

    private static WalLevel walLevel(Payload data, int offset) throws MalformedRecordException {
        int number = data.i32(offset);
        if (!WalLevel.isValid(number)) {
            throw data.malformed("no wal_level has the number " + number);
        }
        return WalLevel.of(number);
    }

    private static String text(byte[] terminated) {
        int length = 0;
        while (length < terminated.length && terminated[length] != 0) {
            length++;
        }
        return new String(terminated, 0, length, StandardCharsets.UTF_8);
    }
}
