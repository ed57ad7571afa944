package dev.palimpsest.storage.layer.image;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerReferences;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.file.LayerFileReader;
import dev.palimpsest.storage.layer.file.LayerIo;
import java.nio.file.Path;

/**
 * An image layer: what each key of its range has as of one LSN. File format: {@link ImageLayerFormat}.
 *
 * <p>A key of its range that it does not hold does not exist as of its LSN; that nothing older need be looked at then is for
 * the caller to know, by {@link #keyRange()}.
 */
public final class ImageLayer implements PersistentLayer {
    private final ImageLayerName name;
    private final long size;
    private final LayerFileReader reader;
    private final LayerReferences references;

    /**
     * Opens nothing yet: the file is opened and its summary checked by the first read, and every read fails if it is found to
     * be damaged then.
     *
     * @param path the file; it may have the name of another generation, or any
     * @param tenant whose layer it must be
     * @param name what it must cover
     * @param size of the file in bytes
     */
    public ImageLayer(LayerIo io, Path path, TenantId tenant, ImageLayerName name, long size) {
        this.name = name;
        this.size = size;
        this.reader = new LayerFileReader(io, ImageLayerFormat.INSTANCE, path, tenant, name);
        this.references = new LayerReferences(name.toString(), reader::dispose);
    }

    @Override
    public ImageLayerName name() {
        return name;
    }

    @Override
    public Path path() {
        return reader.path();
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void collect(KeySpace keys, Lsn floor, Lsn end, ReconstructState state, RequestContext context)
            throws StorageException {
        reader.collect(keys, floor, end, state, context);
    }

    @Override
    public LayerIterator iterator(RequestContext context) {
        return reader.iterator(context);
    }

    @Override
    public void retire() {
        references.retire();
    }

    @Override
    public void drop() {
        references.drop();
    }

    @Override
    public LayerReferences references() {
        return references;
    }

    @Override
    public String toString() {
        return name.toString();
    }
}
