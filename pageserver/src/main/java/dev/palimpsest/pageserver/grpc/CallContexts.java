package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import io.grpc.Context;
import io.grpc.Deadline;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** What requests are for the engine: to be given up when their client does, or the server stops. Safe for use by many threads. */
final class CallContexts {
    private final Clock clock;
    private final Cancellation server;

    /** @param server what ends all requests */
    CallContexts(Clock clock, Cancellation server) {
        this.clock = clock;
        this.server = server;
    }

    /** What the call ends with in whose gRPC context this is called. To be called once for each call. */
    Cancellation ofCall() {
        Cancellation call = server.child();
        // Run by the thread that learns of it, while the one that works on the call may wait.
        Context.current().addListener(_ -> call.cancel(), Runnable::run);
        return call;
    }

    /** A request that waits for no longer than that, and than the client does in whose gRPC context this is called. */
    RequestContext request(Cancellation call, Duration longest) {
        return new RequestContext(
                TaskKind.PAGE_SERVICE, Math.min(clock.nanos() + longest.toNanos(), clientsDeadline()), call);
    }

    /** A request that takes as long as it does, unless the client waits only for so long. */
    RequestContext unbounded(Cancellation call) {
        return new RequestContext(TaskKind.PAGE_SERVICE, clientsDeadline(), call);
    }

    private long clientsDeadline() {
        Deadline deadline = Context.current().getDeadline();
        return deadline == null ? Clock.NEVER : clock.nanos() + deadline.timeRemaining(TimeUnit.NANOSECONDS);
    }
}
