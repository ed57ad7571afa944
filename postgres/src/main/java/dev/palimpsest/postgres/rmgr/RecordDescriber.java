package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.WalRecord;
import org.jspecify.annotations.Nullable;

/** Says in one line what a record is about, much as {@code pg_waldump} does. */
public final class RecordDescriber {
    private RecordDescriber() {}

    /**
     * What the record's main data says, in words; empty if nothing. For resource managers whose records have no typed
     * payload, an extension's in particular, how many bytes it has.
     *
     * @throws MalformedRecordException if the record is not what its type must be
     */
    public static String describe(WalRecord record) throws MalformedRecordException {
        Rmgr manager = Rmgr.of(record.resourceManagerId());
        Object typed = manager == null ? null : decode(manager, record);
        return typed == null ? record.mainData().length() + " bytes of main data" : typed.toString();
    }

    private static @Nullable Object decode(Rmgr manager, WalRecord record) throws MalformedRecordException {
        return switch (manager) {
            case XLOG -> XlogRecord.decode(record);
            case TRANSACTION -> TransactionRecord.decode(record);
            case STORAGE -> StorageRecord.decode(record);
            case CLOG -> ClogRecord.decode(record);
            case DATABASE -> DatabaseRecord.decode(record);
            case TABLESPACE -> TablespaceRecord.decode(record);
            case MULTIXACT -> MultiXactRecord.decode(record);
            case RELMAP -> RelMapRecord.decode(record);
            case STANDBY -> StandbyRecord.decode(record);
            case BTREE -> BtreeRecord.decode(record);
            case HASH -> HashRecord.decode(record);
            case HEAP2 -> Heap2Record.decode(record);
            case HEAP -> HeapRecord.decode(record);
            case GIN -> GinRecord.decode(record);
            case SEQUENCE -> SequenceRecord.decode(record);
            case BRIN -> BrinRecord.decode(record);
            case GIST -> GistRecord.decode(record);
            case SPGIST -> SpGistRecord.decode(record);
            case COMMIT_TS -> CommitTsRecord.decode(record);
            case REPLICATION_ORIGIN -> ReplicationOriginRecord.decode(record);
            case LOGICAL_MESSAGE -> LogicalMessageRecord.decode(record);
            case GENERIC -> "";
            default -> null;
        };
    }

    /** The blocks the record refers to, in words; empty if none. */
    public static String describeBlocks(WalRecord record) {
        StringBuilder text = new StringBuilder();
        for (int id = 0; id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id)) {
                if (!text.isEmpty()) {
                    text.append(", ");
                }
                appendBlock(record, id, text);
            }
        }
        return text.toString();
    }

    private static void appendBlock(WalRecord record, int id, StringBuilder text) {
        text.append("blkref #").append(id).append(": rel ").append(record.relation(id));
        if (record.forkNumber(id) != ForkNumber.MAIN.number()) {
            text.append(" fork ").append(ForkNumber.of(record.forkNumber(id)));
        }
        text.append(" blk ").append(Integer.toUnsignedString(record.blockNumber(id)));
        if (record.willInit(id)) {
            text.append(" INIT");
        }
        if (record.hasImage(id)) {
            text.append(record.hasAppliedImage(id) ? " FPW" : " FPW for WAL verification");
            text.append(" (").append(record.imageLength(id)).append(" bytes");
            if (record.imageCompression(id) != ImageCompression.NONE) {
                text.append(", ").append(record.imageCompression(id));
            }
            if (record.holeLength(id) > 0) {
                text.append(", hole of ")
                        .append(record.holeLength(id))
                        .append(" at ")
                        .append(record.holeOffset(id));
            }
            text.append(')');
        }
    }
}
