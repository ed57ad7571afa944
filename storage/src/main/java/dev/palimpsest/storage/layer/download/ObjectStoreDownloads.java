package dev.palimpsest.storage.layer.download;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.TimelineFile;
import dev.palimpsest.storage.layer.file.LayerStreamCheck;
import dev.palimpsest.storage.layer.residency.LayerDownloads;
import dev.palimpsest.storage.layer.residency.LayerFormats;
import dev.palimpsest.storage.layer.residency.RemoteLayer;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The layers of one timeline in an object store ({@link RemotePaths#layer}).
 *
 * <pre>
 *   create under a temporary name ─ write and check what comes ─ sync ─ rename to the target, replacing
 * </pre>
 *
 * <p>The name is not made durable: a crash that takes it away leaves the layer remote, as it was. The content is, for after a
 * crash a file of the right name and size is taken for good. What a crash leaves half done has a temporary name and is deleted
 * at the next start.
 */
public final class ObjectStoreDownloads implements LayerDownloads {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectStoreDownloads.class);

    private final Disk disk;
    private final ObjectStore objects;
    private final TenantId tenant;
    private final TimelineId timeline;
    private final AtomicLong uniqueNumbers;

    /** @param uniqueNumbers makes the names of temporary files of the process differ */
    public ObjectStoreDownloads(
            Disk disk, ObjectStore objects, TenantId tenant, TimelineId timeline, AtomicLong uniqueNumbers) {
        this.disk = disk;
        this.objects = objects;
        this.tenant = tenant;
        this.timeline = timeline;
        this.uniqueNumbers = uniqueNumbers;
    }

    @Override
    public void fetch(RemoteLayer layer, Path target, LongConsumer progress, RequestContext context)
            throws StorageException {
        context.checkCancelled();
        LayerFileName file = layer.fileName();
        ObjectKey key = new ObjectKey(
                RemotePaths.layer(tenant, layer.shard(), timeline, file.name().toString(), file.generation()));
        Path temporary = target.resolveSibling(TimelineFile.download(file, uniqueNumbers.incrementAndGet()));
        boolean renamed = false;
        try {
            try (WritableFile created = disk.create(temporary)) {
                Receiver receiver = new Receiver(created, key, file.name(), layer.size(), progress);
                objects.get(key, ByteRange.WHOLE, receiver, context);
                receiver.finish();
                created.sync();
            }
            disk.rename(temporary, target);
            renamed = true;
        } finally {
            if (!renamed) {
                deleteLeftover(temporary);
            }
        }
    }

    private void deleteLeftover(Path temporary) {
        try {
            disk.delete(temporary);
        } catch (DiskException e) {
            // What counts is why the download failed; the next start deletes what is left.
            LOG.warn("could not delete {}", temporary, e);
        }
    }

    /** Writes what comes into a file and checks it. */
    private final class Receiver implements ObjectSink {
        private final WritableFile file;
        private final ObjectKey key;
        private final LayerName name;
        private final long size;
        private final LongConsumer progress;
        private @Nullable LayerStreamCheck check;

        Receiver(WritableFile file, ObjectKey key, LayerName name, long size, LongConsumer progress) {
            this.file = file;
            this.key = key;
            this.name = name;
            this.size = size;
            this.progress = progress;
        }

        @Override
        public void begin(ObjectInfo info, long length) throws StorageException {
            if (length != size) {
                throw new CorruptionException(
                        key.value(),
                        Math.min(length, size),
                        "the object has " + length + " bytes, the index part says " + size);
            }
            check = new LayerStreamCheck(LayerFormats.of(name.kind()), tenant, name, key.value(), size);
        }

        @Override
        public void write(long offset, ByteBuffer bytes) throws StorageException {
            int length = bytes.remaining();
            begun().update(bytes);
            file.write(offset, bytes);
            progress.accept(length);
        }

        void finish() throws StorageException {
            begun().finish();
        }

        private LayerStreamCheck begun() {
            LayerStreamCheck begun = check;
            if (begun == null) {
                throw new IllegalStateException("object " + key + " was delivered without its beginning");
            }
            return begun;
        }
    }
}
