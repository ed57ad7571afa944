package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.blob.BlobHeader;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.function.IntFunction;

/**
 * The bytes of a value in an ephemeral file and in a batch: a format of our own that lives as long as the process, shorter
 * than what a layer file has, and made into that by {@link #putBlob}. The index has the length and the form of each value, so
 * neither is here:
 *
 * <pre>
 * offset  bytes
 *  0          4  guard, big-endian
 *  4     length  bare:  the record of a {@link WalRecord.Postgres}, of which the index has will_init
 *                else:  the value as {@link ValueCodec} writes it
 * </pre>
 *
 * <p>The same in a layer file, for comparison, is 18 or 21 bytes and the record: 1 or 4 of blob header, 4 and 4 of tags, 1 of
 * will_init, 8 of length. Values follow each other without padding.
 *
 * <p><b>The guard</b> is a hash of key, LSN, length and form. Whoever follows an index entry knows all of these and expects
 * one guard; if another is found, it is not that value that lies there. So what tells damage in a layer file, that lengths
 * and tags agree, is told here by the guard, and besides a value that lies where another should. The bytes behind the guard
 * are in no checksum, here as there: they are as old as the process.
 */
final class StoredValue {
    /** The length of a guard. */
    static final int GUARD_BYTES = 4;

    private StoredValue() {}

    /**
     * The guard of a value.
     *
     * @param location of which the position does not matter
     */
    static int guard(long high, long middle, char low, long lsn, long location) {
        // None of the products waits for another, so that it costs a few nanoseconds.
        long shape = (long) ValueLocation.shape(location) << Character.SIZE | low;
        long hash = folded(high) * 0x9E3779B97F4A7C15L
                + folded(middle) * 0xBF58476D1CE4E5B9L
                + folded(lsn) * 0x94D049BB133111EBL
                + shape * 0xD6E8FEB86659FD93L;
        hash = folded(hash) * 0x9E3779B97F4A7C15L;
        return (int) (hash >>> 32);
    }

    /** Gives the upper bits a weight in the upper and the lower bits of a product. */
    private static long folded(long word) {
        return word ^ word >>> 32;
    }

    /** The same. */
    static int guard(Key key, long lsn, long location) {
        return guard(key.high(), key.middle(), key.low(), lsn, location);
    }

    /**
     * Makes sure that what lies in {@code source} is the value of a guard.
     *
     * @param at where in the source the value's guard is; all of the value is there
     * @param resource the file, for the error
     * @param lsn for the error
     */
    static void check(ByteBuffer source, int at, int guard, long location, String resource, long lsn)
            throws CorruptionException {
        int found = source.getInt(at);
        if (found != guard) {
            throw new CorruptionException(
                    resource,
                    ValueLocation.position(location),
                    "expected a value at " + new Lsn(lsn) + " of " + ValueLocation.length(location)
                            + " bytes behind %08X, found %08X".formatted(guard, found));
        }
        if (!ValueLocation.isBare(location)) {
            checkWillInit(source, at + GUARD_BYTES, location, resource);
        }
    }

    private static void checkWillInit(ByteBuffer source, int at, long location, String resource)
            throws CorruptionException {
        int position = source.position();
        int limit = source.limit();
        long offset = ValueLocation.position(location) + GUARD_BYTES;
        boolean willInit;
        try {
            willInit = ValueCodec.willInit(
                    source.limit(at + ValueLocation.length(location)).position(at), resource, offset);
        } finally {
            source.limit(limit).position(position);
        }
        if (willInit != ValueLocation.willInit(location)) {
            throw new CorruptionException(
                    resource,
                    offset,
                    "a value that was put as " + initialises(!willInit) + " " + initialises(willInit));
        }
    }

    private static String initialises(boolean willInit) {
        return willInit ? "initialises its key" : "does not initialise its key";
    }

    /**
     * The value in {@code source}, which was checked. Copies the payload once.
     *
     * @param at where in the source the value's guard is; position and limit change
     * @param arrays gives the array of an image, of exactly the length that it is asked for; what is in it does not matter
     * @param resource the file, for the error
     */
    static Value decode(ByteBuffer source, int at, long location, IntFunction<byte[]> arrays, String resource)
            throws CorruptionException {
        int start = at + GUARD_BYTES;
        int length = ValueLocation.length(location);
        if (!ValueLocation.isBare(location)) {
            return ValueCodec.decode(
                    source.limit(start + length).position(start),
                    arrays,
                    resource,
                    ValueLocation.position(location) + GUARD_BYTES);
        }
        byte[] record = new byte[length];
        source.get(start, record);
        return new WalRecord.Postgres(ValueLocation.willInit(location), record);
    }

    /**
     * Writes what a layer file has of the value in {@code source}: {@link ValueLocation#blobLength} bytes at the target's
     * position, which moves behind them. Allocates nothing.
     *
     * @param at where in the source the value's guard is; position and limit change
     */
    static void putBlob(ByteBuffer source, int at, long location, ByteBuffer target) {
        int start = at + GUARD_BYTES;
        int length = ValueLocation.length(location);
        BlobHeader.write(BlobHeader.raw(ValueLocation.encodedLength(location)), target);
        if (ValueLocation.isBare(location)) {
            ValueCodec.encodePostgres(
                    ValueLocation.willInit(location),
                    source.limit(start + length).position(start),
                    target);
        } else {
            target.put(target.position(), source, start, length).position(target.position() + length);
        }
    }
}
