package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.Retries;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * A put in parts, one after the other, each of them tried again by itself. The object appears whole when the last request is
 * answered; if it does not come to that, the parts are given up. What a crash leaves of them is invisible, and costs until the
 * bucket's rule for unfinished uploads, or somebody, removes it.
 */
final class MultipartPut {
    private static final Logger LOG = LoggerFactory.getLogger(MultipartPut.class);

    /** The service puts the parts together before it answers. */
    static final int COMPLETION_PATIENCE = 10;

    private final Requests requests;
    private final Retries retries;
    private final ObjectKey key;
    private final long size;
    private final long partBytes;

    /** Has the service get a part of the object, and returns the part's ETag. */
    @FunctionalInterface
    interface Part {
        /**
         * @param number from 1
         * @param start where the part begins in the object
         */
        String put(String upload, int number, long start, long length, RequestContext context) throws StorageException;
    }

    /** @param size of the whole object */
    MultipartPut(Requests requests, Retries retries, ObjectKey key, long size, long partBytes) {
        this.requests = requests;
        this.retries = retries;
        this.key = key;
        this.size = size;
        this.partBytes = partBytes;
    }

    /** Puts, and returns the object's ETag. */
    String put(Part part, RequestContext context) throws StorageException {
        String upload = requests.ask(
                "put",
                key.value(),
                context,
                client -> client.createMultipartUpload(
                                create -> create.bucket(requests.bucket()).key(requests.name(key)))
                        .uploadId());
        boolean completed = false;
        try {
            String tag = complete(upload, parts(part, upload, context), context);
            completed = true;
            return tag;
        } finally {
            if (!completed) {
                abort(upload, context);
            }
        }
    }

    private List<CompletedPart> parts(Part part, String upload, RequestContext context) throws StorageException {
        List<CompletedPart> parts = new ArrayList<>();
        for (long start = 0; start < size; start += partBytes) {
            long from = start;
            long length = Math.min(partBytes, size - from);
            int number = parts.size() + 1;
            String tag = retries.run(
                    "put part " + number + " of",
                    key.value(),
                    context,
                    () -> part.put(upload, number, from, length, context));
            parts.add(CompletedPart.builder().partNumber(number).eTag(tag).build());
        }
        return parts;
    }

    private String complete(String upload, List<CompletedPart> parts, RequestContext context) throws StorageException {
        return requests.ask(
                "put",
                key.value(),
                requests.stallNanos() * COMPLETION_PATIENCE,
                context,
                client -> client.completeMultipartUpload(complete -> complete.bucket(requests.bucket())
                                .key(requests.name(key))
                                .uploadId(upload)
                                .multipartUpload(all -> all.parts(parts)))
                        .eTag());
    }

    /** Also of a request that was cancelled. One that was completed, but not answered, is not there any more. */
    private void abort(String upload, RequestContext context) {
        RequestContext last = RequestContext.of(context.taskKind())
                .withDeadline(requests.environment().clock().nanos() + requests.stallNanos());
        try {
            retries.run(
                    "put",
                    key.value(),
                    last,
                    () -> requests.ask("put", key.value(), last, client -> {
                        client.abortMultipartUpload(abort -> abort.bucket(requests.bucket())
                                .key(requests.name(key))
                                .uploadId(upload));
                        return true;
                    }));
        } catch (StorageException e) {
            LOG.info("unfinished upload {} of {} may be left in the bucket: {}", upload, key, e.getMessage());
        }
    }
}
