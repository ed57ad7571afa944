package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.pageserver.redo.RedoNotes;
import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.PageRedo;
import dev.palimpsest.postgres.redo.VisibilityClear;
import dev.palimpsest.postgres.rmgr.Completion;
import dev.palimpsest.postgres.rmgr.DatabaseRecord;
import dev.palimpsest.postgres.rmgr.Prepare;
import dev.palimpsest.postgres.rmgr.RelMapRecord;
import dev.palimpsest.postgres.rmgr.ReplicationOriginRecord;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import dev.palimpsest.postgres.rmgr.TablespaceRecord;
import dev.palimpsest.postgres.rmgr.TransactionRecord;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.postgres.slru.SlruChange;
import dev.palimpsest.postgres.slru.SlruChanges;
import dev.palimpsest.postgres.slru.SlruKind;
import dev.palimpsest.postgres.slru.SlruTruncation;
import dev.palimpsest.postgres.slru.SlruUpdate;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.ImageRecord;
import dev.palimpsest.postgres.wal.ImageRestorer;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordDecoder;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Says what each WAL record changes, without a look at what there is: so it can run ahead of the timeline. Follows the WAL
 * from one record to the next, and keeps of it the counters and settings that decide what later records mean.
 *
 * <p>A block's value is the record as PostgreSQL wrote it, with two exceptions. Of a record with images of several blocks
 * each block gets one with its own image only. And where PostgreSQL's redo depends on a setting, a note of it is put into
 * the record ({@link RedoNotes}).
 *
 * <p>Makes no object for a record that changes blocks which exist. Used by one thread; not usable after an exception.
 */
public final class WalInterpreter {
    private static final int VISIBLE = 0x40;
    private static final int TYPE = 0x70;
    private static final int VISIBLE_HEAP_BLOCK = 1;
    private static final int FULL_PAGE_IMAGE = 0xB0;
    private static final int FULL_PAGE_IMAGE_FOR_HINT = 0xA0;
    private static final int PARAMETER_CHANGE = 0x60;
    /** An image that leaves out less than this is stored as a page, which is the faster to read. */
    private static final int SMALL_HOLE = 2048;

    private final CounterRounding counters;
    private final ForkLengths lengths = new ForkLengths();
    private final RecordDecoder checksums = new RecordDecoder();
    private final ImageRestorer images = new ImageRestorer();
    private final Page page = new Page();
    private byte[] scratch = new byte[16 << 10];
    private ClusterSettings settings;
    private @Nullable KeptFile keptFile;

    private record KeptFile(String path, byte[] content) {}

    /**
     * @param version of the WAL
     * @param counters as they are where the WAL begins
     * @param settings of the cluster, likewise
     */
    public WalInterpreter(PostgresVersion version, CheckPoint counters, ClusterSettings settings) {
        this.counters = new CounterRounding(version, counters, settings.commitTimestamps());
        this.settings = settings;
    }

    /** Says that from the next record on the cluster has this file too, such as the history of the timeline that begins. */
    public void keep(String path, byte[] content) {
        keptFile = new KeptFile(path, content);
    }

    /**
     * Adds what the record changes.
     *
     * @param record the one after the last; is not kept
     * @throws MalformedRecordException if it is not what its type must be
     * @throws InvalidRequestException if it cannot be taken in: names the record, and why
     */
    public void interpret(WalRecord record, InterpretedBatch into)
            throws MalformedRecordException, InvalidRequestException {
        long lsn = record.endLsn();
        KeptFile file = keptFile;
        if (file != null) {
            into.add(new Change.File(lsn, file.path, file.content));
            keptFile = null;
        }
        Rmgr manager = Rmgr.of(record.resourceManagerId());
        if (manager == null) {
            requireImages(record);
        } else if (manager != Rmgr.HEAP && manager != Rmgr.BTREE) {
            metadata(record, manager, lsn, into);
        }
        CheckPoint changed = counters.follow(record);
        if (changed != null) {
            into.add(new Change.Counters(lsn, changed));
        }
        int last = record.maxBlockId();
        for (int id = 0; id <= last; id++) {
            if (record.hasBlock(id)) {
                block(record, id, lsn, into);
            }
        }
        if (manager == Rmgr.HEAP || manager == Rmgr.HEAP2) {
            clearVisibility(record, lsn, into);
        }
        into.recordEnds(lsn, record.totalLength());
    }

    /**
     * Whether everything before this record must be applied before it, and it before everything after: because it copies
     * what there is.
     */
    public static boolean isBarrier(WalRecord record) {
        return record.resourceManagerId() == Rmgr.DATABASE.id();
    }

    private static void requireImages(WalRecord record) throws InvalidRequestException {
        for (int id = 0; id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id) && !record.hasAppliedImage(id)) {
                throw new InvalidRequestException("the record at " + new Lsn(record.startLsn())
                        + " is of resource manager " + record.resourceManagerId()
                        + ", an extension's, whose redo is not known here: " + record.blockTag(id)
                        + " has no full-page image in it. Databases with that extension cannot be followed");
            }
        }
    }

    private void block(WalRecord record, int id, long lsn, InterpretedBatch into)
            throws MalformedRecordException, InvalidRequestException {
        int spcNode = record.spcNode(id);
        int dbNode = record.dbNode(id);
        int relNode = record.relNode(id);
        int fork = record.forkNumber(id);
        int block = record.blockNumber(id);
        if (relNode == 0 || block == -1) {
            throw record.mainData().malformed("it refers to " + record.blockTag(id));
        }
        boolean image = record.hasAppliedImage(id);
        boolean complete = image || record.willInit(id);
        if (lengths.grow(spcNode, dbNode, relNode, fork, block + 1)) {
            into.add(new Change.Extend(lsn, new RelTag(spcNode, dbNode, relNode, fork), block + 1, !complete));
        }
        long high = RelationKeys.blockHigh(spcNode, dbNode);
        long middle = RelationKeys.blockMiddle(dbNode, relNode, fork, block);
        char low = RelationKeys.blockLow(block);
        SerializedBatch.Builder values = into.values();
        Lsn at = new Lsn(lsn);
        if (image && isPage(record, id)) {
            images.restore(record, id, page);
            if (!page.isNew()) {
                page.setLsn(lsn);
            }
            values.putImage(high, middle, low, at, ByteBuffer.wrap(page.bytes()));
        } else if (image && record.blockCount() > 1 && PageRedo.imageIsAll(record, id)) {
            reserve(ImageRecord.size(record, id));
            int length = ImageRecord.write(record, id, checksums, scratch);
            values.putPostgresRecord(high, middle, low, at, true, ByteBuffer.wrap(scratch, 0, length));
        } else {
            values.putPostgresRecord(high, middle, low, at, complete, bytes(record, id));
        }
    }

    private static boolean isPage(WalRecord record, int id) {
        int opcode = record.opcode();
        return record.resourceManagerId() == Rmgr.XLOG.id()
                && (opcode == FULL_PAGE_IMAGE || opcode == FULL_PAGE_IMAGE_FOR_HINT)
                && record.imageCompression(id) == ImageCompression.NONE
                && record.holeLength(id) < SMALL_HOLE;
    }

    private ByteBuffer bytes(WalRecord record, int id) {
        boolean noteDue = settings.hintLogging() == HintLogging.OFF
                && id == VISIBLE_HEAP_BLOCK
                && record.resourceManagerId() == Rmgr.HEAP2.id()
                && (record.opcode() & TYPE) == VISIBLE;
        if (!noteDue) {
            return ByteBuffer.wrap(record.bytes(), record.offset(), record.totalLength());
        }
        int length = record.totalLength();
        reserve(length);
        System.arraycopy(record.bytes(), record.offset(), scratch, 0, length);
        RedoNotes.noteHintsNotLogged(scratch);
        LittleEndian.putI32(scratch, 20, checksums.crc(scratch, 0, length));
        return ByteBuffer.wrap(scratch, 0, length);
    }

    private void reserve(int size) {
        if (scratch.length < size) {
            scratch = new byte[Math.max(size, 2 * scratch.length)];
        }
    }

    private static void clearVisibility(WalRecord record, long lsn, InterpretedBatch into)
            throws MalformedRecordException {
        List<VisibilityClear> clears = VisibilityClear.of(record);
        if (clears.isEmpty()) {
            return;
        }
        VisibilityClear first = clears.getFirst();
        VisibilityClear last = clears.getLast();
        if (clears.size() == 2 && first.mapPage().equals(last.mapPage()) && first.bits() == last.bits()) {
            into.add(new Change.ClearVisibility(
                    lsn,
                    first.relation(),
                    OptionalInt.of(last.heapBlock()),
                    OptionalInt.of(first.heapBlock()),
                    first.bits()));
            return;
        }
        for (VisibilityClear clear : clears) {
            into.add(new Change.ClearVisibility(
                    lsn, clear.relation(), OptionalInt.of(clear.heapBlock()), OptionalInt.empty(), clear.bits()));
        }
    }

    private void metadata(WalRecord record, Rmgr manager, long lsn, InterpretedBatch into)
            throws MalformedRecordException {
        switch (manager) {
            case XLOG -> parameters(record, lsn, into);
            case TRANSACTION -> transaction(record, lsn, into);
            case STORAGE -> {
                StorageRecord storage = StorageRecord.decode(record);
                if (storage instanceof StorageRecord.Truncate) {
                    lengths.clear();
                }
                into.add(new Change.Storage(lsn, storage));
            }
            case CLOG, MULTIXACT, COMMIT_TS -> slru(record, lsn, 0, into);
            case DATABASE -> {
                lengths.clear();
                into.add(new Change.Database(lsn, DatabaseRecord.decode(record)));
            }
            case TABLESPACE -> into.add(new Change.Tablespace(lsn, TablespaceRecord.decode(record)));
            case RELMAP -> into.add(new Change.RelationMap(lsn, RelMapRecord.decode(record)));
            case REPLICATION_ORIGIN -> into.add(new Change.Origin(lsn, ReplicationOriginRecord.decode(record)));
            default -> {}
        }
    }

    private void parameters(WalRecord record, long lsn, InterpretedBatch into) throws MalformedRecordException {
        if (record.opcode() == PARAMETER_CHANGE
                && XlogRecord.decode(record) instanceof XlogRecord.ParameterChange change) {
            slru(record, lsn, 0, into);
            into.add(new Change.Settings(lsn, change));
            settings = settings.after(change);
        }
    }

    private void transaction(WalRecord record, long lsn, InterpretedBatch into) throws MalformedRecordException {
        switch (TransactionRecord.decode(record)) {
            case Completion completion -> {
                long time = completion.time().micros();
                if (completion.kind().isCommit()) {
                    into.committed(time);
                }
                slru(record, lsn, time, into);
                if (!completion.dropped().isEmpty()) {
                    lengths.clear();
                }
                if (needsMore(completion)) {
                    into.add(new Change.Completed(lsn, counters.identify(completion.xid()), completion));
                }
            }
            case Prepare _ -> {
                byte[] state = record.mainData().copy(0, record.mainData().length());
                into.add(new Change.Prepared(lsn, counters.identify(record.xid()), state));
            }
            default -> {}
        }
    }

    private static boolean needsMore(Completion completion) {
        return !completion.dropped().isEmpty() || completion.kind().isPrepared() || completion.hasOrigin();
    }

    private void slru(WalRecord record, long lsn, long commitTime, InterpretedBatch into)
            throws MalformedRecordException {
        byte[] kept = null;
        for (SlruChange change : SlruChanges.of(record, settings.commitTimestamps())) {
            switch (change) {
                case SlruUpdate update -> {
                    if (update.kind() == SlruKind.COMMIT_TS && kept == null) {
                        kept = Arrays.copyOfRange(
                                record.bytes(), record.offset(), record.offset() + record.totalLength());
                    }
                    into.add(new Change.Slru(
                            lsn, update, commitTime, update.kind() == SlruKind.COMMIT_TS ? kept : null));
                }
                case SlruTruncation truncation -> into.add(new Change.SlruGone(lsn, truncation));
            }
        }
    }
}
