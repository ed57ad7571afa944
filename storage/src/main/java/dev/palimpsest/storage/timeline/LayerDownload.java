package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.TimelineFile;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Brings layers of a timeline from the object store into its local directory. */
record LayerDownload(Engine engine, TenantId tenant, TimelineId timeline, Path directory) {
    /**
     * Downloads a layer: under another name, synced, and then renamed. Its name is durable once the directory is synced.
     *
     * @param size in bytes, as the index part says it
     * @throws CorruptionException if there is no such object, or it has another size
     */
    void download(LayerFileName layer, long size, RequestContext context) throws StorageException {
        ObjectKey key = RemoteLayers.key(tenant, timeline, layer);
        Path temporary = directory.resolve(
                TimelineFile.download(layer, engine.uniqueNumbers().incrementAndGet()));
        boolean done = false;
        try (WritableFile file = engine.disk().create(temporary)) {
            engine.objects().get(key, ByteRange.WHOLE, new Sink(file, size), context);
            file.sync();
            engine.disk().rename(temporary, directory.resolve(layer.local()));
            done = true;
        } catch (ObjectStoreException e) {
            throw e.kind() == ObjectStoreException.Kind.NOT_FOUND
                    ? new CorruptionException(
                            key.value(),
                            0,
                            "the index part of timeline " + timeline + " names this layer with " + size
                                    + " bytes, but it is neither in " + directory + " nor in the object store",
                            e)
                    : e;
        } finally {
            if (!done) {
                deleteLeftover(temporary);
            }
        }
    }

    private void deleteLeftover(Path temporary) {
        try {
            engine.disk().delete(temporary);
        } catch (DiskException _) {
            // The download has failed for a reason of its own that is being thrown; the next start deletes what is
            // left.
        }
    }

    /** Writes what comes into a file; comes again from the start if the get starts over. */
    private record Sink(WritableFile file, long size) implements ObjectSink {
        @Override
        public void begin(ObjectInfo info, long length) throws StorageException {
            if (length != size) {
                throw new CorruptionException(
                        info.key().value(),
                        Math.min(length, size),
                        "the object has " + length + " bytes, but the index part says " + size);
            }
        }

        @Override
        public void write(long offset, ByteBuffer bytes) throws StorageException {
            file.write(offset, bytes);
        }
    }
}
