package dev.palimpsest.storage.simulation;

import java.util.SplittableRandom;

/**
 * Draws which calls of one kind fail, and how. Has a stream of numbers of its own, from which each call takes the same
 * number of draws whether it fails or not: so another probability leaves the other calls as they were.
 */
final class FaultPlan {
    /** What becomes of a call. */
    enum Outcome {
        SUCCEEDS,
        /** Fails, and has done nothing. */
        FAILS_BEFORE,
        /** Fails, and has done a part. */
        FAILS_MIDDLE,
        /** Fails, though it has done everything. */
        FAILS_AFTER
    }

    private static final Outcome[] FAILURES = {Outcome.FAILS_BEFORE, Outcome.FAILS_MIDDLE, Outcome.FAILS_AFTER};

    private final SplittableRandom random;

    FaultPlan(SplittableRandom random) {
        this.random = random;
    }

    Outcome next(double probability, boolean forced) {
        double draw = random.nextDouble();
        Outcome failure = FAILURES[random.nextInt(FAILURES.length)];
        return forced || draw < probability ? failure : Outcome.SUCCEEDS;
    }

    /** How long the next call takes beyond nothing; 0 mostly. */
    long pauseNanos(double probability, long atMost) {
        double draw = random.nextDouble();
        double part = random.nextDouble();
        return draw < probability ? 1 + (long) (part * (atMost - 1)) : 0;
    }
}
