package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Tasks;
import io.grpc.stub.ServerCallStreamObserver;

/** Waits until clients take what they are sent. Safe for use by many threads. */
final class ReaderWait {
    private final Tasks tasks;

    ReaderWait(Tasks tasks) {
        this.tasks = tasks;
    }

    /** For one call; to be called while its method runs, as gRPC asks for. */
    OfCall of(ServerCallStreamObserver<?> out) {
        Signal signal = tasks.newSignal();
        out.setOnReadyHandler(signal::signalAll);
        return new OfCall(out, signal);
    }

    /** One call's. */
    record OfCall(ServerCallStreamObserver<?> out, Signal signal) {
        /**
         * Waits until the client takes more.
         *
         * @throws CancelledException if it has gone, or the server is being shut down
         */
        void await(RequestContext context) throws CancelledException, DeadlineExceededException {
            context.await(signal, out::isReady, () -> "the client to take what it was sent");
        }
    }
}
