package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageapi.PageServiceGrpc;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.security.Authentication;
import dev.palimpsest.pageserver.security.Caller;
import dev.palimpsest.pageserver.security.InvalidTokenException;
import io.grpc.Codec;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What every call passes: no more at once than there may be, a token that is good for the tenant, and metadata that says what it
 * is about. Knows all calls that there are, and which of them wait for their client. Safe for use by many threads.
 */
final class CallGate implements ServerInterceptor {
    private static final Logger LOG = LoggerFactory.getLogger(CallGate.class);

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> ENCODING =
            Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER);
    private static final String BEARER = "Bearer ";

    private final int most;
    private final Authentication authentication;
    private final PageService pages;
    private final GrpcMetrics metrics;
    private final Set<WatchedCall<?, ?>> open = ConcurrentHashMap.newKeySet();

    /** @param most how many calls there may be at once */
    CallGate(int most, Authentication authentication, PageService pages, GrpcMetrics metrics) {
        this.most = most;
        this.authentication = authentication;
        this.pages = pages;
        this.metrics = metrics;
    }

    @Override
    public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
            ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
        WatchedCall<ReqT, RespT> watched = new WatchedCall<>(call, open::remove, metrics);
        open.add(watched);
        try {
            Context context = admitted(call, headers);
            String encoding = headers.get(ENCODING);
            if (encoding != null && !encoding.equals(Codec.Identity.NONE.getMessageEncoding())) {
                // Whoever takes the trouble to compress what it sends wants compressed answers too.
                call.setCompression(encoding);
            }
            return watched.watching(Contexts.interceptCall(context, watched, headers, next));
        } catch (StatusException e) {
            LOG.debug(
                    "a call of {} is refused: {}",
                    call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR),
                    e.getMessage());
            watched.close(e.getStatus(), new Metadata());
            return watched.watching(new ServerCall.Listener<>() {});
        }
    }

    /** @return the context in which the call is served */
    private Context admitted(ServerCall<?, ?> call, Metadata headers) throws StatusException {
        // It counts itself.
        if (open.size() > most) {
            throw Status.RESOURCE_EXHAUSTED
                    .withDescription("there are " + most + " calls already")
                    .asException();
        }
        Caller caller = caller(headers);
        if (!PageServiceGrpc.SERVICE_NAME.equals(call.getMethodDescriptor().getServiceName())) {
            return Context.current(); // it is about no tenant
        }
        CallTarget target = CallTarget.of(headers);
        if (!caller.mayUse(target.tenant())) {
            throw Status.PERMISSION_DENIED
                    .withDescription("this token is not for tenant " + target.tenant())
                    .asException();
        }
        return target.in(Context.current());
    }

    private Caller caller(Metadata headers) throws StatusException {
        String header = headers.get(AUTHORIZATION);
        try {
            if (!authentication.isRequired()) {
                return authentication.authenticate(null);
            }
            if (header == null) {
                throw refused(Status.UNAUTHENTICATED, "a token is needed, as metadata authorization: Bearer TOKEN");
            }
            if (!header.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
                throw refused(Status.INVALID_ARGUMENT, "metadata authorization is to be: Bearer TOKEN");
            }
            return authentication.authenticate(header.substring(BEARER.length()).strip());
        } catch (InvalidTokenException e) {
            throw refused(Status.INVALID_ARGUMENT, "JWT authentication error: " + e.getMessage());
        }
    }

    private StatusException refused(Status status, String why) {
        pages.metrics().refused();
        return status.withDescription(why).asException();
    }

    /** Cuts off those who keep a call waiting: for the end of what they ask, or until they take their answer. */
    void endStuck(Connections connections) {
        PageServiceSettings limits = pages.limits();
        long now = System.nanoTime();
        for (WatchedCall<?, ?> call : open) {
            if (call.waitsForRequest(now) > limits.messageTimeout().toNanos()) {
                LOG.info(
                        "gRPC client {} has not ended its request within {}, and is disconnected",
                        call.client(),
                        limits.messageTimeout());
                connections.close(call.client());
            } else if (call.waitsForReader(now) > limits.writeTimeout().toNanos()) {
                LOG.warn(
                        "gRPC client {} has taken nothing for {}, and is disconnected",
                        call.client(),
                        limits.writeTimeout());
                connections.close(call.client());
            }
        }
    }
}
