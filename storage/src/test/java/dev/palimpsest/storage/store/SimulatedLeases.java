package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Holds LSNs of a simulated store at random, on any timeline, also where it has its ancestor's history, for long enough that GC
 * may go past them; and reads there, which must go well however far the cutoff has come.
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
    private int belowCutoff;

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
        try (Hold _ = timeline.hold(lsn)) {
            for (int reads = random.nextInt(1, 4); reads > 0; reads--) {
                environment.tasks().sleep(random.nextLong(2_000_000_000L), Cancellation.NEVER);
                read(environment, timeline, lsn);
            }
        }
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
