package dev.palimpsest.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.model.S3Exception;

class S3FailuresTest {
    private static AwsServiceException answer(int status, String code) {
        return S3Exception.builder()
                .statusCode(status)
                .requestId("42")
                .awsErrorDetails(AwsErrorDetails.builder()
                        .errorCode(code)
                        .errorMessage("the reason")
                        .build())
                .build();
    }

    @ParameterizedTest
    @CsvSource({
        "404, NoSuchKey, NOT_FOUND",
        "404, '', NOT_FOUND",
        "404, NoSuchBucket, REFUSED",
        "404, NoSuchUpload, UNAVAILABLE",
        "412, PreconditionFailed, PRECONDITION_FAILED",
        "409, ConditionalRequestConflict, UNAVAILABLE",
        "400, RequestTimeout, UNAVAILABLE",
        "400, BadDigest, UNAVAILABLE",
        "400, XAmzContentSHA256Mismatch, UNAVAILABLE",
        "400, InvalidArgument, REFUSED",
        "400, ExpiredToken, REFUSED",
        "401, Unauthorized, REFUSED",
        "403, AccessDenied, REFUSED",
        "403, SignatureDoesNotMatch, REFUSED",
        "301, PermanentRedirect, REFUSED",
        "405, MethodNotAllowed, REFUSED",
        "408, '', UNAVAILABLE",
        "429, TooManyRequests, UNAVAILABLE",
        "500, InternalError, UNAVAILABLE",
        "501, NotImplemented, REFUSED",
        "502, '', UNAVAILABLE",
        "503, SlowDown, UNAVAILABLE",
        "504, '', UNAVAILABLE",
        "200, InternalError, UNAVAILABLE",
    })
    void answersAreSorted(int status, String code, Kind kind) {
        ObjectStoreException failure = S3Failures.sorted("put", "a/b", answer(status, code));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure)
                .hasMessage("put a/b: the service answered " + status + " " + code + ": the reason (request 42)");
    }

    @Test
    void whatTheNetworkDoesIsUnavailability() {
        ObjectStoreException failure = S3Failures.sorted(
                "get",
                "a",
                SdkClientException.create("Unable to execute HTTP request", new IOException("Connection refused")));
        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure).hasMessage("get a: Unable to execute HTTP request: Connection refused");
        assertThat(S3Failures.sorted("get", "a", new IOException()).kind()).isEqualTo(Kind.UNAVAILABLE);
    }
}
