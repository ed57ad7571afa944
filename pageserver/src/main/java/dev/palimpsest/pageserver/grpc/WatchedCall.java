package dev.palimpsest.pageserver.grpc;

import io.grpc.Context;
import io.grpc.ForwardingServerCall;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.net.SocketAddress;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A call of which is known what it waits for. As safe as a call is; {@link #waitsForReader} and the like are for every thread. */
final class WatchedCall<ReqT, RespT> extends ForwardingServerCall.SimpleForwardingServerCall<ReqT, RespT> {
    /** Where nothing is waited for. */
    private static final long NOT = 0;

    private final Consumer<WatchedCall<?, ?>> whenDone;
    private final GrpcMetrics metrics;
    private final String method;
    private final AtomicBoolean done = new AtomicBoolean();
    private volatile long requestSince;
    private volatile long readerSince = NOT;
    private volatile Status.Code code = Status.Code.CANCELLED;

    /** @param whenDone is told this once, when nothing more is to come or go */
    WatchedCall(ServerCall<ReqT, RespT> call, Consumer<WatchedCall<?, ?>> whenDone, GrpcMetrics metrics) {
        super(call);
        this.whenDone = whenDone;
        this.metrics = metrics;
        this.method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
        // A stream of requests may be idle.
        this.requestSince = call.getMethodDescriptor().getType().clientSendsOneMessage() ? now() : NOT;
        metrics.started(method);
    }

    private static long now() {
        return Math.max(1, System.nanoTime());
    }

    @Nullable
    SocketAddress client() {
        return getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    }

    /** For how many nanoseconds the client has kept back the end of its only request. */
    long waitsForRequest(long now) {
        long since = requestSince;
        return since == NOT ? 0 : now - since;
    }

    /** For how many nanoseconds the client has not taken what it is sent. */
    long waitsForReader(long now) {
        long since = readerSince;
        return since == NOT ? 0 : now - since;
    }

    @Override
    public void sendMessage(RespT message) {
        super.sendMessage(message);
        if (readerSince == NOT && !isReady()) {
            readerSince = now();
            if (isReady()) {
                readerSince = NOT; // its listener may have been told in between
            }
        }
    }

    @Override
    public void close(Status status, Metadata trailers) {
        // Whoever works for a client that has gone may learn of it sooner than the call does, and call it something
        // else.
        code = Context.current().isCancelled() ? Status.Code.CANCELLED : status.getCode();
        requestSince = NOT;
        readerSince = now();
        super.close(status, trailers);
    }

    private void end() {
        if (done.compareAndSet(false, true)) {
            metrics.finished(method, code);
            whenDone.accept(this);
        }
    }

    /** The same listener, which this learns from. */
    ServerCall.Listener<ReqT> watching(ServerCall.Listener<ReqT> listener) {
        return new ForwardingServerCallListener.SimpleForwardingServerCallListener<>(listener) {
            @Override
            public void onHalfClose() {
                requestSince = NOT;
                super.onHalfClose();
            }

            @Override
            public void onReady() {
                readerSince = NOT;
                super.onReady();
            }

            @Override
            public void onComplete() {
                end();
                super.onComplete();
            }

            @Override
            public void onCancel() {
                end();
                super.onCancel();
            }
        };
    }
}
