package dev.palimpsest.storage.day;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Pages of {@value #SLOTS} numbers, and records that set one of them: 4 bytes for which, 8 for the number. A record that
 * initialises a page is the page.
 */
final class SlotRedo implements WalRedo {
    static final int SLOTS = 64;

    private static final int PAGE_BYTES = SLOTS * Long.BYTES;
    private static final int CHANGE_BYTES = Integer.BYTES + Long.BYTES;

    static Value page(long[] slots) {
        return new WalRecord.Postgres(true, bytes(slots));
    }

    static Value change(int slot, long number) {
        return new WalRecord.Postgres(
                false,
                ByteBuffer.allocate(CHANGE_BYTES).putInt(slot).putLong(number).array());
    }

    static byte[] bytes(long[] slots) {
        ByteBuffer bytes = ByteBuffer.allocate(PAGE_BYTES);
        bytes.asLongBuffer().put(slots);
        return bytes.array();
    }

    @Override
    public byte[] redo(
            int pgVersion,
            Key key,
            Lsn lsn,
            @Nullable BaseImage base,
            List<LsnRecord> records,
            IntFunction<byte[]> arrays)
            throws RedoException {
        byte[] page = base == null ? new byte[0] : base.bytes().clone();
        Lsn last = base == null ? Lsn.INVALID : base.lsn();
        for (LsnRecord at : records) {
            if (!at.lsn().isAfter(last) || at.lsn().isAfter(lsn)) {
                throw new RedoException(
                        "key " + key + ": record at " + at.lsn() + " after " + last + ", asked for " + lsn);
            }
            last = at.lsn();
            if (!(at.record() instanceof WalRecord.Postgres(boolean willInit, byte[] bytes))) {
                throw new RedoException("key " + key + ": a record of another kind at " + at.lsn());
            }
            if (willInit) {
                page = bytes.clone();
            } else if (page.length == PAGE_BYTES) {
                ByteBuffer fields = ByteBuffer.wrap(bytes);
                ByteBuffer.wrap(page).putLong(fields.getInt() * Long.BYTES, fields.getLong());
            } else {
                throw new RedoException("key " + key + ": no page for the record at " + at.lsn());
            }
        }
        return page;
    }
}
