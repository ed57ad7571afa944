package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.storage.TenantId;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Tenants as Neon's API shows them, and the server's own status. A tenant here is the cluster that was attached. */
final class TenantResource {
    private static final int NODE_ID = 1;
    private static final int GENERATION = 1;

    private record Status(int id) {}

    private record Slug(String slug) {}

    private record TenantInfo(String id, Slug state, long currentPhysicalSize, Slug attachmentStatus, int generation) {}

    private record TenantDetails(
            String id,
            Slug state,
            long currentPhysicalSize,
            Slug attachmentStatus,
            int generation,
            List<String> timelines) {}

    private final BranchService service;

    TenantResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(Route.get("/v1/status", "The server's ID")
                .access(Access.OPEN)
                .answers(Status.class)
                .by(_ -> Reply.ok(new Status(NODE_ID))));
        router.add(Route.get("/v1/tenant", "All tenants")
                .answersList(TenantInfo.class)
                .by(_ -> Reply.ok(list())));
        router.add(Route.get("/v1/tenant/{tenant}", "A tenant and its timelines")
                .access(Access.TENANT)
                .answers(TenantDetails.class)
                .by(this::show));
    }

    private List<TenantInfo> list() {
        SortedMap<String, Long> sizes = new TreeMap<>();
        for (BranchView branch : service.list()) {
            sizes.merge(branch.tenant(), branch.layerBytes(), Long::sum);
        }
        return sizes.entrySet().stream()
                .map(tenant -> new TenantInfo(
                        tenant.getKey(), new Slug("Active"), tenant.getValue(), new Slug("attached"), GENERATION))
                .toList();
    }

    private Reply show(Call call) throws HttpFailure {
        String tenant = id(call);
        List<BranchView> branches = branches(service, tenant);
        return Reply.ok(new TenantDetails(
                tenant,
                new Slug("Active"),
                branches.stream().mapToLong(BranchView::layerBytes).sum(),
                new Slug("attached"),
                GENERATION,
                branches.stream().map(BranchView::timeline).sorted().toList()));
    }

    /** The tenant of a path, in the form that views have. */
    static String id(Call call) throws HttpFailure {
        try {
            return TenantId.parse(call.variable("tenant")).toString();
        } catch (IllegalArgumentException e) {
            throw HttpFailure.badRequest("not the ID of a tenant: " + e.getMessage());
        }
    }

    /** A tenant's branches, at least one. */
    static List<BranchView> branches(BranchService service, String tenant) throws HttpFailure {
        List<BranchView> branches = service.list().stream()
                .filter(branch -> branch.tenant().equals(tenant))
                .toList();
        if (branches.isEmpty()) {
            throw new HttpFailure(HttpFailure.NOT_FOUND, "tenant " + tenant + " not found");
        }
        return branches;
    }
}
