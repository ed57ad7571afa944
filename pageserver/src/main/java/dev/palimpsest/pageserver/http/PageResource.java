package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import java.util.Map;

/** Single pages: {@code page} and {@code page_history} below a branch. */
final class PageResource {
    private static final String BRANCH = "/palimpsest/v1/branch/{name}";
    private static final String PAGE_TYPE = "application/octet-stream";
    private static final Parameter RELATION = Parameter.text(
                    "relation",
                    "TABLESPACE/DATABASE/FILE, or base/DATABASE/FILE; _vm, _fsm or _init at its end for other forks")
            .asRequired();
    private static final Parameter BLOCK =
            Parameter.number("block", 0, 0xFFFF_FFFEL, "The block's number").asRequired();

    private final BranchService service;

    PageResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add(Route.get(BRANCH + "/page", "A page of a relation as of a moment")
                .access(Access.BRANCH)
                .query(RELATION, BLOCK, BranchResource.AT)
                .answers(
                        200,
                        new Route.Answer.Bytes(
                                "The page, 8192 bytes; its LSN is in the header " + HttpApi.LSN_HEADER, PAGE_TYPE))
                .by(this::page));
        router.add(Route.get(BRANCH + "/page_history", "What happened to a page up to a moment, the newest first")
                .access(Access.BRANCH)
                .query(RELATION, BLOCK, BranchResource.AT)
                .answers(Responses.PageHistory.class)
                .by(this::history));
    }

    private Reply page(Call call) throws BranchException {
        String name = call.variable("name");
        String relation = call.requiredParameter("relation");
        long block = call.number("block");
        Lsn lsn = service.resolve(name, call.moment("at"));
        byte[] page = service.page(name, relation, block, new Moment.AtLsn(lsn));
        return new Reply.Bytes(PAGE_TYPE, Map.of(HttpApi.LSN_HEADER, lsn.toString()), page);
    }

    private Reply history(Call call) throws BranchException {
        String name = call.variable("name");
        String relation = call.requiredParameter("relation");
        long block = call.number("block");
        Lsn lsn = service.resolve(name, call.moment("at"));
        return Reply.ok(
                new Responses.PageHistory(lsn, service.pageHistory(name, relation, block, new Moment.AtLsn(lsn))));
    }
}
