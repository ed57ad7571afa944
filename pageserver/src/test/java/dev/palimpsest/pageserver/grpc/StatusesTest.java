package dev.palimpsest.pageserver.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageapi.GetPageStatusCode;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.StorageException;
import io.grpc.Status;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StatusesTest {
    @Test
    void whatTheEngineCannotDoHasAStatus() {
        Map<StorageException, Status.Code> all = Map.of(
                new CancelledException("c"), Status.Code.UNAVAILABLE,
                new DeadlineExceededException("d"), Status.Code.INTERNAL,
                new InvalidRequestException("i"), Status.Code.INVALID_ARGUMENT,
                new MissingKeyException("m"), Status.Code.NOT_FOUND,
                new CorruptionException("r", 1, "p"), Status.Code.DATA_LOSS,
                new RedoException("r"), Status.Code.INTERNAL,
                new ObjectStoreException(ObjectStoreException.Kind.UNAVAILABLE, "get", "o", "slow down"),
                        Status.Code.RESOURCE_EXHAUSTED,
                new ObjectStoreException(ObjectStoreException.Kind.REFUSED, "get", "o", "no"), Status.Code.INTERNAL);
        all.forEach((failure, code) -> {
            Status status = Statuses.of(failure);
            assertThat(status.getCode()).as(failure.toString()).isEqualTo(code);
            assertThat(status.getDescription()).isEqualTo(failure.getMessage());
        });
    }

    /** Which codes a stream survives. */
    @Test
    void everyCodeIsSaidInTheStreamOrEndsIt() {
        Map<Status.Code, GetPageStatusCode> inStream = Map.of(
                Status.Code.OK, GetPageStatusCode.GET_PAGE_STATUS_CODE_OK,
                Status.Code.NOT_FOUND, GetPageStatusCode.GET_PAGE_STATUS_CODE_NOT_FOUND,
                Status.Code.INVALID_ARGUMENT, GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                Status.Code.FAILED_PRECONDITION, GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                Status.Code.OUT_OF_RANGE, GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                Status.Code.ALREADY_EXISTS, GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                Status.Code.INTERNAL, GetPageStatusCode.GET_PAGE_STATUS_CODE_INTERNAL_ERROR,
                Status.Code.DATA_LOSS, GetPageStatusCode.GET_PAGE_STATUS_CODE_INTERNAL_ERROR,
                Status.Code.RESOURCE_EXHAUSTED, GetPageStatusCode.GET_PAGE_STATUS_CODE_SLOW_DOWN);
        assertThat(Arrays.stream(Status.Code.values()).filter(code -> !inStream.containsKey(code)))
                .containsExactlyInAnyOrder(
                        Status.Code.UNAVAILABLE,
                        Status.Code.UNAUTHENTICATED,
                        Status.Code.PERMISSION_DENIED,
                        Status.Code.CANCELLED,
                        Status.Code.DEADLINE_EXCEEDED,
                        Status.Code.ABORTED,
                        Status.Code.UNIMPLEMENTED,
                        Status.Code.UNKNOWN);
        for (Status.Code code : Status.Code.values()) {
            assertThat(Statuses.inStream(code.toStatus()))
                    .as(code.name())
                    .isEqualTo(Optional.ofNullable(inStream.get(code)));
        }
    }
}
