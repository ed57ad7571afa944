package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;

/**
 * Pruning and freezing a heap page. Block data, all numbers of line pointers u16:
 *
 * <pre>
 * PRUNE        redirections, two numbers each: from, to; the dead ones; the rest become unused
 * VACUUM       those that become unused
 * FREEZE_PAGE  14, 15: for each tuple u32 xmax, u16 number, u16 infomask2, u16 infomask, u8 flags, 1 unused
 *              16:     the plans, then the numbers of the tuples of each plan
 * since 17     each part only if its flag in the main data is set:
 *              0x10 u16 n, 2 unused, n plans
 *              0x20 u16 n, n redirections
 *              0x40 u16 n, n that become dead
 *              0x80 u16 n, n that become unused
 *              0x10 the numbers of the tuples of each plan
 * plan         u32 xmax, u16 infomask2, u16 infomask, u8 flags, 1 unused, u16 number of tuples
 * flags        2 xvac becomes frozen, 4 xvac becomes invalid
 * </pre>
 */
final class HeapPruning {
    private static final int CLEANUP_LOCK = 0x04;
    private static final int HAS_PLANS = 0x10;
    private static final int HAS_REDIRECTIONS = 0x20;
    private static final int HAS_DEAD = 0x40;
    private static final int HAS_UNUSED = 0x80;
    private static final int PLAN_SIZE = 12;
    private static final int NUMBER_SIZE = 2;
    private static final int FROZEN_XVAC = 0x02;
    private static final int INVALID_XVAC = 0x04;

    private HeapPruning() {}

    /** PRUNE, VACUUM and FREEZE_PAGE, up to PostgreSQL 16. */
    static void separate(BlockRedo block, int type) throws PageException, MalformedRecordException {
        Page page = block.page();
        Payload main = block.mainData();
        PayloadReader reader = block.data().readerAt(0);
        if (type == Heap2Redo.PRUNE) {
            redirect(page, reader, main.u16(4));
            kill(page, reader, main.u16(6));
            free(page, reader, reader.remaining() / NUMBER_SIZE);
            block.editor().repairFragmentation(page, block.version().truncatesLinePointers());
        } else if (type == Heap2Redo.VACUUM) {
            free(page, reader, main.u16(0));
            block.editor().truncateLinePointers(page);
        } else if (block.version().isAtLeast(PostgresVersion.V16)) {
            int plans = main.u16(4);
            reader.take(plans * PLAN_SIZE);
            freeze(page, block.data(), 0, plans, reader);
        } else {
            for (int count = main.u16(4); count > 0; count--) {
                int at = reader.position();
                reader.take(PLAN_SIZE);
                Payload data = block.data();
                freeze(page, data.u16(at + 4), data.i32(at), data.u16(at + 6), data.u16(at + 8), data.u8(at + 10));
            }
        }
        reader.expectEnd();
    }

    /** The three types of PRUNE since PostgreSQL 17. */
    static void combined(BlockRedo block) throws PageException, MalformedRecordException {
        Page page = block.page();
        int flags = block.mainData().u8(1);
        PayloadReader reader = block.data().readerAt(0);
        int plans = 0;
        int plansAt = 0;
        if ((flags & HAS_PLANS) != 0) {
            plans = reader.u16();
            reader.take(2);
            plansAt = reader.position();
            reader.take(plans * PLAN_SIZE);
        }
        redirect(page, reader, (flags & HAS_REDIRECTIONS) != 0 ? reader.u16() : 0);
        kill(page, reader, (flags & HAS_DEAD) != 0 ? reader.u16() : 0);
        free(page, reader, (flags & HAS_UNUSED) != 0 ? reader.u16() : 0);
        if ((flags & (HAS_REDIRECTIONS | HAS_DEAD | HAS_UNUSED)) != 0) {
            if ((flags & CLEANUP_LOCK) != 0) {
                block.editor().repairFragmentation(page, true);
            } else {
                block.editor().truncateLinePointers(page);
            }
        }
        freeze(page, block.data(), plansAt, plans, reader);
        reader.expectEnd();
    }

    private static void redirect(Page page, PayloadReader reader, int count)
            throws PageException, MalformedRecordException {
        for (int i = 0; i < count; i++) {
            int from = reader.u16();
            page.setLinePointer(from, LinePointer.redirect(reader.u16()));
        }
    }

    private static void kill(Page page, PayloadReader reader, int count)
            throws PageException, MalformedRecordException {
        for (int i = 0; i < count; i++) {
            page.setLinePointer(reader.u16(), LinePointer.dead());
        }
    }

    private static void free(Page page, PayloadReader reader, int count)
            throws PageException, MalformedRecordException {
        for (int i = 0; i < count; i++) {
            page.setLinePointer(reader.u16(), 0);
        }
    }

    /** @param numbers is at the numbers of the first plan's tuples */
    private static void freeze(Page page, Payload data, int plansAt, int plans, PayloadReader numbers)
            throws PageException, MalformedRecordException {
        for (int at = plansAt, end = plansAt + plans * PLAN_SIZE; at < end; at += PLAN_SIZE) {
            for (int count = data.u16(at + 10); count > 0; count--) {
                freeze(page, numbers.u16(), data.i32(at), data.u16(at + 4), data.u16(at + 6), data.u8(at + 8));
            }
        }
    }

    private static void freeze(Page page, int number, int xmax, int infomask2, int infomask, int flags)
            throws PageException {
        int tuple = page.normalItem(number, HeapTuple.HEADER_SIZE);
        HeapTuple.setXmax(page, tuple, xmax);
        if ((flags & FROZEN_XVAC) != 0) {
            page.putI32(tuple + HeapTuple.CID, TransactionId.FROZEN);
        }
        if ((flags & INVALID_XVAC) != 0) {
            page.putI32(tuple + HeapTuple.CID, 0);
        }
        HeapTuple.setInfomask(page, tuple, infomask);
        HeapTuple.setInfomask2(page, tuple, infomask2);
    }
}
