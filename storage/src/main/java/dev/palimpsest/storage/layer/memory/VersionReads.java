package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Values of one ephemeral file to be read together: planned one by one, then read in the order of the file with as few
 * reads as possible. Used by one request.
 */
final class VersionReads {
    /** As many bytes that nobody asked for are read over rather than starting another read. */
    private static final int MAX_GAP = 4 << 10;

    /** How many values fit in a plan; an ordinal takes the bits that a position leaves. */
    static final int MAX_PLANNED = 1 << 28;

    private static final int ORDINAL_BITS = 28;

    private long[] locations = new long[4];
    private long[] lsns = new long[4];
    private int[] guards = new int[4];
    private int size;
    private @Nullable Value[] values = {};
    private @Nullable StorageException[] failures = {};

    /**
     * Plans one more value; returns its ordinal, counted from 0.
     *
     * @param guard of the {@link StoredValue}
     */
    int add(long lsn, long location, int guard) {
        if (size == locations.length) {
            if (size == MAX_PLANNED) {
                throw new IllegalStateException("more than " + MAX_PLANNED + " values in one read");
            }
            locations = Arrays.copyOf(locations, 2 * size);
            lsns = Arrays.copyOf(lsns, 2 * size);
            guards = Arrays.copyOf(guards, 2 * size);
        }
        locations[size] = location;
        lsns[size] = lsn;
        guards[size] = guard;
        return size++;
    }

    int size() {
        return size;
    }

    long lsn(int ordinal) {
        return lsns[ordinal];
    }

    /** The value of that ordinal; null if it could not be read. After {@link #readAll}. */
    @Nullable
    Value value(int ordinal) {
        return values[ordinal];
    }

    /** Why the value of that ordinal could not be read; an exception of its own. After {@link #readAll}. */
    @Nullable
    StorageException failure(int ordinal) {
        return failures[ordinal];
    }

    /**
     * Reads everything planned. A read that fails is told by {@link #failure} of each value that it was for.
     *
     * @throws StorageException only if the request was cancelled
     */
    void readAll(EphemeralFile file, ReadBuffers buffers, RequestContext context) throws StorageException {
        values = new Value[size];
        failures = new StorageException[size];
        long[] order = new long[size];
        for (int i = 0; i < size; i++) {
            order[i] = ValueLocation.position(locations[i]) << ORDINAL_BITS | i;
        }
        Arrays.sort(order);
        ByteBuffer buffer = buffers.take();
        try {
            for (int from = 0; from < size; ) {
                context.checkCancelled();
                int to = endOfRun(order, from);
                readRun(file, order, from, to, buffer, context);
                from = to;
            }
        } finally {
            buffers.giveBack(buffer);
        }
    }

    private static int ordinal(long ordered) {
        return (int) ordered & (MAX_PLANNED - 1);
    }

    private int endOfRun(long[] order, int from) {
        long start = order[from] >>> ORDINAL_BITS;
        long end = ValueLocation.end(locations[ordinal(order[from])]);
        int to = from + 1;
        while (to < size) {
            long next = locations[ordinal(order[to])];
            if (ValueLocation.position(next) - end > MAX_GAP || ValueLocation.end(next) - start > ReadBuffers.SIZE) {
                break;
            }
            end = ValueLocation.end(next);
            to++;
        }
        return to;
    }

    private void readRun(
            EphemeralFile file, long[] order, int from, int to, ByteBuffer pooled, RequestContext context) {
        long start = order[from] >>> ORDINAL_BITS;
        int length = (int) (ValueLocation.end(locations[ordinal(order[to - 1])]) - start);
        ByteBuffer buffer = length <= pooled.capacity() ? pooled.clear() : ByteBuffer.allocate(length);
        try {
            file.read(start, buffer.limit(length), context);
        } catch (DiskException | CorruptionException e) {
            for (int i = from; i < to; i++) {
                failures[ordinal(order[i])] = ownFailure(file, locations[ordinal(order[i])], e);
            }
            return;
        }
        for (int i = from; i < to; i++) {
            int ordinal = ordinal(order[i]);
            long location = locations[ordinal];
            int at = (int) (ValueLocation.position(location) - start);
            try {
                StoredValue.check(buffer, at, guards[ordinal], location, file.name(), lsns[ordinal]);
                values[ordinal] = StoredValue.decode(buffer, at, location, context.arrays(), file.name());
            } catch (CorruptionException e) {
                failures[ordinal] = e;
            }
            buffer.clear().limit(length);
        }
    }

    private static StorageException ownFailure(EphemeralFile file, long location, StorageException of) {
        String path = file.name();
        long position = ValueLocation.position(location);
        return of instanceof DiskException failed
                ? new DiskException(
                        failed.kind(),
                        "read",
                        path,
                        position,
                        ValueLocation.storedLength(location),
                        "a read of several values failed",
                        of)
                : new CorruptionException(path, position, "the file ends before the value does", of);
    }
}
