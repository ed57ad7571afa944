package dev.palimpsest.storage.layer.file;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.LayerReferences;
import dev.palimpsest.storage.layer.ReconstructState;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a layer file of either kind, as long as it is there. It is opened, and its first block checked, when it is first read; if it is found to be
 * damaged then, every later read fails in the same way.
 *
 * <p>Of a file with checksums ({@link LayerChecksums}) no byte is used before the block it is in was compared with its
 * checksum: summary and table when they are read, blocks of the index when they come into the cache, blobs each time they
 * are read, or when the block that they are in comes into the cache. Of a file without, structure and lengths are checked; a
 * value that was changed in place is not noticed.
 *
 * <p>Safe for use by many threads until it is closed.
 */
public final class LayerFileReader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LayerFileReader.class);

    private final LayerIo io;
    private final LayerFormat format;
    private final Path path;
    private final TenantId tenant;
    private final LayerName name;
    private final AtomicReference<@Nullable OpenLayerFile> opened = new AtomicReference<>();
    private volatile @Nullable CorruptionException damage;
    private volatile boolean closed;

    /** Opens nothing yet. */
    public LayerFileReader(LayerIo io, LayerFormat format, Path path, TenantId tenant, LayerName name) {
        if (name.kind() != format.kind()) {
            throw new IllegalArgumentException(name + " is not the name of a layer of kind " + format.kind());
        }
        this.io = io;
        this.format = format;
        this.path = path;
        this.tenant = tenant;
        this.name = name;
    }

    private OpenLayerFile open(RequestContext context) throws StorageException {
        OpenLayerFile file = opened.get();
        if (file != null) {
            return file;
        }
        if (closed) {
            throw new IllegalStateException("layer file " + path + " is closed");
        }
        CorruptionException known = damage;
        if (known != null) {
            throw new CorruptionException(
                    known.resource(), known.offset(), "found damaged before: " + known.getMessage(), known);
        }
        try {
            file = OpenLayerFile.open(io, format, path, tenant, name, context);
        } catch (CorruptionException e) {
            damage = e;
            throw e;
        }
        OpenLayerFile first = opened.compareAndExchange(null, file);
        if (first != null) {
            file.close();
            return first;
        }
        return file;
    }

    /** As {@link dev.palimpsest.storage.layer.Layer#collect}. */
    public void collect(KeySpace keys, Lsn floor, Lsn end, ReconstructState state, RequestContext context)
            throws StorageException {
        Lsn from = Lsn.max(floor, name.lsnStart());
        Lsn to = Lsn.min(end, name.lsnEnd());
        if (from.isBefore(to)) {
            new Collection(io, format, name, open(context), state, context).collect(keys, from, to);
        }
    }

    /** As {@link dev.palimpsest.storage.layer.PersistentLayer#iterator}. */
    public LayerIterator iterator(RequestContext context) {
        return iterator(io, format, name, () -> this, context);
    }

    /** The reader of a file that may have to be brought here first. */
    @FunctionalInterface
    public interface Source {
        /** Gives it; whoever asks sees to it that it is not closed while it is used. */
        LayerFileReader reader() throws StorageException;
    }

    /** An iterator over a file whose reader is asked for when the first value is. */
    public static LayerIterator iterator(
            LayerIo io, LayerFormat format, LayerName name, Source source, RequestContext context) {
        return new LayerFileIterator(io, format, name, () -> source.reader().open(context), context);
    }

    /** The file's path. */
    public Path path() {
        return path;
    }

    /** Closes the file; nobody may be reading. Does nothing the second time. */
    @Override
    public void close() throws DiskException {
        closed = true;
        OpenLayerFile file = opened.getAndSet(null);
        if (file != null) {
            file.close();
        }
    }

    /**
     * Closes the file and deletes it if so fated. What fails is logged and goes no further, since whoever let go of the layer
     * last has nothing to do with it; a file that stays is found at the next start.
     */
    public void dispose(LayerReferences.Fate fate) {
        try {
            close();
        } catch (DiskException e) {
            LOG.warn("could not close layer file {}", path, e);
        }
        if (fate == LayerReferences.Fate.DELETE) {
            try {
                io.disk().delete(path);
            } catch (DiskException e) {
                LOG.warn("could not delete layer file {}", path, e);
            }
        }
    }
}
