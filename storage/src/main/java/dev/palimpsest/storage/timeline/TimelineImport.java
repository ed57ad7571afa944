package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gives a timeline that has nothing yet everything it has at its first LSN: long runs of pages go straight into image layers,
 * what comes in small pieces and in any order is gathered into one delta layer. Nothing can be read, and nothing survives a
 * crash, until {@link #finish}. Used by one thread at a time; {@link Images} of different key ranges may be written by
 * different threads.
 */
public final class TimelineImport implements AutoCloseable {
    private static final BlobCompression COMPRESSION = new BlobCompression.Zstd(1);

    private final Timeline timeline;
    private final TimelineFiles files;
    private final Lsn at;
    private final long targetLayerBytes;
    private final InMemoryLayer gathered;
    private final List<PersistentLayer> layers = new ArrayList<>();
    private boolean done;

    TimelineImport(Timeline timeline, TimelineFiles files, Lsn at, long targetLayerBytes) throws StorageException {
        this.timeline = timeline;
        this.files = files;
        this.at = at;
        this.targetLayerBytes = targetLayerBytes;
        this.gathered = files.createInMemoryLayer(at);
    }

    /** The LSN that everything has, inclusive. */
    public Lsn at() {
        return at;
    }

    /**
     * Puts values of keys that are in no {@link #images run of images}.
     *
     * @throws InvalidRequestException if a value is not at {@link #at}
     */
    public void put(SerializedBatch batch, RequestContext context) throws StorageException {
        if (!batch.isEmpty()
                && (!batch.lowestLsn().equals(at) || !batch.highestLsn().equals(at))) {
            throw new InvalidRequestException("timeline " + timeline.id() + " is being filled at " + at
                    + "; there are values from " + batch.lowestLsn() + " to " + batch.highestLsn());
        }
        gathered.putBatch(batch, context);
    }

    /**
     * Begins a run of images.
     *
     * @param keys what it may contain; nothing else may be put there
     */
    public Images images(KeyRange keys) {
        return new Images(keys);
    }

    /** Writes image layers from images in ascending order of keys. Used by one thread; close it, finished or not. */
    public final class Images implements AutoCloseable {
        private final KeyRange keys;
        private @Nullable ImageLayerWriter writer;
        private Key next;

        private Images(KeyRange keys) {
            this.keys = keys;
            this.next = keys.start();
        }

        /**
         * Adds a page. Nothing is durable on return.
         *
         * @param page from its position to its limit, which is where the position is afterwards
         * @throws IllegalArgumentException if the key is not greater than the last one, or outside of the run
         */
        public void put(Key key, ByteBuffer page) throws StorageException {
            ImageLayerWriter to = writer;
            if (to != null && to.estimatedSize() >= targetLayerBytes) {
                complete(to, key);
                to = null;
            }
            if (to == null) {
                to = files.imageWriter(new ImageLayerName(new KeyRange(next, keys.end()), at), COMPRESSION);
                writer = to;
            }
            to.put(key, page);
        }

        private void complete(ImageLayerWriter full, Key end) throws StorageException {
            PersistentLayer layer = files.finish(full, end);
            synchronized (layers) {
                layers.add(layer);
            }
            writer = null;
            next = end;
        }

        /** Completes the run's layers. Their content is durable on return, their names are not. */
        public void finish() throws StorageException {
            if (writer != null) {
                complete(writer, keys.end());
            }
        }

        @Override
        public void close() throws DiskException {
            if (writer != null) {
                writer.close();
            }
        }
    }

    /**
     * Makes the timeline have all of it. On return {@code last_record_lsn} and {@code disk_consistent_lsn} are {@link #at}, and
     * everything is durable; runs that were not finished are not part of it.
     *
     * @throws InvalidRequestException if there is nothing
     */
    public void finish(RequestContext context) throws StorageException {
        gathered.freeze(at.plus(1), context);
        List<PersistentLayer> all = new ArrayList<>();
        all.addAll(files.write(gathered, InMemoryLayer.Division.NONE, context));
        synchronized (layers) {
            all.addAll(layers);
        }
        if (all.isEmpty()) {
            throw new InvalidRequestException("nothing was put into timeline " + timeline.id());
        }
        files.syncDirectory();
        done = true; // whatever comes now, they are the timeline's
        timeline.adopt(all, at, context);
    }

    /** Gives up what is not finished: its files are deleted, the next start finds those that could not be. */
    @Override
    public void close() {
        gathered.close();
        if (!done) {
            synchronized (layers) {
                layers.forEach(PersistentLayer::drop);
            }
        }
    }
}
