package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.pageserver.tenant.TenantLocation;
import dev.palimpsest.pageserver.tenant.TenantService;
import dev.palimpsest.pageserver.tenant.TenantState;
import dev.palimpsest.pageserver.tenant.TenantView;
import dev.palimpsest.storage.TenantId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tenants as Neon's API shows them, resets and deletes them, and the server's own status. */
final class TenantResource {
    private static final String ALL = "/v1/tenant";
    private static final String ONE = ALL + "/{tenant}";
    private static final String CONFLICT = "Something else is being done with the tenant";

    private record Status(int id) {}

    private record TenantInfo(
            String id,
            Map<String, Object> state,
            long currentPhysicalSize,
            Map<String, Object> attachmentStatus,
            @Nullable Long generation) {}

    /** Redo runs in the server: there is never a process of which anything could be told. */
    private record Walredo(
            @Nullable String lastRedoAt, @Nullable Integer process) {
        static final Walredo NONE = new Walredo(null, null);
    }

    private record TenantDetails(
            String id,
            Map<String, Object> state,
            long currentPhysicalSize,
            Map<String, Object> attachmentStatus,
            @Nullable Long generation,
            Walredo walredo,
            List<String> timelines) {}

    private final BranchService branches;
    private final TenantService tenants;
    private final int nodeId;

    TenantResource(BranchService branches, int nodeId) {
        this.branches = branches;
        this.tenants = branches.tenants();
        this.nodeId = nodeId;
    }

    void addTo(Router router) {
        router.add(Route.get("/v1/status", "The server's ID")
                .access(Access.OPEN)
                .answers(Status.class)
                .by(_ -> Reply.ok(new Status(nodeId))));
        router.add(Route.get(ALL, "All tenants that are attached")
                .answersList(TenantInfo.class)
                .by(_ -> Reply.ok(list())));
        router.add(Route.get(ONE, "A tenant and its timelines")
                .access(Access.TENANT)
                .answers(TenantDetails.class)
                .by(TenantRoute.of((tenant, _) -> show(tenant))));
        router.add(Route.delete(ONE, "Deletes a tenant with all its history")
                .access(Access.TENANT)
                .answers(200, new Route.Answer.JsonNull("Done"))
                .fails(HttpFailure.CONFLICT, CONFLICT)
                .by(TenantRoute.of((tenant, _) -> {
                    tenants.delete(tenant);
                    return Reply.okNull();
                })));
        router.add(Route.post(ONE + "/reset", "Loads a tenant again from the object store")
                .access(Access.TENANT)
                .query(Parameter.flag("drop_cache", "Whether to forget its local files first"))
                .answers(200, new Route.Answer.JsonNull("Done"))
                .fails(HttpFailure.CONFLICT, CONFLICT)
                .by(TenantRoute.of((tenant, call) -> {
                    tenants.reset(tenant, call.flag("drop_cache"));
                    return Reply.okNull();
                })));
    }

    private List<TenantInfo> list() {
        return tenants.list().stream()
                .filter(tenant -> tenant.mode() == TenantLocation.Mode.ATTACHED)
                .map(tenant -> new TenantInfo(
                        tenant.id(), state(tenant), tenant.layerBytes(), attachment(tenant), tenant.generation()))
                .toList();
    }

    private Reply show(TenantId id) throws TenantException, HttpFailure {
        TenantView tenant = tenants.view(id);
        if (tenant.mode() != TenantLocation.Mode.ATTACHED) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "tenant " + id + " is not attached here");
        }
        return Reply.ok(new TenantDetails(
                tenant.id(),
                state(tenant),
                tenant.layerBytes(),
                attachment(tenant),
                tenant.generation(),
                Walredo.NONE,
                branches.list().stream()
                        .filter(branch -> branch.tenant().equals(tenant.id()))
                        .map(BranchView::timeline)
                        .sorted()
                        .toList()));
    }

    private static Map<String, Object> state(TenantView tenant) {
        TenantState.Phase phase = phase(tenant);
        return phase == TenantState.Phase.BROKEN
                ? Map.of("slug", phase.neonsName(), "data", Map.of("reason", reason(tenant), "backtrace", ""))
                : Map.of("slug", phase.neonsName());
    }

    private static Map<String, Object> attachment(TenantView tenant) {
        return switch (phase(tenant)) {
            case ATTACHING -> Map.of("slug", "maybe");
            case ACTIVE, STOPPING -> Map.of("slug", "attached");
            case BROKEN -> Map.of("slug", "failed", "data", Map.of("reason", reason(tenant)));
        };
    }

    private static TenantState.Phase phase(TenantView tenant) {
        TenantState.Phase phase = tenant.phase();
        if (phase == null) {
            throw new IllegalStateException("tenant " + tenant.id() + " is not attached");
        }
        return phase;
    }

    private static String reason(TenantView tenant) {
        return String.valueOf(tenant.reason());
    }

    /** The tenant of a path, in the form that views have. */
    static String id(Call call) throws HttpFailure {
        return TenantRoute.id(call).toString();
    }

    /** Waits a while for a tenant that is being loaded. */
    static void awaitActive(BranchService service, TenantId tenant) throws HttpFailure {
        try {
            service.tenants().awaitActive(tenant);
        } catch (TenantException e) {
            throw HttpFailure.of(e);
        }
    }

    /** The branches of a tenant that serves; waits a while for one that is being loaded. */
    static List<BranchView> branches(BranchService service, String tenant) throws HttpFailure {
        awaitActive(service, TenantId.parse(tenant));
        return service.list().stream()
                .filter(branch -> branch.tenant().equals(tenant))
                .toList();
    }
}
