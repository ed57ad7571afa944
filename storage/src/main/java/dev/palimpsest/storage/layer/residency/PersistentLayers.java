package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import java.nio.file.Path;
import java.util.List;

/**
 * Makes the layers of one timeline that are files, and has what they share. Which of the three to call is for whoever knows
 * the index part and the directory:
 *
 * <pre>
 *   file here, of the right size   object store           call
 *   yes                            has it                 {@link #resident}
 *   yes                            may not have it        {@link #written}, and {@link PersistentLayer#uploaded} when it has
 *   no                             has it                 {@link #remote}
 * </pre>
 *
 * <p>A file of another size is deleted before {@link #remote} is called. A layer that neither has is lost: to find that out at
 * the start, look into the object store; else the first read of it does.
 *
 * <p>Safe for use by many threads.
 */
public final class PersistentLayers {
    private final LayerIo io;
    private final Clock clock;
    private final TenantId tenant;
    private final Path directory;
    private final LayerDownloads downloads;
    private final DownloadQueue queue;
    private final Cancellation cancellation;
    private final Gate gate;

    /**
     * @param io what files are read with
     * @param clock by which uses are noted
     * @param tenant whose layers they must be
     * @param directory of the timeline
     * @param downloads where its layers can be had from
     * @param queue of the process
     */
    public PersistentLayers(
            LayerIo io, Clock clock, TenantId tenant, Path directory, LayerDownloads downloads, DownloadQueue queue) {
        this.io = io;
        this.clock = clock;
        this.tenant = tenant;
        this.directory = directory;
        this.downloads = downloads;
        this.queue = queue;
        this.cancellation = queue.cancellation().child();
        this.gate = new Gate("the layers in " + directory, io.tasks().newSignal());
    }

    /**
     * A layer whose file is here and that the object store may not have. Opens nothing yet: the file is opened and its summary
     * checked by the first read, and every read fails if it is found to be damaged then.
     *
     * @param size of the file in bytes
     */
    public PersistentLayer written(LayerFileName file, long size) {
        return layer(new RemoteLayer(file, ShardIndex.UNSHARDED, size), true, false);
    }

    /** A layer that the object store has and whose file is here. Opens nothing yet, as {@link #written}. */
    public PersistentLayer resident(RemoteLayer layer) {
        return layer(layer, true, true);
    }

    /** A layer that only the object store has. Its first read downloads it. */
    public PersistentLayer remote(RemoteLayer layer) {
        return layer(layer, false, true);
    }

    private PersistentLayer layer(RemoteLayer layer, boolean resident, boolean uploaded) {
        return new StoredLayer(this, layer, resident, uploaded);
    }

    /** Where the file of a layer is, or would be. */
    Path path(LayerFileName file) {
        return directory.resolve(file.local());
    }

    LayerIo io() {
        return io;
    }

    Clock clock() {
        return clock;
    }

    TenantId tenant() {
        return tenant;
    }

    LayerDownloads downloads() {
        return downloads;
    }

    DownloadQueue queue() {
        return queue;
    }

    ResidentBytes resident() {
        return queue.resident();
    }

    /** Downloads of the timeline's layers that run or wait, in the order in which their turn came or will come. */
    public List<DownloadQueue.Progress> inProgress() {
        return queue.downloads(job -> job.owner() == this);
    }

    /** Cancels the downloads of the timeline. */
    Cancellation cancellation() {
        return cancellation;
    }

    /** Inside are those who download or evict: who change the files of the directory beside their owner. */
    Gate gate() {
        return gate;
    }

    Signal newSignal() {
        return io.tasks().newSignal();
    }

    /**
     * Cancels the downloads of the timeline and lets none begin; reads of remote layers fail from now on. On return nothing of
     * this touches the directory any more but what its owner does. May be called again, also after it was cut short.
     */
    public void shutdown(RequestContext context) throws CancelledException, DeadlineExceededException {
        gate.closeToNewcomers();
        cancellation.cancel();
        queue.dropCancelled();
        gate.close(context);
    }
}
