package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.index.Heatmap;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.download.ObjectStoreDownloads;
import dev.palimpsest.storage.layer.residency.RemoteLayer;
import dev.palimpsest.storage.remote.ObjectBytes;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemotePaths;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The layer files of a tenant that another server has: those that are on that one's disk, as its {@link Heatmap} says. Whoever
 * takes the tenant over finds them where its timelines look for them; what is not needed then is deleted, what is missing is
 * downloaded when it is read.
 */
final class WarmCopy {
    private static final Logger LOG = LoggerFactory.getLogger(WarmCopy.class);

    private final Engine engine;
    private final TenantId tenant;
    private final TenantDirectory directory;

    WarmCopy(Engine engine, TenantId tenant, Path workDirectory) {
        this.engine = engine;
        this.tenant = tenant;
        this.directory = TenantDirectory.in(workDirectory, engine.disk(), tenant);
    }

    private static ObjectKey key(TenantId tenant) {
        return new ObjectKey(RemotePaths.heatmap(tenant, ShardIndex.UNSHARDED));
    }

    /** Says which layers of a tenant are here. */
    static void tell(Engine engine, TenantTimelines tenant, RequestContext context) throws StorageException {
        long now = engine.environment().clock().nanos();
        long seconds = engine.environment().clock().now().getEpochSecond();
        SortedMap<TimelineId, List<Heatmap.HotLayer>> timelines = new TreeMap<>();
        for (Timeline timeline : tenant.all()) {
            List<Heatmap.HotLayer> hot = new ArrayList<>();
            timeline.layers().historicLayers().map(PersistentLayer.class::cast).forEach(layer -> {
                PersistentLayer.Residency residency = layer.residency();
                if (residency.resident() && residency.uploaded()) {
                    long ago = Math.max(0, now - residency.usedNanos()) / 1_000_000_000L;
                    hot.add(new Heatmap.HotLayer(
                            layer.name().toString(),
                            new LayerMetadata(layer.size(), layer.fileName().generation(), layer.shard()),
                            Math.max(0, seconds - ago)));
                }
            });
            hot.sort(Comparator.comparingLong(Heatmap.HotLayer::accessSeconds).reversed());
            timelines.put(timeline.id(), hot);
        }
        Heatmap heatmap = new Heatmap(tenant.life().generation(), timelines);
        engine.objects().put(key(tenant.tenant()), ObjectSource.of(heatmap.encode()), PutCondition.ALWAYS, context);
    }

    /** Has what the heatmap names, and nothing else; what cannot be had is passed over. */
    WarmProgress bring(Consumer<WarmProgress> progress, RequestContext context) throws StorageException {
        context.checkCancelled();
        ObjectBytes object;
        try {
            object = engine.objects().read(key(tenant), Heatmap.MAX_BYTES, context);
        } catch (ObjectStoreException e) {
            if (e.kind() == ObjectStoreException.Kind.NOT_FOUND) {
                return WarmProgress.NONE;
            }
            throw e;
        }
        Heatmap heatmap = Heatmap.decode(object.bytes(), key(tenant).value());
        directory.create();
        directory.deleteUnknown(heatmap.timelines().keySet());
        WarmProgress total = WarmProgress.NONE;
        for (List<Heatmap.HotLayer> layers : heatmap.timelines().values()) {
            for (Heatmap.HotLayer layer : layers) {
                total = total.wanting(layer.metadata().fileSize());
            }
        }
        progress.accept(total);
        for (Map.Entry<TimelineId, List<Heatmap.HotLayer>> timeline :
                heatmap.timelines().entrySet()) {
            total = bring(timeline.getKey(), timeline.getValue(), total, progress, context);
        }
        return total;
    }

    private WarmProgress bring(
            TimelineId timeline,
            List<Heatmap.HotLayer> layers,
            WarmProgress before,
            Consumer<WarmProgress> progress,
            RequestContext context)
            throws StorageException {
        Path here = directory.of(timeline);
        engine.disk().createDirectories(here);
        Map<String, RemoteLayer> wanted = new LinkedHashMap<>();
        for (Heatmap.HotLayer layer : layers) {
            RemoteLayer remote = remote(layer);
            wanted.put(remote.fileName().local(), remote);
        }
        Map<String, Long> there = new TreeMap<>();
        for (Disk.Entry entry : engine.disk().list(here)) {
            RemoteLayer layer = wanted.get(entry.name());
            if (layer != null && layer.size() == entry.size()) {
                there.put(entry.name(), entry.size());
            } else {
                engine.disk().delete(here.resolve(entry.name()));
            }
        }
        ObjectStoreDownloads downloads =
                new ObjectStoreDownloads(engine.disk(), engine.objects(), tenant, timeline, engine.uniqueNumbers());
        WarmProgress done = before;
        for (Map.Entry<String, RemoteLayer> layer : wanted.entrySet()) {
            context.checkCancelled();
            if (there.containsKey(layer.getKey()) || isBrought(downloads, layer.getValue(), here, context)) {
                done = done.having(layer.getValue().size());
                progress.accept(done);
            }
        }
        return done;
    }

    private RemoteLayer remote(Heatmap.HotLayer layer) throws CorruptionException {
        try {
            LayerFileName name = new LayerFileName(
                    LayerName.parse(layer.name()), layer.metadata().generation());
            return new RemoteLayer(
                    name, layer.metadata().shard(), layer.metadata().fileSize());
        } catch (IllegalArgumentException e) {
            throw new CorruptionException(key(tenant).value(), 0, "not the name of a layer: " + e.getMessage(), e);
        }
    }

    /** What the heatmap names may have been compacted away since. */
    private boolean isBrought(ObjectStoreDownloads downloads, RemoteLayer layer, Path here, RequestContext context)
            throws StorageException {
        try {
            downloads.fetch(layer, here.resolve(layer.fileName().local()), _ -> {}, context);
            return true;
        } catch (ObjectStoreException e) {
            if (e.kind() != ObjectStoreException.Kind.NOT_FOUND) {
                throw e;
            }
            LOG.debug("tenant {}: layer {} is no more", tenant, layer);
            return false;
        }
    }
}
