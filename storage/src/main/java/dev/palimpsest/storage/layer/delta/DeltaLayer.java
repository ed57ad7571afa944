package dev.palimpsest.storage.layer.delta;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerReferences;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.file.LayerFileReader;
import dev.palimpsest.storage.layer.file.LayerIo;
import java.nio.file.Path;

/**
 * A delta layer: every version of its keys between two LSNs. File format: {@link DeltaLayerFormat}.
 *
 * <p>A read takes of each key the values from the newest wanted back to the first that needs nothing older, with as few reads
 * of the file as make sense.
 */
public final class DeltaLayer implements PersistentLayer {
    private final DeltaLayerName name;
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
    public DeltaLayer(LayerIo io, Path path, TenantId tenant, DeltaLayerName name, long size) {
        this.name = name;
        this.size = size;
        this.reader = new LayerFileReader(io, DeltaLayerFormat.INSTANCE, path, tenant, name);
        this.references = new LayerReferences(name.toString(), reader::dispose);
    }

    @Override
    public DeltaLayerName name() {
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
