package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.nio.file.Path;
import java.util.function.LongConsumer;

/** Where the layer files of one timeline can be had from. Safe for use by many threads. */
@FunctionalInterface
public interface LayerDownloads {
    /**
     * Brings one file. On return it is at {@code target}, complete and checked as far as it can be, and its content is
     * durable; its name need not be, so a crash may take the file away but not damage it. If this throws there is nothing at
     * {@code target} that was not there before.
     *
     * @param target in an existing directory; a file there is replaced
     * @param progress told, each time some bytes have come, how many
     * @throws CorruptionException if what came is not the layer; names the object and the offset in it
     * @throws StorageException if it cannot be had or written, or the request was cancelled
     */
    void fetch(RemoteLayer layer, Path target, LongConsumer progress, RequestContext context) throws StorageException;
}
