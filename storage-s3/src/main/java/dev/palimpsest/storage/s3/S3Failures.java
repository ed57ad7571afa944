package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import java.io.IOException;
import java.util.Objects;
import java.util.Set;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * Sorts what ends a request by what to do about it. By status, and where that says too little by the code in the answer:
 *
 * <ul>
 *   <li>404 is {@code NOT_FOUND}, but for a bucket that does not exist, {@code REFUSED}, and for a multipart upload that does
 *       not: that was completed or aborted by an attempt whose answer was lost, {@code UNAVAILABLE}
 *   <li>412 is {@code PRECONDITION_FAILED}
 *   <li>408, 409, 425, 429, 5xx but 501, errors inside an answer of success, and 400 for a body that did not arrive as it was
 *       sent are {@code UNAVAILABLE}; so is whatever the network does. 409 is a change of the same object going on at the same time
 *   <li>everything else is {@code REFUSED}
 * </ul>
 */
final class S3Failures {
    private static final Set<String> NOT_AS_SENT =
            Set.of("RequestTimeout", "IncompleteBody", "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch");

    private S3Failures() {}

    static ObjectStoreException sorted(String operation, String object, Throwable failure) {
        return switch (failure) {
            case ObjectStoreException e -> e;
            case AwsServiceException e -> answered(operation, object, e);
            case SdkException e -> new ObjectStoreException(Kind.UNAVAILABLE, operation, object, rootMessage(e), e);
            case IOException e -> new ObjectStoreException(Kind.UNAVAILABLE, operation, object, rootMessage(e), e);
            case Error e -> throw e;
            default -> throw new IllegalStateException(operation + " " + object, failure);
        };
    }

    private static ObjectStoreException answered(String operation, String object, AwsServiceException e) {
        return new ObjectStoreException(kind(e), operation, object, describe(e), e);
    }

    static Kind kind(AwsServiceException e) {
        String code = code(e);
        int status = e.statusCode();
        return switch (status) {
            case 404 ->
                switch (code) {
                    case "NoSuchBucket" -> Kind.REFUSED;
                    case "NoSuchUpload" -> Kind.UNAVAILABLE;
                    default -> Kind.NOT_FOUND;
                };
            case 412 -> Kind.PRECONDITION_FAILED;
            case 400 -> NOT_AS_SENT.contains(code) ? Kind.UNAVAILABLE : Kind.REFUSED;
            case 408, 409, 425, 429 -> Kind.UNAVAILABLE;
            case 501 -> Kind.REFUSED;
            default -> status < 300 || status >= 500 ? Kind.UNAVAILABLE : Kind.REFUSED;
        };
    }

    /** The service's word for what went wrong; empty if it says none. */
    static String code(AwsServiceException e) {
        AwsErrorDetails details = e.awsErrorDetails();
        return details == null ? "" : Objects.requireNonNullElse(details.errorCode(), "");
    }

    private static String describe(AwsServiceException e) {
        AwsErrorDetails details = e.awsErrorDetails();
        String message = details == null ? null : details.errorMessage();
        String request = e.requestId();
        return "the service answered " + e.statusCode() + " " + code(e)
                + (message == null || message.isEmpty() ? "" : ": " + message)
                + (request == null ? "" : " (request " + request + ")");
    }

    private static String rootMessage(Throwable failure) {
        StringBuilder message = new StringBuilder(text(failure));
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            if (message.indexOf(text(cause)) < 0) {
                message.append(": ").append(text(cause));
            }
        }
        return message.toString();
    }

    private static String text(Throwable failure) {
        return Objects.requireNonNullElse(
                failure.getMessage(), failure.getClass().getSimpleName());
    }
}
