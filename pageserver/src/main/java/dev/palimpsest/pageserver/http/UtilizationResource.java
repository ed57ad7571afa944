package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.pageserver.tenant.TenantService;
import dev.palimpsest.pageserver.tenant.Utilization;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** How full the server is, as those ask who decide where tenants go. */
final class UtilizationResource {
    /** How many tenants a server is meant to have; the most that its start and its memory were measured with. */
    private static final int MAX_SHARDS = 10_000;

    private static final int ALL_OF_IT = 100;

    private record PageserverUtilization(
            long diskUsageBytes,
            long freeSpaceBytes,
            long diskWantedBytes,
            int diskUsablePct,
            int shardCount,
            int maxShardCount,
            long utilizationScore,
            Instant capturedAt) {}

    private final TenantService tenants;
    private final Clock clock;

    UtilizationResource(TenantService tenants, Clock clock) {
        this.tenants = tenants;
        this.clock = clock;
    }

    void addTo(Router router) {
        router.add(Route.get("/v1/utilization", "How full the server is")
                .answers(PageserverUtilization.class)
                .by(_ -> {
                    try {
                        return Reply.ok(answer(tenants.utilization()));
                    } catch (TenantException e) {
                        throw HttpFailure.of(e);
                    }
                }));
    }

    /** The score is how much in percent is taken of what is scarcer: the room that layers want on the disk, or tenants. */
    private PageserverUtilization answer(Utilization now) {
        long room = Math.max(1, now.localBytes() + now.freeBytes());
        long disk = Math.round(100.0 * now.wantedBytes() / room);
        long shards = Math.round(100.0 * now.tenants() / MAX_SHARDS);
        return new PageserverUtilization(
                now.localBytes(),
                now.freeBytes(),
                now.wantedBytes(),
                ALL_OF_IT,
                now.tenants(),
                MAX_SHARDS,
                Math.max(disk, shards),
                clock.instant().truncatedTo(ChronoUnit.MILLIS));
    }
}
