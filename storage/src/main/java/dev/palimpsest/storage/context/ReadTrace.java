package dev.palimpsest.storage.context;

import dev.palimpsest.storage.runtime.Clock;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Where the time of a request goes, for requests that somebody wants to know it of: most have none, and then nothing is measured.
 * To be cleared and used for the next request. Safe for use by the many threads that may work on one request.
 */
public final class ReadTrace {
    /** What a request spends its time on. One may be a part of another: a layer that is away is downloaded while it is visited. */
    public enum Step {
        /** Waiting until the timeline has reached the LSN. */
        WAIT_LSN,
        /** Asking the layer map which layers to visit. */
        PLAN,
        /** Visiting layers in memory. */
        MEMORY_LAYER,
        /** Visiting delta layers. */
        DELTA_LAYER,
        /** Visiting image layers. */
        IMAGE_LAYER,
        /** Waiting for downloads, in the time of the visits. */
        DOWNLOAD,
        /** Reading index blocks that are in no cache, in the time of the visits. */
        INDEX_BLOCK,
        /** Making pages of images and records. */
        REDO
    }

    private static final int STEPS = Step.values().length;

    private final Clock clock;
    private final AtomicLongArray nanos = new AtomicLongArray(STEPS);
    private final AtomicLongArray times = new AtomicLongArray(STEPS);
    private final AtomicLong records = new AtomicLong();

    /** @param clock the engine's */
    public ReadTrace(Clock clock) {
        this.clock = clock;
    }

    /** Forgets all. */
    public void clear() {
        for (int i = 0; i < STEPS; i++) {
            nanos.set(i, 0);
            times.set(i, 0);
        }
        records.set(0);
    }

    /** When something begins, as {@link #ended} wants it. */
    public long begin() {
        return clock.nanos();
    }

    /** A step has ended that began at {@code begin}. */
    public void ended(Step step, long begin) {
        nanos.getAndAdd(step.ordinal(), clock.nanos() - begin);
        times.getAndIncrement(step.ordinal());
    }

    /** So many records were applied. */
    public void applied(int count) {
        records.getAndAdd(count);
    }

    /** How long a step took, all times together. */
    public long nanos(Step step) {
        return nanos.get(step.ordinal());
    }

    /** How often it was done. */
    public long times(Step step) {
        return times.get(step.ordinal());
    }

    /** How many WAL records were applied. */
    public long records() {
        return records.get();
    }
}
