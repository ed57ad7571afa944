package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.delta.BlobRun;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Hands the values of a frozen layer to a sink in ascending order of key and LSN, though they lie in the file in the order
 * of their arrival. A file that fits in the buffer is read from end to end in few big reads, and values are handed on
 * where they lie. A larger one goes in windows: as many values as fit, in the order of the sink, fetched in the order of the
 * file. Used by one flush.
 */
final class LayerCopier {
    private static final int READ_BYTES = 8 << 20;
    private static final int SCRATCH_BYTES = 1 << 20;
    /** As many bytes that are not of this window are read over rather than starting another read. */
    private static final int MAX_GAP = 32 << 10;

    private static final int ORDINAL_BITS = 28;
    private static final int MAX_PER_WINDOW = 1 << ORDINAL_BITS;
    private static final int MAX_PER_RUN = 4096;
    /** A run ends with the value that reaches this, so that what is handed on at once is still in the processor's cache. */
    private static final int MAX_RUN_BYTES = 1 << 20;

    private final MemoryIndex index;
    private final EphemeralFile file;
    private final BlobSink sink;
    private final RequestContext context;

    private final Run run = new Run();

    LayerCopier(MemoryIndex index, EphemeralFile file, BlobSink sink, RequestContext context) {
        this.index = index;
        this.file = file;
        this.sink = sink;
        this.context = context;
    }

    /**
     * Hands on every version of the keys from place {@code start}, inclusive, to {@code end}, exclusive.
     *
     * @param buffer all of it may be used
     */
    void copy(SortedKeys keys, int start, int end, ByteBuffer buffer) throws StorageException {
        VersionCursor versions = new VersionCursor(index, keys, start, end);
        if (file.size() <= buffer.capacity()) {
            load(buffer);
            while (versions.next()) {
                long location = index.location(versions.entry());
                if (!run.continuesWith(ValueLocation.position(location))) {
                    handOn(buffer);
                }
                run.add(versions, location, ValueLocation.position(location));
            }
            handOn(buffer);
            return;
        }
        VersionCursor ahead = new VersionCursor(index, keys, start, end);
        Window window = new Window(buffer);
        boolean more = ahead.next();
        while (more) {
            window.clear();
            do {
                window.add(index.location(ahead.entry()));
                more = ahead.next();
            } while (more && window.fits(index.location(ahead.entry())));
            window.fetch();
            for (int i = 0; i < window.count; i++) {
                versions.next();
                if (!run.continuesWith(window.offsets[i])) {
                    handOn(window.current);
                }
                run.add(versions, window.locations[i], window.offsets[i]);
            }
            handOn(window.current);
        }
    }

    private void load(ByteBuffer buffer) throws StorageException {
        int size = (int) file.size();
        for (int at = 0; at < size; at += READ_BYTES) {
            context.checkCancelled();
            file.read(at, buffer.limit(Math.min(size, at + READ_BYTES)).position(at), context);
        }
        buffer.clear();
    }

    /** Hands the run on, after a look at each of its values, and empties it. */
    private void handOn(ByteBuffer buffer) throws StorageException {
        if (run.count == 0) {
            return;
        }
        context.checkCancelled();
        int at = run.start;
        for (int i = 0; i < run.count; i++) {
            int end = at + ValueLocation.blobLength(run.locations[i]);
            file.check(buffer.limit(end).position(at), run.locations[i]);
            at = end;
        }
        sink.put(buffer.limit(at).position(run.start), run);
        buffer.clear();
        run.count = 0;
    }

    /** Consecutive values in the order of the sink that lie one after the other in a buffer. */
    private final class Run implements BlobRun {
        private final int[] keys = new int[MAX_PER_RUN];
        private final int[] entries = new int[MAX_PER_RUN];
        private final long[] locations = new long[MAX_PER_RUN];
        private int count;
        private int start;
        private int end;

        private int lastNumber = MemoryIndex.NONE;
        private Key lastKey = Key.MIN;

        boolean continuesWith(long position) {
            return count == 0 || (position == end && count < MAX_PER_RUN && end - start < MAX_RUN_BYTES);
        }

        void add(VersionCursor version, long location, long position) {
            if (count == 0) {
                start = (int) position;
            }
            keys[count] = version.key();
            entries[count] = version.entry();
            locations[count] = location;
            count++;
            end = (int) position + ValueLocation.blobLength(location);
        }

        @Override
        public int count() {
            return count;
        }

        @Override
        public Key key(int i) {
            if (keys[i] != lastNumber) {
                lastNumber = keys[i];
                lastKey = index.key(lastNumber);
            }
            return lastKey;
        }

        @Override
        public Lsn lsn(int i) {
            return new Lsn(index.lsn(entries[i]));
        }

        @Override
        public int length(int i) {
            return ValueLocation.blobLength(locations[i]);
        }

        @Override
        public boolean willInit(int i) {
            return ValueLocation.willInit(locations[i]);
        }
    }

    /** Some consecutive values in the order of the sink, one after the other in memory. */
    private final class Window {
        private final ByteBuffer bytes;
        private final ByteBuffer scratch;
        private long[] locations = new long[1024];
        private int[] offsets = new int[1024];
        private int count;
        private int used;
        /** In place of {@link #bytes} for a single value that is larger. */
        private ByteBuffer current;

        Window(ByteBuffer buffer) {
            int scratchBytes = Math.min(SCRATCH_BYTES, buffer.capacity() / 4);
            bytes = buffer.slice(0, buffer.capacity() - scratchBytes);
            scratch = buffer.slice(buffer.capacity() - scratchBytes, scratchBytes);
            current = bytes;
        }

        void clear() {
            count = 0;
            used = 0;
            current = bytes.clear();
        }

        boolean fits(long location) {
            return count < MAX_PER_WINDOW && ValueLocation.blobLength(location) <= bytes.capacity() - used;
        }

        void add(long location) {
            if (count == locations.length) {
                locations = Arrays.copyOf(locations, 2 * count);
                offsets = Arrays.copyOf(offsets, 2 * count);
            }
            int length = ValueLocation.blobLength(location);
            if (length > bytes.capacity()) {
                current = ByteBuffer.allocate(length);
            }
            locations[count] = location;
            offsets[count] = used;
            count++;
            used += length;
        }

        void fetch() throws StorageException {
            long[] order = new long[count];
            for (int i = 0; i < count; i++) {
                order[i] = ValueLocation.position(locations[i]) << ORDINAL_BITS | i;
            }
            Arrays.sort(order);
            for (int from = 0; from < count; ) {
                context.checkCancelled();
                int to = endOfStraightRun(order, from);
                if (to - from > 1 || ValueLocation.blobLength(location(order[from])) > scratch.capacity()) {
                    fetchStraight(order, from, to);
                } else {
                    to = endOfScatteredRun(order, from);
                    fetchScattered(order, from, to);
                }
                from = to;
            }
        }

        private int ordinal(long ordered) {
            return (int) ordered & (MAX_PER_WINDOW - 1);
        }

        private long location(long ordered) {
            return locations[ordinal(ordered)];
        }

        /** The end of the values that lie behind each other in the file as in the window. */
        private int endOfStraightRun(long[] order, int from) {
            int to = from + 1;
            while (to < count
                    && ordinal(order[to]) == ordinal(order[to - 1]) + 1
                    && ValueLocation.position(location(order[to])) == ValueLocation.end(location(order[to - 1]))) {
                to++;
            }
            return to;
        }

        private void fetchStraight(long[] order, int from, int to) throws StorageException {
            long start = ValueLocation.position(location(order[from]));
            int length = (int) (ValueLocation.end(location(order[to - 1])) - start);
            int offset = offsets[ordinal(order[from])];
            file.read(start, current.limit(offset + length).position(offset), context);
            current.clear();
        }

        private int endOfScatteredRun(long[] order, int from) {
            long start = ValueLocation.position(location(order[from]));
            int to = from + 1;
            while (to < count
                    && ValueLocation.position(location(order[to])) - ValueLocation.end(location(order[to - 1]))
                            <= MAX_GAP
                    && ValueLocation.end(location(order[to])) - start <= scratch.capacity()) {
                to++;
            }
            return to;
        }

        private void fetchScattered(long[] order, int from, int to) throws StorageException {
            long start = ValueLocation.position(location(order[from]));
            int length = (int) (ValueLocation.end(location(order[to - 1])) - start);
            file.read(start, scratch.clear().limit(length), context);
            current.clear();
            for (int i = from; i < to; i++) {
                long location = location(order[i]);
                int at = (int) (ValueLocation.position(location) - start);
                current.put(offsets[ordinal(order[i])], scratch, at, ValueLocation.blobLength(location));
            }
        }
    }
}
