package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.pageserver.tenant.TenantLocation;
import dev.palimpsest.pageserver.tenant.TenantService;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.timeline.WarmProgress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;

/**
 * What this server has of tenants: as Neon's control plane says it, and as people do. Of Neon's modes there are those in which a
 * tenant has at most one writer; tenants are not sharded.
 */
final class LocationResource {
    private static final String TENANT = "/v1/tenant/{tenant}";
    private static final String ONE = TENANT + "/location_config";
    private static final String OURS = "/palimpsest/v1/tenant";
    private static final String CONFLICT = "Something else is being done with the tenant";
    private static final Route.Answer DONE = new Route.Answer.Nothing("Done, and durable");
    private static final TypeReference<Map<String, @Nullable Object>> FIELDS = new TypeReference<>() {};

    private record Secondary(@Nullable Boolean warm) {}

    private record Location(
            @Nullable String mode,
            @Nullable Long generation,
            @Nullable Secondary secondaryConf,
            @Nullable Integer shardNumber,
            @Nullable Integer shardCount,
            @Nullable Integer shardStripeSize,
            @Nullable Map<String, @Nullable Object> tenantConf) {}

    private record Shard(String shardId, int nodeId) {}

    private record Placed(List<Shard> shards, @Nullable Integer stripeSize) {}

    private record SecondaryProgress(
            @Nullable String heatmapMtime,
            long layersDownloaded,
            long layersTotal,
            long bytesDownloaded,
            long bytesTotal) {
        static SecondaryProgress of(WarmProgress now) {
            return new SecondaryProgress(null, now.layersHere(), now.layersTotal(), now.bytesHere(), now.bytesTotal());
        }

        boolean complete() {
            return layersDownloaded == layersTotal;
        }
    }

    private record Locations(List<List<Object>> tenantShards) {}

    private final TenantService tenants;
    private final int nodeId;

    LocationResource(TenantService tenants, int nodeId) {
        this.tenants = tenants;
        this.nodeId = nodeId;
    }

    void addTo(Router router) {
        router.add(Route.get("/v1/location_config", "What this server has of which tenants")
                .answers(Locations.class)
                .by(_ -> Reply.ok(all())));
        router.add(Route.get("/v1/location_config/{tenant}", "What this server has of a tenant")
                .access(Access.TENANT)
                .answers(Location.class)
                .by(TenantRoute.of(this::show)));
        router.add(Route.get(ONE, "What this server has of a tenant")
                .access(Access.TENANT)
                .answers(Location.class)
                .by(TenantRoute.of(this::show)));
        router.add(Route.put(ONE, "Attaches a tenant, keeps it warm or lets it go")
                .access(Access.TENANT)
                .takes(Location.class, "mode")
                .answers(Placed.class)
                .fails(HttpFailure.CONFLICT, CONFLICT)
                .by(TenantRoute.of(this::place)));
        router.add(
                Route.post(TENANT + "/heatmap_upload", "Says in the object store which layers a secondary is to keep")
                        .access(Access.TENANT)
                        .answers(200, new Route.Answer.JsonNull("Done"))
                        .by(TenantRoute.of((tenant, _) -> {
                            tenants.tellResident(tenant);
                            return Reply.okNull();
                        })));
        router.add(Route.get(TENANT + "/secondary/status", "How much a secondary has")
                .access(Access.TENANT)
                .answers(SecondaryProgress.class)
                .by(TenantRoute.of((tenant, _) -> Reply.ok(SecondaryProgress.of(tenants.warmth(tenant, false))))));
        router.add(Route.post(TENANT + "/secondary/download", "Fetches what a secondary lacks")
                .access(Access.TENANT)
                .answers(SecondaryProgress.class)
                .answers(202, new Route.Answer.Json("It goes on; ask again", SecondaryProgress.class, false))
                .by(TenantRoute.of((tenant, _) -> {
                    SecondaryProgress progress = SecondaryProgress.of(tenants.warmth(tenant, true));
                    return progress.complete() ? Reply.ok(progress) : Reply.accepted(progress);
                })));
        router.add(Route.get(OURS, "All tenants, whatever this server has of them")
                .answers(Responses.Tenants.class)
                .by(_ -> Reply.ok(new Responses.Tenants(tenants.list()))));
        router.add(Route.post(OURS + "/{tenant}/attach", "Attaches a tenant of the object store, or keeps it warm")
                .mayTake(Requests.AttachTenant.class)
                .answers(204, DONE)
                .fails(HttpFailure.CONFLICT, CONFLICT)
                .by(TenantRoute.of((tenant, call) -> {
                    boolean secondary =
                            Boolean.TRUE.equals(call.body(Requests.AttachTenant.class, new Requests.AttachTenant(null))
                                    .secondary());
                    return move(tenant, secondary ? TenantLocation.Mode.SECONDARY : TenantLocation.Mode.ATTACHED);
                })));
        router.add(Route.post(OURS + "/{tenant}/detach", "Lets a tenant go; its history stays in the object store")
                .answers(204, DONE)
                .fails(HttpFailure.CONFLICT, CONFLICT)
                .by(TenantRoute.of((tenant, _) -> move(tenant, TenantLocation.Mode.DETACHED))));
    }

    private Reply move(TenantId tenant, TenantLocation.Mode mode) throws TenantException {
        tenants.relocate(tenant, new TenantLocation(mode, null, null));
        return new Reply.Empty(204);
    }

    private Locations all() {
        return new Locations(tenants.locations().entrySet().stream()
                .map(entry -> List.<Object>of(entry.getKey().toString(), location(entry.getValue())))
                .toList());
    }

    private Reply show(TenantId tenant, Call call) throws HttpFailure {
        TenantLocation location = tenants.locations().get(tenant);
        if (location == null) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "tenant " + tenant + " not found");
        }
        return Reply.ok(location(location));
    }

    private static Location location(TenantLocation location) {
        String settings = location.settings();
        Map<String, @Nullable Object> own =
                settings == null ? Map.of() : ApiJson.mapper().readValue(settings, FIELDS);
        return switch (location.mode()) {
            case ATTACHED -> new Location("AttachedSingle", location.generation(), null, 0, 0, 0, own);
            case SECONDARY -> new Location("Secondary", null, new Secondary(true), 0, 0, 0, own);
            case DETACHED -> new Location("Detached", null, null, 0, 0, 0, own);
        };
    }

    private Reply place(TenantId tenant, Call call) throws TenantException, HttpFailure {
        Location asked = call.body(Location.class);
        if (isMore(asked.shardCount(), 1) || isMore(asked.shardNumber(), 0)) {
            throw HttpFailure.badRequest("tenants are not sharded here: shard_count is 0 or 1, and shard_number 0");
        }
        TenantLocation.Mode mode = mode(Call.required("mode", asked.mode()));
        if (mode == TenantLocation.Mode.ATTACHED && asked.generation() == null) {
            throw HttpFailure.badRequest("mode AttachedSingle needs a generation");
        }
        if (asked.generation() != null && asked.generation() < 0) {
            throw HttpFailure.badRequest("a generation is not negative: " + asked.generation());
        }
        if (mode == TenantLocation.Mode.SECONDARY && asked.generation() != null) {
            throw HttpFailure.badRequest("mode Secondary has no generation");
        }
        Map<String, @Nullable Object> own = asked.tenantConf();
        String settings = own == null ? null : ApiJson.mapper().writeValueAsString(own);
        boolean isDetached = mode == TenantLocation.Mode.DETACHED;
        tenants.relocate(
                tenant, new TenantLocation(mode, isDetached ? null : asked.generation(), isDetached ? null : settings));
        return Reply.ok(new Placed(isDetached ? List.of() : List.of(new Shard(tenant.toString(), nodeId)), null));
    }

    private static boolean isMore(@Nullable Integer number, int most) {
        return number != null && number > most;
    }

    private static TenantLocation.Mode mode(String text) throws HttpFailure {
        return switch (text) {
            case "AttachedSingle" -> TenantLocation.Mode.ATTACHED;
            case "Secondary" -> TenantLocation.Mode.SECONDARY;
            case "Detached" -> TenantLocation.Mode.DETACHED;
            case "AttachedMulti", "AttachedStale" ->
                throw HttpFailure.badRequest(
                        "mode " + text + " is not there: a tenant has one writer. Attach it where it is to be with"
                                + " AttachedSingle, which takes it from where it is now, and detach it there"
                                + " then");
            default ->
                throw HttpFailure.badRequest("'mode' is AttachedSingle, Secondary or Detached, not '" + text + "'");
        };
    }
}
