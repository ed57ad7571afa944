package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import java.util.Map;
import java.util.Set;

/** Single pages: {@code page} and {@code page_history} below a branch. */
final class PageResource {
    private static final String BRANCH = "/palimpsest/v1/branch/{name}";
    private static final Set<String> PARAMETERS = Set.of("relation", "block", "at");
    private static final long MAX_BLOCK = 0xFFFF_FFFEL;

    private final BranchService service;

    PageResource(BranchService service) {
        this.service = service;
    }

    void addTo(Router router) {
        router.add("GET", BRANCH + "/page", PARAMETERS, Access.BRANCH, this::page);
        router.add("GET", BRANCH + "/page_history", PARAMETERS, Access.BRANCH, this::history);
    }

    private Reply page(Call call) throws BranchException, HttpFailure {
        String name = call.variable("name");
        String relation = call.requiredParameter("relation");
        long block = call.number("block", MAX_BLOCK);
        Lsn lsn = service.resolve(name, call.moment("at"));
        byte[] page = service.page(name, relation, block, new Moment.AtLsn(lsn));
        return new Reply.Bytes("application/octet-stream", Map.of(HttpApi.LSN_HEADER, lsn.toString()), page);
    }

    private Reply history(Call call) throws BranchException, HttpFailure {
        String name = call.variable("name");
        String relation = call.requiredParameter("relation");
        long block = call.number("block", MAX_BLOCK);
        Lsn lsn = service.resolve(name, call.moment("at"));
        return Reply.ok(
                new Responses.PageHistory(lsn, service.pageHistory(name, relation, block, new Moment.AtLsn(lsn))));
    }
}
