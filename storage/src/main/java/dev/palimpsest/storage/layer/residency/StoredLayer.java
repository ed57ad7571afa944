package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.ReadTrace;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerReferences;
import dev.palimpsest.storage.layer.LayerReferences.Fate;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.file.LayerFileReader;
import dev.palimpsest.storage.layer.file.LayerFormat;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A layer that is a file of either kind, here or in the object store.
 *
 * <pre>
 *             ┌───────────── a read ──────────► Download ── it fails, nobody waits ──┐
 *             │                                    │                                 │
 *            Away ◄────────────────────────────────┼─────────────────────────────────┘
 *             ▲                                    ▼ the file is here
 *             └── nobody reads ── Leaving ◄─────► Here ── evict
 *
 *   from everywhere: the owner lets go and the last reader leaves ──► Gone
 * </pre>
 *
 * <p><b>Why no read meets a file that goes.</b> A reader first counts itself in {@link LayerReferences} and then looks at the
 * state; who evicts first changes the state to Leaving and then looks at the count. So either the reader sees Leaving, and
 * waits, or it is counted in time, and the file stays. While a reader is counted, a file that is here stays here.
 */
final class StoredLayer implements PersistentLayer, LayerReferences.Last {
    private static final Logger LOG = LoggerFactory.getLogger(StoredLayer.class);

    /** Uses are noted only so often that many readers do not contend for the place where they are. */
    private static final long USE_GRANULARITY_NANOS = 1_000_000_000;

    private final PersistentLayers owner;
    private final RemoteLayer remote;
    private final LayerFormat format;
    private final LayerReferences references;
    private final AtomicReference<Residence> residence;
    private volatile boolean uploaded;
    private volatile long usedNanos;

    /** @param resident whether the file is here, complete */
    StoredLayer(PersistentLayers owner, RemoteLayer remote, boolean resident, boolean uploaded) {
        this.owner = owner;
        this.remote = remote;
        this.format = LayerFormats.of(remote.fileName().name().kind());
        this.references = new LayerReferences(remote.fileName().name(), this);
        this.uploaded = uploaded;
        this.usedNanos = owner.clock().nanos();
        this.residence = new AtomicReference<>(resident ? newStay() : Residence.AWAY);
        if (resident) {
            owner.resident().came(size());
        }
    }

    private Residence.Here newStay() {
        return new Residence.Here(new LayerFileReader(owner.io(), format, path(), owner.tenant(), name()));
    }

    @Override
    public LayerFileName fileName() {
        return remote.fileName();
    }

    @Override
    public ShardIndex shard() {
        return remote.shard();
    }

    RemoteLayer remote() {
        return remote;
    }

    @Override
    public Path path() {
        return owner.path(remote.fileName());
    }

    @Override
    public long size() {
        return remote.size();
    }

    @Override
    public LayerReferences references() {
        return references;
    }

    @Override
    public void collect(KeySpace keys, Lsn floor, Lsn end, ReconstructState state, RequestContext context)
            throws StorageException {
        reader(context).collect(keys, floor, end, state, context);
    }

    @Override
    public LayerIterator iterator(RequestContext context) {
        return LayerFileReader.iterator(owner.io(), format, name(), () -> reader(context), context);
    }

    /** The reader of the file, which is downloaded if need be; good until the caller releases the layer. */
    private LayerFileReader reader(RequestContext context) throws StorageException {
        if (DownloadQueue.isUrgent(context.taskKind())) {
            noteUse();
        }
        while (true) {
            Residence now = residence.get();
            switch (now) {
                case Residence.Here here -> {
                    return here.reader();
                }
                case Residence.Away away -> beginDownload(away, context);
                case Download download -> await(download, context);
                case Residence.Leaving leaving ->
                    context.await(leaving.signal(), () -> !isAt(leaving), () -> "the eviction of layer " + remote);
                case Residence.Gone _ ->
                    throw new IllegalStateException("layer " + remote + " is read, but nobody holds it");
            }
        }
    }

    private static void await(Download download, RequestContext context) throws StorageException {
        ReadTrace trace = context.trace();
        long begin = trace == null ? 0 : trace.begin();
        try {
            download.await(context);
        } finally {
            if (trace != null) {
                trace.ended(ReadTrace.Step.DOWNLOAD, begin);
            }
        }
    }

    private void noteUse() {
        long now = owner.clock().nanos();
        if (now - usedNanos >= USE_GRANULARITY_NANOS) {
            usedNanos = now;
        }
    }

    private void beginDownload(Residence.Away away, RequestContext context) throws CancelledException {
        context.checkCancelled();
        Gate.Guard guard = owner.gate().enter();
        Download download = new Download(this, owner, context.taskKind(), guard);
        if (residence.compareAndSet(away, download)) {
            download.begin();
        } else {
            guard.close();
        }
    }

    /** Whether nothing has changed since the state was {@code then}, which an equal state that came later would not tell. */
    @SuppressWarnings("ReferenceEquality")
    boolean isAt(Residence then) {
        return residence.get() == then;
    }

    /** A download has put the file in its place. */
    Residence fileHere() {
        usedNanos = owner.clock().nanos();
        return newStay();
    }

    /** A download is over. */
    void downloaded(Download download, Residence next) {
        boolean isHere = next instanceof Residence.Here;
        if (residence.compareAndSet(download, next)) {
            if (isHere) {
                owner.resident().came(size());
            }
        } else if (isHere && residence.get() instanceof Residence.Gone gone && gone.fate() == Fate.DELETE) {
            deleteFile();
        }
    }

    @Override
    public Residency residency() {
        return new Residency(residence.get() instanceof Residence.Here, uploaded, usedNanos);
    }

    @Override
    public void uploaded() {
        if (!uploaded) {
            uploaded = true;
            owner.resident().mayGo();
        }
    }

    @Override
    public Eviction evict() {
        if (!uploaded) {
            return Eviction.NOT_UPLOADED;
        }
        try (Gate.Guard _ = owner.gate().enter()) {
            while (references.isOwned() && residence.get() instanceof Residence.Here here) {
                if (references.tellWhenIdle()) {
                    return Eviction.WHEN_IDLE;
                }
                if (tryEvict(here)) {
                    return Eviction.EVICTED;
                }
            }
        } catch (CancelledException e) {
            LOG.debug("layer {} is not evicted: {}", remote, e.getMessage());
        }
        return Eviction.NOT_RESIDENT;
    }

    /** Returns false if a reader came between, or the state was another one. */
    private boolean tryEvict(Residence.Here here) {
        Residence.Leaving leaving = new Residence.Leaving(owner.newSignal());
        if (!residence.compareAndSet(here, leaving)) {
            return false;
        }
        boolean unread = references.readers() == 0;
        if (unread) {
            leave(here, Fate.DELETE);
        }
        if (!residence.compareAndSet(leaving, unread ? Residence.AWAY : here)
                && !unread
                && residence.get() instanceof Residence.Gone gone) {
            leave(here, gone.fate());
        }
        leaving.signal().signalAll();
        return unread;
    }

    @Override
    public void retire() {
        references.retire();
    }

    @Override
    public void drop() {
        references.drop();
    }

    /** {@inheritDoc} Whoever is evicting or downloading meanwhile finds out at the end. */
    @Override
    public void released(Fate fate) {
        if (residence.getAndSet(new Residence.Gone(fate)) instanceof Residence.Here here) {
            leave(here, fate);
        }
    }

    private void leave(Residence.Here here, Fate fate) {
        here.reader().dispose(fate);
        owner.resident().went(size());
    }

    @Override
    public void idle() {
        evict();
    }

    private void deleteFile() {
        Path path = path();
        try {
            owner.io().disk().delete(path);
        } catch (DiskException e) {
            LOG.warn("could not delete layer file {}", path, e);
        }
    }

    @Override
    public String toString() {
        return name().toString();
    }
}
