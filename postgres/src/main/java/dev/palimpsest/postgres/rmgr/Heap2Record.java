package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Locale;

/**
 * The records of resource manager Heap2. Main data by type, little-endian:
 *
 * <pre>
 * 00 REWRITE       u32 mapped transaction; u32 database; u32 relation; 4 unused; i64 offset in the mapping file; u32 n;
 *                  4 unused; u64 LSN of the rewrite's start; n × 36 bytes of mappings
 * 40 VISIBLE       u32 conflict horizon; u8 flags: 1 all-visible, 2 all-frozen, since 16: 4 catalog
 * 50 MULTI_INSERT  u8 flags as of Heap INSERT; 1 unused; u16 n; n × u16 offset, unless the page is made anew (0x80)
 * 60 LOCK_UPDATED  u32 xmax; u16 offset; u8 infobits; u8 flags: 1 all-frozen cleared
 * 70 NEW_CID       u32 top-level transaction; u32 cmin; u32 cmax; u32 combo cid; the relation, 12 bytes; tid, 6 bytes
 *
 * up to 16
 * 10 PRUNE         u32 conflict horizon; u16 redirections; u16 dead; since 16: u8 catalog
 * 20 VACUUM        u16 unused ones
 * 30 FREEZE_PAGE   u32 conflict horizon; u16 tuples, since 16 plans; since 16: u8 catalog
 *
 * since 17
 * 10 PRUNE_ON_ACCESS, 20 PRUNE_VACUUM_SCAN, 30 PRUNE_VACUUM_CLEANUP
 *                  u8 reason; u8 flags: 2 catalog, 4 cleanup lock, 8 horizon follows, 0x10 freeze plans, 0x20
 *                  redirections, 0x40 dead, 0x80 unused; u32 conflict horizon
 * </pre>
 */
public sealed interface Heap2Record {
    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** Tuples got other places while a catalog was rewritten: for logical decoding. */
    record Rewrite(int mappedTransaction, int database, int relation, long fileOffset, int mappings, Lsn start)
            implements Heap2Record {
        @Override
        public String toString() {
            return "xid " + TransactionId.toString(mappedTransaction) + " of "
                    + Integer.toUnsignedString(database) + "/" + Integer.toUnsignedString(relation) + "; "
                    + mappings + " mappings at " + fileOffset + "; start " + start;
        }
    }

    /** Up to 16: line pointers were redirected, died or were freed, and the page was compacted. */
    record Prune(int horizon, int redirections, int dead) implements Heap2Record {
        @Override
        public String toString() {
            return "snapshotConflictHorizon: " + TransactionId.toString(horizon) + ", nredirected: " + redirections
                    + ", ndead: " + dead;
        }
    }

    /** Up to 16: dead line pointers were freed. */
    record Vacuum(int unused) implements Heap2Record {
        @Override
        public String toString() {
            return "nunused: " + unused;
        }
    }

    /**
     * Up to 16: tuples were frozen.
     *
     * @param plans how many kinds of freezing there are: before 16, how many tuples
     */
    record FreezePage(int horizon, int plans) implements Heap2Record {
        @Override
        public String toString() {
            return "snapshotConflictHorizon: " + TransactionId.toString(horizon) + ", nplans: " + plans;
        }
    }

    /**
     * Since 17: any of pruning, freeing and freezing.
     *
     * @param horizon 0 if there is none
     */
    record PruneFreeze(int reason, int flags, int horizon) implements Heap2Record {
        @Override
        public String toString() {
            return (horizon == TransactionId.INVALID
                            ? ""
                            : "snapshotConflictHorizon: " + TransactionId.toString(horizon) + ", ")
                    + "isCatalogRel: " + ((flags & 2) != 0 ? 'T' : 'F') + ", flags: " + hex(flags);
        }
    }

    /** A page is all-visible or all-frozen. */
    record Visible(int horizon, int flags) implements Heap2Record {
        @Override
        public String toString() {
            return "snapshotConflictHorizon: " + TransactionId.toString(horizon) + ", flags: " + hex(flags);
        }
    }

    /** Tuples were added to one page. */
    record MultiInsert(int flags, int tuples) implements Heap2Record {
        @Override
        public String toString() {
            return "ntuples: " + tuples + ", flags: " + hex(flags);
        }
    }

    /** A tuple was locked because an older version of it was. */
    record LockUpdated(int xmax, int offset, int infobits, int flags) implements Heap2Record {
        @Override
        public String toString() {
            return HeapRecord.lockText(xmax, offset, infobits, flags);
        }
    }

    /** Which commands made and removed a catalog tuple: for logical decoding. */
    record NewCid(int topTransaction, int cmin, int cmax, int combo, RelFileNode relation, int block, int offset)
            implements Heap2Record {
        @Override
        public String toString() {
            return "rel: " + relation + ", tid: " + Integer.toUnsignedString(block) + "/" + offset + ", cmin: "
                    + Integer.toUnsignedString(cmin) + ", cmax: " + Integer.toUnsignedString(cmax) + ", combo: "
                    + Integer.toUnsignedString(combo);
        }
    }

    /**
     * Reads the main data of a record of resource manager Heap2.
     *
     * @throws MalformedRecordException if it is too short
     */
    static Heap2Record decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        int type = record.opcode() & 0x70;
        return switch (type) {
            case 0x00 -> rewrite(data);
            case 0x10, 0x20, 0x30 ->
                record.version().isAtLeast(PostgresVersion.V17) ? pruneFreeze(data) : separate(type, data);
            case 0x40 -> new Visible(data.i32(0), data.u8(4));
            case 0x50 -> new MultiInsert(data.u8(0), data.u16(2));
            case 0x60 -> new LockUpdated(data.i32(0), data.u16(4), data.u8(6), data.u8(7));
            default ->
                new NewCid(
                        data.i32(0),
                        data.i32(4),
                        data.i32(8),
                        data.i32(12),
                        data.relation(16),
                        Integer.rotateLeft(data.i32(28), 16),
                        data.u16(32));
        };
    }

    private static Rewrite rewrite(Payload data) throws MalformedRecordException {
        Lsn start = new Lsn(data.i64(32));
        return new Rewrite(data.i32(0), data.i32(4), data.i32(8), data.i64(16), data.i32(24), start);
    }

    private static Heap2Record separate(int type, Payload data) throws MalformedRecordException {
        return switch (type) {
            case 0x10 -> new Prune(data.i32(0), data.u16(4), data.u16(6));
            case 0x20 -> new Vacuum(data.u16(0));
            default -> new FreezePage(data.i32(0), data.u16(4));
        };
    }

    private static PruneFreeze pruneFreeze(Payload data) throws MalformedRecordException {
        int flags = data.u8(1);
        return new PruneFreeze(data.u8(0), flags, (flags & 8) != 0 ? data.i32(2) : TransactionId.INVALID);
    }

    private static String hex(int flags) {
        return String.format(Locale.ROOT, "0x%02X", flags);
    }
}
