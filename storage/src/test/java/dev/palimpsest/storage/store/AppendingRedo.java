package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.WalRecord;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** A redo whose records append their bytes to the value; one that initialises starts from nothing. */
public final class AppendingRedo implements WalRedo {
    @Override
    public byte[] redo(
            int pgVersion,
            Key key,
            Lsn lsn,
            @Nullable BaseImage base,
            List<LsnRecord> records,
            IntFunction<byte[]> arrays)
            throws RedoException {
        byte[] value = base == null ? new byte[0] : base.bytes();
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
            value = willInit ? bytes : append(value, bytes);
        }
        return value;
    }

    static byte[] append(byte[] value, byte[] more) {
        byte[] longer = Arrays.copyOf(value, value.length + more.length);
        System.arraycopy(more, 0, longer, value.length, more.length);
        return longer;
    }
}
