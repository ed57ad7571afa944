package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.retention.RetentionOverride;

/**
 * Adopting a base backup and its WAL: {@code PUT /palimpsest/v1/adopt/NAME?to=&pitr_interval=&gc_horizon=}, with a body that {@link
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
        router.add(Route.put(PATH, "Makes a branch of a base backup and its WAL")
                .query(Parameter.moment("to", "Up to where; to the end of the WAL if it is left out"))
                .query(Parameter.text(
                        "pitr_interval",
                        "One can go back to any moment of the last so long, such as 7d; as the server's"
                                + " branches if it is left out"))
                .query(Parameter.number(
                        "gc_horizon",
                        0,
                        Long.MAX_VALUE,
                        "So many bytes of WAL before the end are kept, whatever their age; as the server's"
                                + " branches if it is left out"))
                .takesStream(HttpApi.TAR_TYPE)
                .answers(201, new Route.Answer.Json("It is there, and durable", AttachProgress.class, false))
                .fails(HttpFailure.CONFLICT, "There is a branch of this name")
                .by(this::adopt));
        router.add(Route.get(PATH, "How far adopting a branch is")
                .answers(AttachProgress.class)
                .by(call -> Reply.ok(service.attachProgress(call.variable("name")))));
    }

    private Reply adopt(Call call) throws BranchException, HttpFailure {
        String horizon = call.parameter("gc_horizon");
        RetentionOverride retention = UpkeepResource.retention(
                call.parameter("pitr_interval"), horizon == null ? null : Long.valueOf(horizon));
        return Reply.created(service.adopt(call.variable("name"), call.moment("to"), retention, call.stream()));
    }
}
