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
 * of their arrival, and as a layer file has them, though the file has less ({@link StoredValue}). A file that fits in the
 * buffer is read from end to end in few big reads. A larger one goes in windows of half of the buffer, of which one is filled,
 * by a task of its own, while the values of the other are handed on. Used by one flush.
 *
 * <p>Memory: the buffer, of which a part is for what is handed on; 12 bytes for each value of a window, twice, and 8 more for
 * each value of one window; and for a value that is larger than such a part, its size once for each.
 */
final class LayerCopier {
    /** As many bytes are handed on at once, so that they are still in the processor's cache. */
    static final int BLOB_BYTES = 1 << 20;

    private static final int READ_BYTES = 8 << 20;
    private static final int MAX_PER_RUN = 4096;

    private final MemoryIndex index;
    private final EphemeralFile file;
    private final ByteBuffer buffer;
    private final Tasks tasks;
    private final RequestContext context;

    private final Run run;
    private boolean loaded;

    /** @param buffer all of it may be used; best with room for the file and {@link #BLOB_BYTES} */
    LayerCopier(MemoryIndex index, EphemeralFile file, ByteBuffer buffer, Tasks tasks, RequestContext context) {
        this.index = index;
        this.file = file;
        int blobBytes = Math.min(BLOB_BYTES, buffer.capacity() / 4);
        this.run = new Run(buffer.slice(0, blobBytes));
        this.buffer = buffer.slice(blobBytes, buffer.capacity() - blobBytes);
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
                run.add(versions, location, buffer, (int) ValueLocation.position(location), sink);
            }
        } else {
            copyInWindows(versions, new VersionCursor(index, keys, start, end), sink);
        }
        run.handOn(sink);
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
            run.add(versions, window.location(i), window.bytes(), window.offset(i), sink);
        }
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

    /** Consecutive values in the order of the sink, one after the other, as a layer file has them. */
    private final class Run implements BlobRun {
        private final ByteBuffer pooled;
        /** In place of the pooled one for a single value that is larger. */
        private ByteBuffer blobs;

        private final Key[] keys = new Key[MAX_PER_RUN];
        private final long[] lsns = new long[MAX_PER_RUN];
        private final long[] locations = new long[MAX_PER_RUN];
        private int count;

        private int lastNumber = MemoryIndex.NONE;
        private Key lastKey = Key.MIN;

        Run(ByteBuffer pooled) {
            this.pooled = pooled;
            this.blobs = pooled;
        }

        /**
         * Adds the value a cursor stands on, and hands on those before it first if there is no room for it.
         *
         * @param source has the value as it is stored; its position and limit change
         * @param at where in the source it is
         */
        void add(VersionCursor version, long location, ByteBuffer source, int at, BlobSink sink)
                throws StorageException {
            int length = ValueLocation.blobLength(location);
            if (count == MAX_PER_RUN || length > blobs.remaining()) {
                handOn(sink);
                if (length > blobs.remaining()) {
                    blobs = ByteBuffer.allocate(length);
                }
            }
            if (version.key() != lastNumber) {
                lastNumber = version.key();
                lastKey = index.key(lastNumber);
            }
            long lsn = index.lsn(version.entry());
            source.clear();
            StoredValue.check(source, at, StoredValue.guard(lastKey, lsn, location), location, file.name(), lsn);
            StoredValue.putBlob(source, at, location, blobs);
            keys[count] = lastKey;
            lsns[count] = lsn;
            locations[count] = location;
            count++;
        }

        /** Hands on what was added, and empties the run. */
        void handOn(BlobSink sink) throws StorageException {
            context.checkCancelled();
            if (count > 0) {
                sink.put(blobs.flip(), this);
                count = 0;
            }
            blobs = pooled.clear();
        }

        @Override
        public int count() {
            return count;
        }

        @Override
        public Key key(int i) {
            return keys[i];
        }

        @Override
        public Lsn lsn(int i) {
            return new Lsn(lsns[i]);
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
