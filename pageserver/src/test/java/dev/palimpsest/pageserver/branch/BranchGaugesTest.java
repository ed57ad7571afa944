package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BranchGaugesTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.LIFECYCLE);
    private static final TenantId TENANT = TenantId.parse("0".repeat(31) + "1");

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final OpenBranches branches = new OpenBranches();

    private void add(TenantTimelines tenant, int number) throws Exception {
        TimelineId id = TimelineId.parse("%032x".formatted(number));
        String name = "branch" + number;
        branches.add(new Branch(
                tenant,
                tenant.create(id, new Lsn(0x1000), 17, CONTEXT),
                BranchRecord.branched(name, Instant.EPOCH, new Lsn(0x1000), 1)));
    }

    /** By name and labels. */
    private Map<String, Double> series() {
        Map<String, Double> values = new TreeMap<>();
        for (MetricSnapshot metric : registry.scrape()) {
            for (GaugeSnapshot.GaugeDataPointSnapshot point : ((GaugeSnapshot) metric).getDataPoints()) {
                values.put(
                        metric.getMetadata().getName()
                                + point.getLabels().stream()
                                        .map(label -> label.getName() + "=" + label.getValue())
                                        .collect(Collectors.joining(",", "{", "}")),
                        point.getValue());
            }
        }
        return values;
    }

    @Test
    void moreBranchesAreNotMoreSeries(@TempDir Path directory) throws Exception {
        try (PostgresRedo redo = new PostgresRedo();
                EmbeddedStore store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, redo)) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            BranchGauges.register(branches, () -> 4, 3, Clock.systemUTC(), registry);
            int none = series().size();
            add(tenant, 1);
            int one = series().size();
            assertThat(one).isGreaterThan(none);
            assertThat(series())
                    .containsEntry("palimpsest_branches{phase=archived}", 4.0)
                    .containsEntry("palimpsest_branches{phase=catching_up}", 1.0)
                    .containsEntry("palimpsest_branches_not_shown{}", 0.0)
                    .containsEntry("palimpsest_followers{phase=streaming}", 0.0)
                    .containsEntry("palimpsest_ingest_max_lag_bytes{}", 0.0)
                    .containsEntry(
                            "pageserver_last_record_lsn{shard_id=0000,tenant_id=" + TENANT + ",timeline_id="
                                    + "0".repeat(31) + "1}",
                            0.0);
            for (int number = 2; number <= 8; number++) {
                add(tenant, number);
            }

            assertThat(series()).hasSize(none + 3 * (one - none)).containsEntry("palimpsest_branches_not_shown{}", 5.0);
            Objects.requireNonNull(branches.get("branch8")).fail("for the test");
            branches.remove(Objects.requireNonNull(branches.get("branch1")));
            assertThat(series())
                    .containsEntry("palimpsest_branches{phase=failed}", 1.0)
                    .containsEntry("palimpsest_branches_not_shown{}", 4.0)
                    .allSatisfy((name, _) -> assertThat(name).doesNotContain("0".repeat(31) + "1}"));
        }
    }
}
