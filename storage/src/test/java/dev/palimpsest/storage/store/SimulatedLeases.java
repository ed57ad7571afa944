package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Holds LSNs of a simulated store at random, on any timeline, also where it has its ancestor's history, for long enough that GC
 * may go past them; and reads there, which must go well however far the cutoff has come.
 *
 * <p>Who leases outlives the process, which forgets leases when it dies: he asks the next one again, soon after its start. What the
 * cutoff had not passed then is his to have.
 */
final class SimulatedLeases {
    /** Reads every key of a timeline as of an LSN, and compares. */
    @FunctionalInterface
    interface Reading {
        void readAll(Environment environment, Timeline timeline, Lsn lsn) throws StorageException;
    }

    /** What a failure may be where faults are injected. */
    @FunctionalInterface
    interface Tolerance {
        void tolerate(StorageException failure) throws StorageException;
    }

    private final SplittableRandom random;
    private final Reading reading;
    private final Tolerance tolerance;
    /** What is leased now, or was when a process died. */
    private final Map<TimelineId, TreeSet<Lsn>> leased = new TreeMap<>();

    private int belowCutoff;
    private int renewed;

    SimulatedLeases(SplittableRandom random, Reading reading, Tolerance tolerance) {
        this.random = random;
        this.reading = reading;
        this.tolerance = tolerance;
    }

    /** How often was read below the cutoff, where nobody else may read. */
    int belowCutoff() {
        return belowCutoff;
    }

    void leaseOften(Environment environment, TenantTimelines store, int count) throws StorageException {
        for (int i = 0; i < count; i++) {
            environment.tasks().sleep(random.nextLong(500_000_000L), Cancellation.NEVER);
            List<Timeline> all = store.all();
            if (!all.isEmpty()) {
                lease(environment, all.get(random.nextInt(all.size())));
            }
        }
    }

    private void lease(Environment environment, Timeline timeline) throws StorageException {
        Lsn first = timeline.gcCutoffLsn();
        Lsn last = timeline.lastRecordLsn();
        if (!last.isValid() || last.isBefore(first)) {
            return;
        }
        Lsn lsn = random.nextInt(3) == 0 ? first : first.plus(random.nextLong(last.bytesSince(first) + 1));
        if (!lsn.isValid()) {
            return;
        }
        lease(environment, timeline, lsn);
    }

    private void lease(Environment environment, Timeline timeline, Lsn lsn) throws StorageException {
        TreeSet<Lsn> ofTimeline = leased.computeIfAbsent(timeline.id(), _ -> new TreeSet<>());
        try (Hold _ = timeline.hold(lsn)) {
            ofTimeline.add(lsn);
            for (int reads = random.nextInt(1, 4); reads > 0; reads--) {
                environment.tasks().sleep(random.nextLong(2_000_000_000L), Cancellation.NEVER);
                read(environment, timeline, lsn);
            }
        }
        ofTimeline.remove(lsn); // not if the process dies: then it is asked for again
    }

    /** Which leases of earlier processes a store still has to give: to be asked when it is loaded, before anything is done. */
    Map<TimelineId, List<Lsn>> toRenew(TenantTimelines store) {
        Map<TimelineId, List<Lsn>> all = new TreeMap<>();
        for (Timeline timeline : store.all()) {
            all.put(
                    timeline.id(),
                    leased.getOrDefault(timeline.id(), new TreeSet<>()).stream()
                            .filter(lsn -> !lsn.isBefore(timeline.gcCutoffLsn()))
                            .filter(lsn -> !lsn.isAfter(timeline.lastRecordLsn()))
                            .toList());
        }
        leased.clear();
        return all;
    }

    /** Leases some again, each before a time; none of that may be refused. */
    List<Task> renew(
            Environment environment, TenantTimelines store, Map<TimelineId, List<Lsn>> wanted, long untilNanos) {
        List<Task> tasks = new ArrayList<>();
        wanted.forEach((id, lsns) ->
                lsns.forEach(lsn -> tasks.add(environment.tasks().start("renew " + lsn, () -> {
                    long left = Math.max(1, untilNanos - environment.clock().nanos());
                    environment.tasks().sleep(random.nextLong(left), Cancellation.NEVER);
                    if (environment.clock().nanos() < untilNanos) {
                        renewed++;
                        lease(environment, store.timeline(id), lsn);
                    }
                }))));
        return tasks;
    }

    /** How many leases of earlier processes were given again. */
    int renewed() {
        return renewed;
    }

    private void read(Environment environment, Timeline timeline, Lsn lsn) throws StorageException {
        boolean isBelow = lsn.isBefore(timeline.gcCutoffLsn());
        try {
            reading.readAll(environment, timeline, lsn);
            belowCutoff += isBelow ? 1 : 0;
        } catch (DeadlineExceededException e) {
            if (timeline.branchPoint() == null) {
                throw e; // a branch may wait for what its ancestor has lost and not yet taken in again
            }
        } catch (InvalidRequestException e) {
            throw e; // whatever fails, what is held is not refused
        } catch (StorageException e) {
            tolerance.tolerate(e);
        }
    }
}
