package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.Mutex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeyCatalogue;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.image.ImageLayerWriter;
import dev.palimpsest.storage.layer.residency.RemoteLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gives a timeline layers of its own for all that it sees of its ancestors, through all of them at once. Readers of the
 * timeline, and of the ancestors, go on meanwhile; so do writers. Used by one task, once.
 *
 * <p>Nothing of it counts until the layers are the timeline's: what has been copied when it fails or the process dies is of no
 * use but to another attempt, and the next life of the tenant deletes it.
 *
 * <p>What a branch does not see of its ancestors, {@link KeyCatalogue#NOT_INHERITED}, is left out: a layer that has such keys
 * is written anew without them.
 */
final class AncestorDetachment implements AutoCloseable {
    private static final BlobCompression COMPRESSION = new BlobCompression.Zstd(1);
    private static final int VALUES_BETWEEN_CHECKS = 1024;

    private final Engine engine;
    private final Timeline timeline;
    private final RequestContext context;
    private final List<PersistentLayer> held = new ArrayList<>();
    private final List<PersistentLayer> taken = Collections.synchronizedList(new ArrayList<>());
    /** That no image as of the branch point is made meanwhile; null if there cannot be one. */
    private Mutex.@Nullable Held exclusive;

    AncestorDetachment(Engine engine, Timeline timeline, RequestContext context) {
        this.engine = engine;
        this.timeline = timeline;
        this.context = context;
    }

    /**
     * Takes it all: layers that are in the object store, and not in the timeline's layer map yet. If they do not get there they
     * are given up by {@link #close}.
     */
    List<PersistentLayer> take() throws StorageException {
        List<InheritedLayers.Level> levels = new ArrayList<>();
        try (Gate.Guard _ = timeline.enter()) {
            hold(levels);
            Mutex.Held alone = timeline.upkeep().exclusively(context);
            exclusive = alone;
            List<InheritedLayers.Step> steps = InheritedLayers.plan(ownNames(), levels);
            if (timeline.diskConsistentLsn().isAfter(levels.getFirst().upTo())) {
                // No image as of the branch point is made any more, so nothing gets a name that is being taken.
                exclusive = null;
                alone.close();
            }
            LayerWorkers.forEach(
                    engine, timeline.files().tenant(), "detach " + timeline.id(), steps, this::take, context);
            return List.copyOf(taken);
        } finally {
            held.forEach(PersistentLayer::release);
        }
    }

    /** What was taken is the timeline's. */
    void owned() {
        taken.clear();
        close();
    }

    /** Gives up what is not the timeline's: files here at once, objects with this life. */
    @Override
    public void close() {
        taken.forEach(PersistentLayer::drop);
        taken.clear();
        Mutex.Held alone = exclusive;
        if (alone != null) {
            exclusive = null;
            alone.close();
        }
    }

    /**
     * The names that the timeline has, or has had: what it has removed is needed for nothing that it retains, and neither is a
     * layer of an ancestor with the same keys and LSN.
     */
    private Set<LayerName> ownNames() {
        Set<LayerName> own = new HashSet<>(timeline.publisher().remote().forgotten());
        timeline.layers().historicLayers().forEach(layer -> own.add(((PersistentLayer) layer).name()));
        own.addAll(timeline.obsoleteNames());
        return own;
    }

    /** Adds what is seen of each ancestor, all of it in the object store and held. */
    private void hold(List<InheritedLayers.Level> levels) throws StorageException {
        Lsn upTo = Lsn.MAX;
        for (Timeline.@Nullable BranchPoint at = timeline.branchPoint();
                at != null;
                at = at.ancestor().branchPoint()) {
            Timeline ancestor = at.ancestor();
            upTo = Lsn.min(upTo, at.lsn());
            if (ancestor.lastRecordLsn().isBefore(upTo)) {
                throw new InvalidRequestException("timeline " + timeline.id() + " cannot be detached now: its ancestor "
                        + ancestor.id() + " is at " + ancestor.lastRecordLsn()
                        + ", and has to take in again what a crash"
                        + " has taken from it, up to " + upTo);
            }
            if (ancestor.remoteConsistentLsn().isBefore(upTo)) {
                ancestor.freezeAndFlush(context);
            }
            ancestor.publisher().publish(context);
            levels.add(new InheritedLayers.Level(ancestor.id(), upTo, hold(ancestor, upTo)));
        }
    }

    private List<PersistentLayer> hold(Timeline ancestor, Lsn upTo) throws StorageException {
        while (true) {
            timeline.checkRunning();
            ancestor.checkRunning();
            List<PersistentLayer> all = new ArrayList<>();
            if (tryHold(ancestor.layers(), upTo, all)) {
                held.addAll(all);
                return all;
            }
            all.forEach(PersistentLayer::release);
        }
    }

    /** Returns false if one of them was replaced since. */
    private static boolean tryHold(LayerMap<Layer> map, Lsn upTo, List<PersistentLayer> into) {
        for (Layer layer : map.historicLayers().toList()) {
            if (!layer.lsnStart().isAfter(upTo)) {
                if (!layer.tryAcquire()) {
                    return false;
                }
                into.add((PersistentLayer) layer);
            }
        }
        return true;
    }

    private void take(InheritedLayers.Step step) throws StorageException {
        context.checkCancelled();
        timeline.checkRunning();
        LayerFileName name = new LayerFileName(step.as(), timeline.files().generation());
        OptionalLong before = timeline.publisher().remote().taken(name);
        if (before.isPresent()) {
            taken.add(remote(name, before.getAsLong()));
        } else if (step.isWhole() && !hasWhatIsNotInherited(step.layer())) {
            takeWhole(step, name);
        } else {
            rewrite(step).ifPresent(taken::add);
        }
    }

    private PersistentLayer remote(LayerFileName name, long size) {
        return timeline.files().persistent().remote(new RemoteLayer(name, ShardIndex.UNSHARDED, size));
    }

    private void takeWhole(InheritedLayers.Step step, LayerFileName name) throws StorageException {
        PersistentLayer layer = step.layer();
        timeline.publisher().remote().take(step.owner(), layer, name, context);
        TimelineFiles files = timeline.files();
        // Held as it is, a file that is here stays here.
        boolean isHere = layer.residency().resident() && files.link(layer.path(), name);
        taken.add(
                isHere
                        ? files.persistent().resident(new RemoteLayer(name, ShardIndex.UNSHARDED, layer.size()))
                        : remote(name, layer.size()));
    }

    private boolean hasWhatIsNotInherited(PersistentLayer layer) throws StorageException {
        KeySpace hidden = KeyCatalogue.NOT_INHERITED.intersect(KeySpace.of(layer.keyRange()));
        if (hidden.isEmpty()) {
            return false;
        }
        ReconstructState found = new ReconstructState();
        layer.collect(hidden, layer.lsnStart(), layer.lsnEnd(), found, context);
        return !found.keys().isEmpty();
    }

    /** Writes what of a layer the timeline sees; empty if that is nothing. */
    private Optional<PersistentLayer> rewrite(InheritedLayers.Step step) throws StorageException {
        timeline.files().deleteLayer(step.as());
        Optional<PersistentLayer> written = switch (step.as()) {
            case DeltaLayerName name -> rewriteDelta(step.layer(), name);
            case ImageLayerName name -> Optional.of(rewriteImage(step.layer(), name));
        };
        boolean done = false;
        try {
            if (written.isPresent()) {
                timeline.publisher().remote().takeWritten(written.get(), context);
            }
            done = true;
            return written;
        } finally {
            if (!done) {
                written.ifPresent(PersistentLayer::drop);
            }
        }
    }

    private Optional<PersistentLayer> rewriteDelta(PersistentLayer layer, DeltaLayerName as) throws StorageException {
        try (DeltaLayerWriter writer =
                        timeline.files().deltaWriter(as.keyRange().start(), as.lsnRange());
                LayerIterator values = layer.iterator(context)) {
            for (long i = 0; values.next(); i++) {
                checkNowAndThen(i);
                if (as.lsnRange().contains(values.lsn()) && KeyCatalogue.isInherited(values.key())) {
                    writer.put(values.key(), values.lsn(), values.value(), values.willInit());
                }
            }
            return writer.count() == 0 ? Optional.empty() : Optional.of(finish(writer, as));
        }
    }

    private PersistentLayer finish(DeltaLayerWriter writer, DeltaLayerName as) throws StorageException {
        PersistentLayer written = timeline.files().finish(writer, as);
        timeline.files().syncDirectory();
        return written;
    }

    private PersistentLayer rewriteImage(PersistentLayer layer, ImageLayerName as) throws StorageException {
        try (ImageLayerWriter writer = timeline.files().imageWriter(as, COMPRESSION);
                LayerIterator values = layer.iterator(context)) {
            for (long i = 0; values.next(); i++) {
                checkNowAndThen(i);
                if (KeyCatalogue.isInherited(values.key())
                        && ValueCodec.decode(values.value(), layer.toString(), 0)
                                instanceof Value.Image(byte[] bytes)) {
                    writer.put(values.key(), ByteBuffer.wrap(bytes));
                }
            }
            if (writer.count() == 0) {
                // Without it, what is older would be seen again; an image layer without images cannot be.
                throw new InvalidRequestException(
                        "layer " + layer.name() + " has nothing but what a branch does not inherit"
                                + " (auxiliary files, replication origins), so timeline " + timeline.id()
                                + " cannot be given one of its own for it");
            }
            PersistentLayer written =
                    timeline.files().finish(writer, as.keyRange().end());
            timeline.files().syncDirectory();
            return written;
        }
    }

    private void checkNowAndThen(long value) throws StorageException {
        if (value % VALUES_BETWEEN_CHECKS == 0) {
            context.checkCancelled();
            timeline.checkRunning();
        }
    }
}
