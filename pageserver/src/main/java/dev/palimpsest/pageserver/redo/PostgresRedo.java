package dev.palimpsest.pageserver.redo;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.PageRedo;
import dev.palimpsest.postgres.redo.VisibilityClear;
import dev.palimpsest.postgres.slru.ClogPage;
import dev.palimpsest.postgres.slru.CommitTimestamps;
import dev.palimpsest.postgres.slru.MultiXactMembersPage;
import dev.palimpsest.postgres.slru.MultiXactOffsetsPage;
import dev.palimpsest.postgres.slru.SlruChange;
import dev.palimpsest.postgres.slru.SlruChanges;
import dev.palimpsest.postgres.slru.SlruUpdate;
import dev.palimpsest.postgres.slru.TransactionStatus;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordDecoder;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.key.SlruKeys;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Redo in this process. A page of {@code pg_xact} on which transactions committed is 8 bytes longer than PostgreSQL's: the
 * time of the latest of these commits follows it (microseconds since 2000-01-01 00:00 UTC, big-endian), as Neon has it.
 *
 * <p>Safe for use by many threads; keeps scratch space for a few of them, and more only while they work.
 */
public final class PostgresRedo implements WalRedo, AutoCloseable {
    private static final int PAGE = 8192;
    private static final int KEPT_WORKERS = 16;

    private final ArrayBlockingQueue<Worker> idle = new ArrayBlockingQueue<>(KEPT_WORKERS);

    @Override
    public byte[] redo(
            int pgVersion,
            Key key,
            Lsn lsn,
            @Nullable BaseImage base,
            List<LsnRecord> records,
            IntFunction<byte[]> arrays)
            throws RedoException {
        Worker worker = idle.poll();
        if (worker == null) {
            worker = new Worker();
        }
        try {
            PostgresVersion version = PostgresVersion.ofMajor(pgVersion);
            return RelationKeys.isBlock(key)
                    ? worker.relationPage(version, key, start(key, base, PAGE, arrays), records)
                    : worker.slruPage(version, key, base, records);
        } finally {
            if (!idle.offer(worker)) {
                worker.close();
            }
        }
    }

    /** What redo begins with: the image, in its own array if that is long enough, or zeros. */
    private static byte[] start(Key key, @Nullable BaseImage base, int size, IntFunction<byte[]> arrays)
            throws RedoException {
        if (base == null) {
            byte[] zeros = arrays.apply(size);
            Arrays.fill(zeros, (byte) 0);
            return zeros;
        }
        int length = base.bytes().length;
        if (length < PAGE || length > size) {
            throw new RedoException("key " + key + ": an image of " + length + " bytes at " + base.lsn());
        }
        return length == size ? base.bytes() : Arrays.copyOf(base.bytes(), size);
    }

    /** Frees the scratch space of those who do not work. */
    @Override
    public void close() {
        for (Worker worker = idle.poll(); worker != null; worker = idle.poll()) {
            worker.close();
        }
    }

    /** What one thread needs. */
    private static final class Worker implements AutoCloseable {
        private final RecordDecoder decoder = new RecordDecoder();
        private final dev.palimpsest.postgres.wal.WalRecord record = new dev.palimpsest.postgres.wal.WalRecord();
        private final PageRedo hintsLogged = new PageRedo(HintLogging.ON);
        private final PageRedo hintsNotLogged = new PageRedo(HintLogging.OFF);

        byte[] relationPage(PostgresVersion version, Key key, byte[] bytes, List<LsnRecord> records)
                throws RedoException {
            Page page = Page.wrap(bytes);
            RelTag fork = RelTag.of(key);
            for (LsnRecord each : records) {
                switch (each.record()) {
                    case WalRecord.Postgres(boolean _, byte[] raw) -> apply(version, key, fork, page, raw, each.lsn());
                    case WalRecord.ClearVisibilityMapFlags clear -> clear(key, fork, page, clear, each.lsn());
                    case WalRecord.TruncateVisibilityMap(long truncByte, long truncOffset) ->
                        truncate(key, page, truncByte, truncOffset, each.lsn());
                    default -> throw unfit(key, each);
                }
            }
            return bytes;
        }

        private void apply(PostgresVersion version, Key key, RelTag fork, Page page, byte[] raw, Lsn lsn)
                throws RedoException {
            try {
                decoder.decode(version, raw, 0, raw.length, 0, lsn.value(), record);
                PageRedo redo = RedoNotes.hintLogging(raw) == HintLogging.ON ? hintsLogged : hintsNotLogged;
                redo.redo(page, record, blockId(key, fork));
            } catch (MalformedRecordException | dev.palimpsest.postgres.wal.RedoException e) {
                throw new RedoException("key " + key + " at " + lsn + ": " + e.getMessage(), e);
            }
        }

        private int blockId(Key key, RelTag fork) throws RedoException {
            for (int id = 0; id <= record.maxBlockId(); id++) {
                if (record.hasBlock(id)
                        && record.blockNumber(id) == key.field6()
                        && record.relNode(id) == fork.relNode()
                        && record.forkNumber(id) == fork.forkNumber()
                        && record.dbNode(id) == fork.dbNode()
                        && record.spcNode(id) == fork.spcNode()) {
                    return id;
                }
            }
            throw new RedoException("key " + key + ": the record that ends at " + new Lsn(record.endLsn())
                    + " does not refer to this block");
        }

        private static void clear(Key key, RelTag fork, Page page, WalRecord.ClearVisibilityMapFlags clear, Lsn lsn)
                throws RedoException {
            RelFileNode relation = new RelFileNode(fork.spcNode(), fork.dbNode(), fork.relNode());
            for (OptionalInt block : List.of(clear.oldHeapBlock(), clear.newHeapBlock())) {
                if (block.isPresent()) {
                    VisibilityClear bits = new VisibilityClear(relation, block.getAsInt(), clear.flags());
                    if (bits.mapPage().blockNumber() != key.field6()) {
                        throw new RedoException("key " + key + " at " + lsn + ": heap block " + block.getAsInt()
                                + " has its bits on page " + bits.mapPage().blockNumber());
                    }
                    bits.applyTo(page);
                }
            }
        }

        private static void truncate(Key key, Page page, long truncByte, long truncOffset, Lsn lsn)
                throws RedoException {
            int first = PageLayout.HEADER_SIZE + (int) truncByte;
            if (truncByte < 0 || first >= PAGE || truncOffset < 0 || truncOffset > 7) {
                throw new RedoException("key " + key + " at " + lsn + ": a visibility map cannot be cut at byte "
                        + truncByte + ", bit " + truncOffset);
            }
            byte[] bytes = page.bytes();
            Arrays.fill(bytes, first + 1, PAGE, (byte) 0);
            bytes[first] &= (byte) ((1 << truncOffset) - 1);
        }

        byte[] slruPage(PostgresVersion version, Key key, @Nullable BaseImage base, List<LsnRecord> records)
                throws RedoException {
            if (!SlruKeys.isBlock(key)) {
                throw new RedoException("key " + key + " is neither a block of a relation nor of an SLRU, yet has "
                        + records.size() + " WAL records, the first at "
                        + records.getFirst().lsn());
            }
            byte[] page = start(key, base, PAGE + Long.BYTES, byte[]::new);
            boolean timed = base != null && base.bytes().length == PAGE + Long.BYTES;
            for (LsnRecord each : records) {
                switch (each.record()) {
                    case WalRecord.ClogSetCommitted(int[] xids, long commitTime) -> {
                        for (int xid : xids) {
                            ClogPage.setStatus(page, xid, TransactionStatus.COMMITTED);
                        }
                        ByteBuffer.wrap(page).putLong(PAGE, commitTime);
                        timed = true;
                    }
                    case WalRecord.ClogSetAborted(int[] xids) -> {
                        for (int xid : xids) {
                            ClogPage.setStatus(page, xid, TransactionStatus.ABORTED);
                        }
                    }
                    case WalRecord.MultixactOffsetCreate(int multixact, int memberOffset) ->
                        MultiXactOffsetsPage.setOffset(page, multixact, memberOffset);
                    case WalRecord.MultixactMembersCreate(
                            int memberOffset,
                            List<WalRecord.MultixactMember> members) -> {
                        int offset = memberOffset;
                        for (WalRecord.MultixactMember member : members) {
                            MultiXactMembersPage.set(page, offset++, member.xid(), member.status());
                        }
                    }
                    case WalRecord.Postgres(boolean _, byte[] raw) -> applySlru(version, key, page, raw, each.lsn());
                    default -> throw unfit(key, each);
                }
            }
            return timed ? page : Arrays.copyOf(page, PAGE);
        }

        /** A commit, which sets commit timestamps on this page. */
        private void applySlru(PostgresVersion version, Key key, byte[] page, byte[] raw, Lsn lsn)
                throws RedoException {
            if (SlruKind.of(key) != SlruKind.COMMIT_TIMESTAMPS) {
                throw new RedoException("key " + key + " at " + lsn + ": a record of PostgreSQL for a page of "
                        + SlruKind.of(key).directory());
            }
            int pageNumber = key.field4() * dev.palimpsest.postgres.slru.SlruKind.PAGES_PER_SEGMENT + key.field6();
            try {
                decoder.decode(version, raw, 0, raw.length, 0, lsn.value(), record);
                for (SlruChange change : SlruChanges.of(record, CommitTimestamps.ON)) {
                    if (change instanceof SlruUpdate update
                            && update.kind() == dev.palimpsest.postgres.slru.SlruKind.COMMIT_TS
                            && update.page().pageNumber() == pageNumber) {
                        update.apply(page);
                    }
                }
            } catch (MalformedRecordException e) {
                throw new RedoException("key " + key + " at " + lsn + ": " + e.getMessage(), e);
            }
        }

        private static RedoException unfit(Key key, LsnRecord record) {
            return new RedoException(
                    "key " + key + " at " + record.lsn() + ": a record that does not fit: " + record.record());
        }

        @Override
        public void close() {
            hintsLogged.close();
            hintsNotLogged.close();
        }
    }

    /** When the last commit of a page of {@code pg_xact} was, if there was one since the page is kept here; else null. */
    public static @Nullable TimestampTz latestCommit(byte[] clogPage) {
        return clogPage.length == PAGE + Long.BYTES
                ? new TimestampTz(ByteBuffer.wrap(clogPage).getLong(PAGE))
                : null;
    }
}
