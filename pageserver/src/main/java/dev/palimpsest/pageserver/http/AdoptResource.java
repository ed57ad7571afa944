package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import java.util.Set;

/**
 * Adopting a base backup and its WAL: {@code PUT /palimpsest/v1/adopt/NAME?to=}, with a body that {@link
 * dev.palimpsest.pageserver.adopt.AdoptHeader} describes. It is answered once the branch is durable; a body that breaks off leaves
 * nothing. How far it is can be asked meanwhile, and afterwards how it ended.
 */
final class AdoptResource {
    private static final String PATH = "/palimpsest/v1/adopt/{name}";

    private final BranchService service;

    AdoptResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.addStreamed("PUT", PATH, Set.of("to"), HttpApi.TAR_TYPE, this::adopt);
        router.add("GET", PATH, Set.of(), call -> Reply.ok(service.attachProgress(call.variable("name"))));
    }

    private Reply adopt(Call call) throws BranchException {
        return Reply.created(service.adopt(call.variable("name"), call.moment("to"), call.stream()));
    }
}
