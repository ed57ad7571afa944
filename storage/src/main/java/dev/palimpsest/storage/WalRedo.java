package dev.palimpsest.storage;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.WalRecord;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Applies WAL records to a page. The engine gathers what is to be applied and asks; it does not know what a record means. */
public interface WalRedo {
    /** A record and the LSN it is at (the end of the WAL record). */
    record LsnRecord(Lsn lsn, WalRecord record) {}

    /**
     * Rebuilds the value of {@code key} as of {@code lsn}.
     *
     * <p>The same arguments give the same bytes. Called by many threads at once.
     *
     * @param pgVersion PostgreSQL's major version, which wrote the records, 14 to 18
     * @param base the image to start from, with the LSN it is of; null when the first record initialises the page
     * @param records what to apply, oldest first, not empty, each at most {@code lsn}
     * @param arrays gives an array of exactly the length that it is asked for, with arbitrary contents, where {@code base} does
     *     not do
     * @return for a relation page 8192 bytes; may be the array of {@code base}
     * @throws RedoException if a record does not fit; names key, LSN and record
     */
    byte[] redo(
            int pgVersion,
            Key key,
            Lsn lsn,
            @Nullable BaseImage base,
            List<LsnRecord> records,
            IntFunction<byte[]> arrays)
            throws RedoException;

    /** The image that records are applied to. It is given away: {@code bytes} may be changed, whether redo succeeds or not. */
    record BaseImage(Lsn lsn, byte[] bytes) {}
}
