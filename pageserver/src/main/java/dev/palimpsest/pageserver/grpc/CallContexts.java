package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import io.grpc.Context;
import io.grpc.Deadline;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * What requests are for the engine: to be given up when their client does, or the server stops. A shutdown first ends what only
 * waits, or would take long; what is being read is answered, unless it takes longer than there is time for. Safe for use by many
 * threads.
 */
final class CallContexts {
    private final Clock clock;
    private final Cancellation reads = new Cancellation();
    private final Cancellation waits = reads.child();

    CallContexts(Clock clock) {
        this.clock = clock;
    }

    /**
     * What ends the work for one call.
     *
     * @param reads of what is soon done
     * @param waits of what is not
     */
    record Ends(Cancellation reads, Cancellation waits) {}

    /** For the call in whose gRPC context this is called; once for each. */
    Ends ofCall() {
        Ends call = new Ends(reads.child(), waits.child());
        // Run by the thread that learns of it, while the one that works on the call may wait.
        Context.current()
                .addListener(
                        _ -> {
                            call.reads.cancel();
                            call.waits.cancel();
                        },
                        Runnable::run);
        return call;
    }

    /** A request that waits for no longer than that, and than the client does in whose gRPC context this is called. */
    RequestContext request(Cancellation end, Duration longest) {
        return new RequestContext(
                TaskKind.PAGE_SERVICE, Math.min(clock.nanos() + longest.toNanos(), clientsDeadline()), end);
    }

    /** A request that takes as long as it does, unless the client waits only for so long. */
    RequestContext unbounded(Cancellation end) {
        return new RequestContext(TaskKind.PAGE_SERVICE, clientsDeadline(), end);
    }

    private long clientsDeadline() {
        Deadline deadline = Context.current().getDeadline();
        return deadline == null ? Clock.NEVER : clock.nanos() + deadline.timeRemaining(TimeUnit.NANOSECONDS);
    }

    void endWaits() {
        waits.cancel();
    }

    void endReads() {
        reads.cancel();
    }
}
