package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.LayerService;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The layers of timelines, and values by key, as Neon's API has them. */
final class LayerResource {
    private static final String ONE = "/v1/tenant/{tenant}/timeline/{timeline}";
    private static final String LAYER = ONE + "/layer/{layer}";
    private static final String ALL = ONE + "/download_remote_layers";
    private static final String VALUE_TYPE = "application/octet-stream";
    private static final int NOT_MODIFIED = 304;
    private static final int MAX_AT_ONCE = 128;
    private static final Parameter NAME =
            Parameter.text("layer", "The name of the layer's file, with its generation or without");
    private static final Parameter KEY =
            Parameter.text("key", "The key, 36 hexadecimal digits").asRequired();
    private static final Parameter LSN = Parameter.lsn("lsn", "As of when; the last LSN if it is left out");

    /**
     * A layer in memory.
     *
     * @param kind {@code Open} or {@code Frozen}
     * @param lsnEnd where it ends, exclusive; null while it is open
     */
    private record InMemoryLayer(
            String kind, Lsn lsnStart, @Nullable Lsn lsnEnd) {}

    /**
     * A layer that is a file.
     *
     * @param kind {@code Delta} or {@code Image}
     * @param layerFileSize in bytes
     * @param lsnEnd where it ends, exclusive; null for an image layer
     * @param remote whether it is not on the local disk
     * @param l0 whether compaction has not come by yet; null for an image layer
     */
    private record HistoricLayer(
            String kind,
            String layerFileName,
            long layerFileSize,
            Lsn lsnStart,
            @Nullable Lsn lsnEnd,
            boolean remote,
            @Nullable Boolean l0) {
        static HistoricLayer of(LayerService.FileLayer layer) {
            return layer.image()
                    ? new HistoricLayer(
                            "Image", layer.name(), layer.bytes(), layer.lsnStart(), null, layer.remote(), null)
                    : new HistoricLayer(
                            "Delta",
                            layer.name(),
                            layer.bytes(),
                            layer.lsnStart(),
                            layer.lsnEnd(),
                            layer.remote(),
                            layer.l0());
        }
    }

    private record LayerMapInfo(List<InMemoryLayer> inMemoryLayers, List<HistoricLayer> historicLayers) {}

    private record DownloadRemoteLayers(@Nullable Integer maxConcurrentDownloads) {}

    /** @param state {@code Running} or {@code Completed} */
    private record RemoteLayersDownload(
            String taskId, String state, int totalLayerCount, int successfulDownloadCount, int failedDownloadCount) {
        static RemoteLayersDownload of(LayerService.Downloads downloads) {
            return new RemoteLayersDownload(
                    downloads.id(),
                    downloads.running() ? "Running" : "Completed",
                    downloads.layers(),
                    downloads.done(),
                    downloads.failed());
        }
    }

    private final BranchService service;

    LayerResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(of(Route.get(ONE + "/layer", "The layers that a timeline has of its own"))
                .answers(LayerMapInfo.class)
                .by(this::list));
        router.add(of(Route.get(LAYER, "Brings a layer to the local disk, and waits for it"))
                .variable(NAME)
                .answers(200, new Route.Answer.JsonNull("It is there now"))
                .answers(NOT_MODIFIED, new Route.Answer.Nothing("It was there"))
                .by(call -> changed(layers().download(name(call), call.variable("layer")))));
        router.add(of(Route.delete(LAYER, "Has a layer leave the local disk"))
                .variable(NAME)
                .answers(200, new Route.Answer.JsonNull("It goes, once nobody reads it"))
                .answers(NOT_MODIFIED, new Route.Answer.Nothing("It was not there, or is not in the object store"))
                .by(call -> changed(layers().evict(name(call), call.variable("layer")))));
        router.add(of(Route.post(ALL, "Begins to bring all layers to the local disk; it goes on after the answer"))
                .takes(DownloadRemoteLayers.class, "max_concurrent_downloads")
                .answers(202, new Route.Answer.Json("It has begun", RemoteLayersDownload.class, false))
                .by(this::downloadAll));
        router.add(of(Route.get(ALL, "How far the last such download is"))
                .answers(RemoteLayersDownload.class)
                .by(call -> Reply.ok(RemoteLayersDownload.of(layers().downloads(name(call))))));
        router.add(of(Route.post(ONE + "/block_gc", "Has GC remove nothing of a timeline"))
                .answers(200, new Route.Answer.JsonNull("Done, and durable"))
                .by(call -> {
                    layers().blockGc(name(call));
                    return Reply.okNull();
                }));
        router.add(of(Route.post(ONE + "/unblock_gc", "Has GC remove again what is not kept"))
                .answers(200, new Route.Answer.JsonNull("Done, and durable"))
                .by(call -> {
                    layers().unblockGc(name(call));
                    return Reply.okNull();
                }));
        router.add(Route.get(ONE + "/getpage", "The value of a key; for a relation's block its page")
                .query(KEY, LSN)
                .fails(HttpFailure.CONFLICT, "The timeline is archived")
                .answers(200, new Route.Answer.Bytes("The value", VALUE_TYPE))
                .by(call -> new Reply.Bytes(VALUE_TYPE, Map.of(), value(call))));
        router.add(Route.get(ONE + "/touchpage", "Reads the value of a key, and keeps it to itself")
                .query(KEY, LSN)
                .fails(HttpFailure.CONFLICT, "The timeline is archived")
                .answers(200, new Route.Answer.Nothing("It can be read"))
                .by(call -> {
                    value(call);
                    return new Reply.Empty(200);
                }));
    }

    private static Route.Builder of(Route.Builder route) {
        return route.access(Access.TENANT)
                .fails(HttpFailure.CONFLICT, "The timeline is archived, or this is being done already");
    }

    private LayerService layers() {
        return service.layers();
    }

    private String name(Call call) throws HttpFailure {
        return TimelineResource.find(service, call).name();
    }

    private Reply list(Call call) throws BranchException, HttpFailure {
        LayerService.Layers layers = layers().layers(name(call));
        return Reply.ok(new LayerMapInfo(
                layers.memory().stream()
                        .map(layer -> new InMemoryLayer(
                                layer.lsnEnd() == null ? "Open" : "Frozen", layer.lsnStart(), layer.lsnEnd()))
                        .toList(),
                layers.files().stream().map(HistoricLayer::of).toList()));
    }

    private static Reply changed(boolean changed) {
        return changed ? Reply.okNull() : new Reply.Empty(NOT_MODIFIED);
    }

    private Reply downloadAll(Call call) throws BranchException, HttpFailure {
        Integer atOnce = call.body(DownloadRemoteLayers.class).maxConcurrentDownloads();
        if (atOnce == null) {
            throw HttpFailure.badRequest("the field 'max_concurrent_downloads' is missing");
        }
        if (atOnce < 1 || atOnce > MAX_AT_ONCE) {
            throw HttpFailure.badRequest("the field 'max_concurrent_downloads' is to be a number from 1 to "
                    + MAX_AT_ONCE + ", not " + atOnce);
        }
        return Reply.accepted(RemoteLayersDownload.of(layers().downloadAll(name(call), atOnce)));
    }

    private byte[] value(Call call) throws BranchException, HttpFailure {
        Key key;
        try {
            key = Key.parse(call.requiredParameter("key"));
        } catch (IllegalArgumentException e) {
            throw HttpFailure.badRequest(String.valueOf(e.getMessage()));
        }
        BranchView branch = TimelineResource.find(service, call);
        Lsn lsn = call.parameter("lsn") == null ? branch.lastRecordLsn() : call.lsn("lsn");
        return layers().value(branch.name(), key, lsn);
    }
}
