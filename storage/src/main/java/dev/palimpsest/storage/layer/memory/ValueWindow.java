package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Some consecutive values of a frozen layer in the order of key and LSN, one after the other in memory, fetched from the file
 * in the order in which they lie there. Used by one thread at a time.
 */
final class ValueWindow {
    private static final int SCRATCH_BYTES = 1 << 20;
    /** As many bytes that are not wanted are read over rather than starting another read: to copy them costs as much. */
    private static final int MAX_GAP_BUFFERED = 4 << 10;
    /** The same where every read goes to the device. */
    private static final int MAX_GAP_DIRECT = 64 << 10;

    private static final int ORDINAL_BITS = 28;
    private static final int MAX_PER_WINDOW = 1 << ORDINAL_BITS;

    private final MemoryIndex index;
    private final EphemeralFile file;
    private final RequestContext context;
    private final int maxGap;
    private final ByteBuffer bytes;
    private final ByteBuffer scratch;
    private long[] locations = new long[1024];
    private int[] offsets = new int[1024];
    private int count;
    private int used;
    /** In place of {@link #bytes} for a single value that is larger. */
    private ByteBuffer current;

    private boolean more;

    /**
     * @param buffer all of it may be used
     */
    ValueWindow(MemoryIndex index, EphemeralFile file, ByteBuffer buffer, RequestContext context) {
        this.index = index;
        this.file = file;
        this.context = context;
        this.maxGap = file.isDirect() ? MAX_GAP_DIRECT : MAX_GAP_BUFFERED;
        int scratchBytes = Math.min(SCRATCH_BYTES, buffer.capacity() / 4);
        bytes = buffer.slice(0, buffer.capacity() - scratchBytes);
        scratch = buffer.slice(buffer.capacity() - scratchBytes, scratchBytes);
        current = bytes;
    }

    /**
     * Fills it anew.
     *
     * @param ahead stands on the first value to take; on return on the one after the last, or at the end
     */
    void fill(VersionCursor ahead) throws StorageException {
        count = 0;
        used = 0;
        current = bytes.clear();
        do {
            add(index.location(ahead.entry()));
            more = ahead.next();
        } while (more && fits(index.location(ahead.entry())));
        fetch();
    }

    /** How many values. */
    int count() {
        return count;
    }

    /** Whether the cursor had more than fitted. */
    boolean hasMore() {
        return more;
    }

    /** The {@link ValueLocation} of a value. */
    long location(int value) {
        return locations[value];
    }

    /** Where a value begins in {@link #bytes}. */
    int offset(int value) {
        return offsets[value];
    }

    /** The values; position and limit are the user's. */
    ByteBuffer bytes() {
        return current;
    }

    private boolean fits(long location) {
        return count < MAX_PER_WINDOW && ValueLocation.storedLength(location) <= bytes.capacity() - used;
    }

    private void add(long location) {
        if (count == locations.length) {
            locations = Arrays.copyOf(locations, 2 * count);
            offsets = Arrays.copyOf(offsets, 2 * count);
        }
        int length = ValueLocation.storedLength(location);
        if (length > bytes.capacity()) {
            current = ByteBuffer.allocate(length);
        }
        locations[count] = location;
        offsets[count] = used;
        count++;
        used += length;
    }

    private void fetch() throws StorageException {
        long[] order = new long[count];
        for (int i = 0; i < count; i++) {
            order[i] = ValueLocation.position(locations[i]) << ORDINAL_BITS | i;
        }
        Arrays.sort(order);
        for (int from = 0; from < count; ) {
            context.checkCancelled();
            int to = endOfStraightRun(order, from);
            int scattered = to - from > 1 ? from : endOfScatteredRun(order, from);
            if (scattered > to) {
                fetchScattered(order, from, scattered);
            } else {
                fetchStraight(order, from, to);
            }
            from = Math.max(to, scattered);
        }
    }

    private int ordinal(long ordered) {
        return (int) ordered & (MAX_PER_WINDOW - 1);
    }

    private long locationOf(long ordered) {
        return locations[ordinal(ordered)];
    }

    /** The end of the values that lie behind each other in the file as in the window. */
    private int endOfStraightRun(long[] order, int from) {
        int to = from + 1;
        while (to < count
                && ordinal(order[to]) == ordinal(order[to - 1]) + 1
                && ValueLocation.position(locationOf(order[to])) == ValueLocation.end(locationOf(order[to - 1]))) {
            to++;
        }
        return to;
    }

    private void fetchStraight(long[] order, int from, int to) throws StorageException {
        long start = ValueLocation.position(locationOf(order[from]));
        int length = (int) (ValueLocation.end(locationOf(order[to - 1])) - start);
        int offset = offsets[ordinal(order[from])];
        file.read(start, current.limit(offset + length).position(offset), context);
        current.clear();
    }

    private int endOfScatteredRun(long[] order, int from) {
        long start = ValueLocation.position(locationOf(order[from]));
        int to = from + 1;
        while (to < count
                && ValueLocation.position(locationOf(order[to])) - ValueLocation.end(locationOf(order[to - 1]))
                        <= maxGap
                && ValueLocation.end(locationOf(order[to])) - start <= scratch.capacity()) {
            to++;
        }
        return to;
    }

    private void fetchScattered(long[] order, int from, int to) throws StorageException {
        long start = ValueLocation.position(locationOf(order[from]));
        int length = (int) (ValueLocation.end(locationOf(order[to - 1])) - start);
        file.read(start, scratch.clear().limit(length), context);
        current.clear();
        for (int i = from; i < to; i++) {
            long location = locationOf(order[i]);
            int at = (int) (ValueLocation.position(location) - start);
            current.put(offsets[ordinal(order[i])], scratch, at, ValueLocation.storedLength(location));
        }
    }
}
