package dev.palimpsest.pageserver.walreceiver;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The pauses between attempts: each twice as long as the one before, up to a limit. Safe for use by many threads. */
final class Backoff {
    private final long firstNanos;
    private final long longestNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long nextNanos;
    private boolean hurry;
    private boolean ended;

    Backoff(Duration first, Duration longest) {
        this.firstNanos = first.toNanos();
        this.longestNanos = longest.toNanos();
        this.nextNanos = firstNanos;
    }

    /** Pauses; returns whether there is to be another attempt: not after {@link #end} or an interrupt. */
    boolean await() {
        lock.lock();
        try {
            long left = nextNanos;
            nextNanos = Math.min(longestNanos, 2 * nextNanos);
            while (left > 0 && !hurry && !ended) {
                left = changed.awaitNanos(left);
            }
            hurry = false;
            return !ended;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** There was success: the next pause is a short one. */
    void reset() {
        lock.lock();
        try {
            nextNanos = firstNanos;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the pause that is under way, or leaves out the next one. */
    void hurry() {
        lock.lock();
        try {
            hurry = true;
            nextNanos = firstNanos;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** There are no more attempts. */
    void end() {
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
