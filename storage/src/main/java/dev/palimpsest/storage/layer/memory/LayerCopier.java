package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.delta.BlobRun;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import java.nio.ByteBuffer;

/**
 * Hands the values of a frozen layer to a sink in ascending order of key and LSN, though they lie in the file in the order
 * of their arrival. A file that fits in the buffer is read from end to end in few big reads, and values are handed on
 * where they lie. A larger one goes in windows of half of the buffer, of which one is filled, by a task of its own, while the
 * sink takes the other. Used by one flush.
 *
 * <p>Memory: the buffer; 12 bytes for each value of a window, twice, and 8 more for each value of one window; and for a value
 * that is larger than a window, its size, twice at most.
 */
final class LayerCopier {
    private static final int READ_BYTES = 8 << 20;
    private static final int MAX_PER_RUN = 4096;
    /** A run ends with the value that reaches this, so that what is handed on at once is still in the processor's cache. */
    private static final int MAX_RUN_BYTES = 1 << 20;

    private final MemoryIndex index;
    private final EphemeralFile file;
    private final ByteBuffer buffer;
    private final Tasks tasks;
    private final RequestContext context;

    private final Run run = new Run();
    private boolean loaded;

    /** @param buffer all of it may be used */
    LayerCopier(MemoryIndex index, EphemeralFile file, ByteBuffer buffer, Tasks tasks, RequestContext context) {
        this.index = index;
        this.file = file;
        this.buffer = buffer;
        this.tasks = tasks;
        this.context = context;
    }

    /** Hands on every version of the keys from place {@code start}, inclusive, to {@code end}, exclusive. */
    void copy(SortedKeys keys, int start, int end, BlobSink sink) throws StorageException {
        VersionCursor versions = new VersionCursor(index, keys, start, end);
        if (file.size() <= buffer.capacity()) {
            load();
            while (versions.next()) {
                long location = index.location(versions.entry());
                if (!run.continuesWith(ValueLocation.position(location))) {
                    handOn(buffer, sink);
                }
                run.add(versions, location, ValueLocation.position(location));
            }
            handOn(buffer, sink);
            return;
        }
        copyInWindows(versions, new VersionCursor(index, keys, start, end), sink);
    }

    /** Hands on one window while the next is being filled. */
    private void copyInWindows(VersionCursor versions, VersionCursor ahead, BlobSink sink) throws StorageException {
        int half = buffer.capacity() / 2;
        ValueWindow full = new ValueWindow(index, file, buffer.slice(0, half), context);
        ValueWindow filling = new ValueWindow(index, file, buffer.slice(half, half), context);
        Task task = ahead.next() ? fill(filling, ahead) : null;
        try {
            while (task != null) {
                await(task);
                ValueWindow next = full;
                full = filling;
                filling = next;
                task = full.hasMore() ? fill(filling, ahead) : null;
                handOn(full, versions, sink);
            }
        } finally {
            // The buffer and the file are the caller's to free.
            if (task != null) {
                task.join();
            }
        }
    }

    private Task fill(ValueWindow window, VersionCursor ahead) {
        return tasks.startOnOwnThread("read " + file.name(), () -> window.fill(ahead));
    }

    private static void await(Task task) throws StorageException {
        task.join();
        switch (task.failure().orElse(null)) {
            case null -> {}
            case StorageException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    private void handOn(ValueWindow window, VersionCursor versions, BlobSink sink) throws StorageException {
        for (int i = 0; i < window.count(); i++) {
            versions.next();
            if (!run.continuesWith(window.offset(i))) {
                handOn(window.bytes(), sink);
            }
            run.add(versions, window.location(i), window.offset(i));
        }
        handOn(window.bytes(), sink);
    }

    private void load() throws StorageException {
        if (loaded) {
            return;
        }
        int size = (int) file.size();
        for (int at = 0; at < size; at += READ_BYTES) {
            context.checkCancelled();
            file.read(at, buffer.limit(Math.min(size, at + READ_BYTES)).position(at), context);
        }
        buffer.clear();
        loaded = true;
    }

    /** Hands the run on, after a look at each of its values, and empties it. */
    private void handOn(ByteBuffer bytes, BlobSink sink) throws StorageException {
        if (run.count == 0) {
            return;
        }
        context.checkCancelled();
        int at = run.start;
        for (int i = 0; i < run.count; i++) {
            int end = at + ValueLocation.blobLength(run.locations[i]);
            file.check(bytes.limit(end).position(at), run.locations[i]);
            at = end;
        }
        sink.put(bytes.limit(at).position(run.start), run);
        bytes.clear();
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
}
