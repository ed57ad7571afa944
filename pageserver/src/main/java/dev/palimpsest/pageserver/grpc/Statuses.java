package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageapi.GetPageStatusCode;
import dev.palimpsest.pageserver.pageservice.RequestFailure;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.StorageException;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What failures are called in gRPC. The codes are Neon's; its clients decide by them whether to try again. */
final class Statuses {
    private static final long CLOSE_MS = 5;

    private Statuses() {}

    /** Of a request that got no answer. */
    static Status of(RequestFailure failure) {
        Status status = switch (failure.kind()) {
            case BAD_REQUEST -> Status.INVALID_ARGUMENT;
            case NOT_FOUND -> Status.NOT_FOUND;
            case TIMEOUT -> timeout();
            case READ_ERROR -> readError(failure.getCause());
        };
        return status.withDescription(failure.getMessage());
    }

    /** Of what the engine could not do. */
    static Status of(StorageException failure) {
        Status status = failure instanceof InvalidRequestException ? Status.INVALID_ARGUMENT : readError(failure);
        return status.withDescription(failure.getMessage());
    }

    /** As Neon has it, if it was our limit; but a client's own is called what gRPC calls it, whoever sees first that it passed. */
    private static Status timeout() {
        Deadline ofCall = Context.current().getDeadline();
        boolean isCallers = ofCall != null && ofCall.timeRemaining(TimeUnit.MILLISECONDS) <= CLOSE_MS;
        return isCallers ? Status.DEADLINE_EXCEEDED : Status.INTERNAL;
    }

    private static Status readError(@Nullable Throwable cause) {
        return switch (cause) {
            case CancelledException _ -> Status.UNAVAILABLE;
            case DeadlineExceededException _ -> timeout();
            case MissingKeyException _ -> Status.NOT_FOUND;
            case CorruptionException _ -> Status.DATA_LOSS;
            case StorageException e when e.isRetryable() -> Status.RESOURCE_EXHAUSTED;
            case null, default -> Status.INTERNAL;
        };
    }

    /** How a failure is said in the response to one request of a stream; empty if it ends the stream. */
    static Optional<GetPageStatusCode> inStream(Status status) {
        return switch (status.getCode()) {
            case OK -> Optional.of(GetPageStatusCode.GET_PAGE_STATUS_CODE_OK);
            case NOT_FOUND -> Optional.of(GetPageStatusCode.GET_PAGE_STATUS_CODE_NOT_FOUND);
            case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE, ALREADY_EXISTS ->
                Optional.of(GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST);
            case INTERNAL, DATA_LOSS -> Optional.of(GetPageStatusCode.GET_PAGE_STATUS_CODE_INTERNAL_ERROR);
            case RESOURCE_EXHAUSTED -> Optional.of(GetPageStatusCode.GET_PAGE_STATUS_CODE_SLOW_DOWN);
            case UNAVAILABLE,
                    UNAUTHENTICATED,
                    PERMISSION_DENIED,
                    CANCELLED,
                    DEADLINE_EXCEEDED,
                    ABORTED,
                    UNIMPLEMENTED,
                    UNKNOWN -> Optional.empty();
        };
    }
}
