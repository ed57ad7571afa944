package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import java.util.function.LongSupplier;

/**
 * Makes the contexts of requests. A shutdown first ends what only waits, or would take long; what is being read is answered,
 * unless that takes too long itself. Safe for use by many threads.
 */
final class RequestContexts {
    private final Clock clock;
    private final LongSupplier limitNanos;
    private final Cancellation reads = new Cancellation();
    private final Cancellation waits = reads.child();

    /** @param limitNanos how long a request may take that comes now */
    RequestContexts(Clock clock, LongSupplier limitNanos) {
        this.clock = clock;
        this.limitNanos = limitNanos;
    }

    /** Of something to be answered soon. */
    RequestContext read() {
        return new RequestContext(TaskKind.PAGE_SERVICE, clock.nanos() + limitNanos.getAsLong(), reads);
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
