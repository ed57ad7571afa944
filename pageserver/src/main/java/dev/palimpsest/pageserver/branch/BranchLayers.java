package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.Timeline;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The layers of a server's branches. */
final class BranchLayers implements LayerService {
    private static final Logger LOG = LoggerFactory.getLogger(BranchLayers.class);

    private final OpenBranches branches;
    private final ArchivedBranches archive;
    private final Clock clock;
    private final RequestContext context;
    private final Map<TimelineId, Bringing> bringing = new ConcurrentHashMap<>();

    BranchLayers(OpenBranches branches, ArchivedBranches archive, Clock clock, RequestContext context) {
        this.branches = branches;
        this.archive = archive;
        this.clock = clock;
        this.context = context;
    }

    /** Layers on their way, all for one request. */
    private static final class Bringing {
        final String id = UUID.randomUUID().toString();
        final int layers;
        final AtomicInteger running;
        final AtomicInteger done = new AtomicInteger();
        final AtomicInteger failed = new AtomicInteger();

        Bringing(int layers, int workers) {
            this.layers = layers;
            this.running = new AtomicInteger(workers);
        }

        boolean isRunning() {
            return running.get() > 0;
        }

        Downloads view() {
            return new Downloads(id, isRunning(), layers, done.get(), failed.get());
        }
    }

    private Branch branch(String name) throws BranchException {
        Branch branch = branches.get(name);
        if (branch == null) {
            throw archive.missing(name);
        }
        return branch;
    }

    private static Stream<PersistentLayer> files(Branch branch) {
        return branch.timeline().layers().historicLayers().map(PersistentLayer.class::cast);
    }

    @Override
    public Layers layers(String name) throws BranchException {
        LayerMap<Layer> map = branch(name).timeline().layers();
        List<MemoryLayer> memory = new ArrayList<>();
        map.frozenLayers().forEach(layer -> memory.add(new MemoryLayer(layer.lsnStart(), layer.lsnEnd())));
        Layer open = map.openLayer();
        if (open != null) {
            memory.add(new MemoryLayer(open.lsnStart(), null));
        }
        return new Layers(
                memory,
                map.historicLayers()
                        .map(PersistentLayer.class::cast)
                        .map(layer -> new FileLayer(
                                layer.fileName().remote(),
                                layer.size(),
                                layer.kind() == LayerKind.IMAGE,
                                layer.lsnStart(),
                                layer.lsnEnd(),
                                !layer.residency().resident(),
                                layer.isL0()))
                        .sorted(Comparator.comparing(FileLayer::name))
                        .toList());
    }

    @Override
    public Facts facts(String name) throws BranchException {
        Timeline timeline = branch(name).timeline();
        IndexPart part = timeline.indexPart();
        IndexPart.State state = part.state();
        IndexPart.GcBlocking blocking = state.gcBlocking();
        IndexPart.RelSizeMigration migration = state.relSizeMigration();
        IndexPart.OriginalAncestor former = part.lineage().originalAncestor();
        return new Facts(
                timeline.prevRecordLsn(),
                part.metadata().initdbLsn(),
                migration == null ? null : migration.toString(),
                blocking == null
                        ? List.of()
                        : blocking.reasons().stream()
                                .map(IndexPart.GcBlockingReason::toString)
                                .toList(),
                former == null ? null : former.timeline().toString());
    }

    private static PersistentLayer layer(Branch branch, String layer) throws BranchException {
        return files(branch)
                .filter(known -> known.fileName().remote().equals(layer)
                        || known.fileName().local().equals(layer)
                        || known.name().toString().equals(layer))
                .findFirst()
                .orElseThrow(() -> new BranchException(
                        BranchException.Kind.INVALID, "branch " + branch.name() + " has no layer " + layer));
    }

    @Override
    public boolean download(String name, String layer) throws BranchException {
        PersistentLayer known = layer(branch(name), layer);
        try {
            return bring(known);
        } catch (StorageException e) {
            throw Branches.failed("layer " + layer + " of branch " + name + " cannot be downloaded", e);
        }
    }

    /** Reading its first value brings it. What compaction takes away meanwhile is needed no more. */
    private boolean bring(PersistentLayer layer) throws StorageException {
        if (layer.residency().resident() || !layer.tryAcquire()) {
            return false;
        }
        try (LayerIterator values = layer.iterator(context)) {
            values.next();
        } finally {
            layer.release();
        }
        return true;
    }

    @Override
    public boolean evict(String name, String layer) throws BranchException {
        return switch (layer(branch(name), layer).evict()) {
            case EVICTED, WHEN_IDLE -> true;
            case NOT_RESIDENT, NOT_UPLOADED -> false;
        };
    }

    @Override
    public Downloads downloadAll(String name, int atOnce) throws BranchException {
        Branch branch = branch(name);
        ConcurrentLinkedQueue<PersistentLayer> missing = new ConcurrentLinkedQueue<>(
                files(branch).filter(layer -> !layer.residency().resident()).toList());
        bringing.keySet().removeIf(id -> branches.of(id) == null);
        int workers = Math.min(atOnce, missing.size());
        Bringing begun = new Bringing(missing.size(), workers);
        Bringing there =
                bringing.compute(branch.timeline().id(), (_, old) -> old != null && old.isRunning() ? old : begun);
        if (there != begun) {
            throw new BranchException(
                    BranchException.Kind.CONFLICT, "layers of branch " + name + " are being downloaded already");
        }
        for (int i = 0; i < workers; i++) {
            Thread.ofVirtual().name("download all of " + name).start(() -> bringAll(name, missing, begun));
        }
        return begun.view();
    }

    private void bringAll(String name, ConcurrentLinkedQueue<PersistentLayer> missing, Bringing progress) {
        try {
            for (PersistentLayer next = missing.poll(); next != null; next = missing.poll()) {
                try {
                    bring(next);
                    progress.done.incrementAndGet();
                } catch (StorageException e) {
                    progress.failed.incrementAndGet();
                    LOG.warn("layer {} of branch {} cannot be downloaded: {}", next.name(), name, e.getMessage());
                }
            }
        } finally {
            progress.running.decrementAndGet();
        }
    }

    @Override
    public Downloads downloads(String name) throws BranchException {
        Bringing last = bringing.get(branch(name).timeline().id());
        if (last == null) {
            throw new BranchException(
                    BranchException.Kind.NOT_FOUND, "nobody has had all layers of branch " + name + " downloaded");
        }
        return last.view();
    }

    @Override
    public byte[] value(String name, Key key, Lsn lsn) throws BranchException {
        Branch branch = branch(name);
        try (Hold _ = branch.timeline().hold(lsn)) {
            return branch.timeline().get(key, lsn, context);
        } catch (MissingKeyException e) {
            throw new BranchException(BranchException.Kind.NOT_FOUND, String.valueOf(e.getMessage()), e);
        } catch (StorageException e) {
            throw Branches.failed("key " + key + " of branch " + name + " cannot be read at " + lsn, e);
        }
    }

    @Override
    public void blockGc(String name) throws BranchException {
        changeBlocking(
                name,
                blocking -> IndexPart.GcBlocking.with(blocking, IndexPart.GcBlockingReason.MANUAL, clock.instant()));
    }

    @Override
    public void unblockGc(String name) throws BranchException {
        changeBlocking(name, blocking -> IndexPart.GcBlocking.without(blocking, IndexPart.GcBlockingReason.MANUAL));
    }

    private void changeBlocking(String name, UnaryOperator<IndexPart.@Nullable GcBlocking> change)
            throws BranchException {
        try {
            branch(name)
                    .timeline()
                    .updateState(state -> state.withGcBlocking(change.apply(state.gcBlocking())), context);
        } catch (StorageException e) {
            throw Branches.failed("GC of branch " + name + " cannot be blocked or unblocked", e);
        }
    }
}
