package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of places for open channels. Who wants one while all are taken gets the place of a channel that was not
 * used since the clock hand last passed it; if all are in use at that moment, waits until one is not. Nobody who waits
 * has a channel pinned. Safe for use by many threads; takes no lock.
 */
final class OpenFileTable {
    /** A place that belongs to somebody who is opening a channel for it. */
    private static final Object RESERVED = new Object();

    private final AtomicReferenceArray<@Nullable Object> places;
    private final AtomicInteger hand = new AtomicInteger();
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger waiting = new AtomicInteger();
    private final Signal signal;
    private final DiskCounters counters;

    OpenFileTable(int size, Signal signal, DiskCounters counters) {
        this.places = new AtomicReferenceArray<>(size);
        this.signal = signal;
        this.counters = counters;
    }

    /** How many places are taken. */
    int taken() {
        return taken.get();
    }

    /** A place to open a channel in, to be filled with {@link Place#put} or given back with {@link Place#closed}. */
    Place reserve() {
        int found = find();
        if (found < 0) {
            counters.slotWaits.increment();
            found = await();
        }
        Object victim = places.get(found);
        if (victim instanceof OpenChannel channel) {
            channel.close();
            counters.evictions.increment();
            places.set(found, RESERVED);
        } else {
            taken.incrementAndGet();
        }
        return new Place(found);
    }

    private int await() {
        int[] found = {-1};
        waiting.incrementAndGet();
        try {
            signal.await(
                    () -> {
                        found[0] = find();
                        return found[0] >= 0;
                    },
                    Clock.NEVER);
        } finally {
            waiting.decrementAndGet();
        }
        return found[0];
    }

    /** The index of a place that is the caller's now: a free one, or one whose channel was retired for it. Or -1. */
    private int find() {
        int size = places.length();
        // Two rounds: the first takes the marks away, the second finds who was not used meanwhile.
        for (int step = 0; step <= 2 * size; step++) {
            int i = Math.floorMod(hand.getAndIncrement(), size);
            Object content = places.get(i);
            if (content == null) {
                if (places.compareAndSet(i, null, RESERVED)) {
                    return i;
                }
            } else if (content instanceof OpenChannel channel && channel.evict()) {
                return i;
            }
        }
        return -1;
    }

    private void wake() {
        if (waiting.get() > 0) {
            signal.signalAll();
        }
    }

    /** One place, as seen by the channel in it. */
    final class Place implements OpenChannel.Holder {
        private final int index;

        private Place(int index) {
            this.index = index;
        }

        /** Makes a channel evictable. */
        void put(OpenChannel channel) {
            places.set(index, channel);
        }

        @Override
        public void idle() {
            wake();
        }

        @Override
        public void closed() {
            taken.decrementAndGet();
            places.set(index, null);
            wake();
        }
    }
}
