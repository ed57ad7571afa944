package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.context.PageArrays;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/**
 * Makes the contexts of requests, and keeps arrays for the pages of some. A shutdown first ends what only waits, or would take
 * long; what is being read is answered, unless that takes too long itself. Safe for use by many threads.
 */
final class RequestContexts {
    /** For more clients than are served at once; the others have none. */
    private static final int KEPT_ARRAYS = 16;

    private final Clock clock;
    private final LongSupplier limitNanos;
    private final Cancellation reads = new Cancellation();
    private final Cancellation waits = reads.child();
    /** Those used last are on top, as they are in the processor's caches. Guarded by itself. */
    private final Deque<PageArrays> spareArrays = new ArrayDeque<>(KEPT_ARRAYS);

    /** @param limitNanos how long a request may take that comes now */
    RequestContexts(Clock clock, LongSupplier limitNanos) {
        this.clock = clock;
        this.limitNanos = limitNanos;
    }

    /** Of something to be answered soon. */
    RequestContext read() {
        return new RequestContext(TaskKind.PAGE_SERVICE, clock.nanos() + limitNanos.getAsLong(), reads);
    }

    /** Arrays for the pages of one request, to be given back. */
    PageArrays takeArrays() {
        synchronized (spareArrays) {
            PageArrays spare = spareArrays.pollFirst();
            return spare == null ? new PageArrays() : spare;
        }
    }

    /** Takes arrays back; nobody may look at what is in them any more. */
    void giveBack(PageArrays arrays) {
        arrays.takeBack();
        synchronized (spareArrays) {
            if (spareArrays.size() < KEPT_ARRAYS) {
                spareArrays.addFirst(arrays);
            }
        }
    }

    /** Of something that may take long. */
    RequestContext longRead() {
        return read().withCancellation(waits);
    }

    /** Ends waits. */
    Cancellation waits() {
        return waits;
    }

    boolean isShutDown() {
        return waits.isCancelled();
    }

    void cancelWaits() {
        waits.cancel();
    }

    void cancelAll() {
        reads.cancel();
    }
}
