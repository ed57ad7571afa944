package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.timeline.ArchivedTimeline;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/** Timelines of a simulated store that become independent of their ancestors, are archived, and come back. */
final class SimulatedDepartures {
    private final SplittableRandom random;
    private final Function<TimelineId, Known> known;
    private final SimulatedLeases.Tolerance tolerance;
    private int detached;
    private int archived;

    SimulatedDepartures(
            SplittableRandom random, Function<TimelineId, Known> known, SimulatedLeases.Tolerance tolerance) {
        this.random = random;
        this.known = known;
        this.tolerance = tolerance;
    }

    /** How many timelines were cut loose from their ancestors. */
    int detached() {
        return detached;
    }

    /** How many timelines were archived. */
    int archived() {
        return archived;
    }

    /** Makes timelines independent while they are read, written, branched, compacted and collected. */
    void detachSometimes(Environment environment, TenantTimelines store, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            environment.tasks().sleep(random.nextLong(2_000_000_000L), Cancellation.NEVER);
            List<Timeline> branches = store.all().stream()
                    .filter(timeline -> timeline.branchPoint() != null)
                    .toList();
            if (branches.isEmpty()) {
                continue;
            }
            Timeline timeline = branches.get(random.nextInt(branches.size()));
            try {
                store.detach(timeline.id(), RequestContext.of(TaskKind.TOOL));
                assertThat(timeline.branchPoint()).isNull();
                assertThat(timeline.indexPart().metadata().ancestor()).isNull();
                assertThat(timeline.indexPart().state().gcBlocking()).isNull();
                detached++;
            } catch (StorageException e) {
                boolean waits = e instanceof InvalidRequestException
                        && String.valueOf(e.getMessage()).contains("take in again");
                if (!waits) {
                    tolerance.tolerate(e);
                }
            }
        }
    }

    /** Archives timelines without branches, when nobody uses them. */
    void archiveSome(Environment environment, TenantTimelines store) throws StorageException {
        for (Timeline timeline : store.all().reversed()) {
            boolean hasBranches = store.all().stream()
                    .anyMatch(other ->
                            other.branchPoint() != null && other.branchPoint().ancestor() == timeline);
            if (!hasBranches && random.nextInt(4) == 0) {
                RequestContext context = RequestContext.of(TaskKind.TOOL)
                        .withDeadline(environment.clock().nanos() + 100_000_000_000L);
                try {
                    store.archive(timeline.id(), context);
                } catch (StorageException e) {
                    tolerance.tolerate(e);
                    continue;
                }
                Known model = known.apply(timeline.id());
                model.durable = Lsn.max(model.durable, timeline.lastRecordLsn());
                assertThat(store.all()).doesNotContain(timeline);
                archived++;
            }
        }
    }

    void unarchiveSome(TenantTimelines store) throws StorageException {
        for (ArchivedTimeline timeline : store.archived()) {
            boolean isAncestorHere = timeline.ancestor() == null
                    || store.all().stream()
                            .anyMatch(other ->
                                    other.id().equals(timeline.ancestor().timeline()));
            if (isAncestorHere && random.nextInt(3) > 0) {
                try {
                    store.unarchive(timeline.id(), RequestContext.of(TaskKind.TOOL));
                } catch (StorageException e) {
                    tolerance.tolerate(e);
                }
            }
        }
    }
}
