package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
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
    private static final int COMPLETION_PATIENCE = 10;

    private final Requests requests;
    private final Retries retries;
    private final ObjectKey key;
    private final ObjectSource source;
    private final long partBytes;

    MultipartPut(Requests requests, Retries retries, ObjectKey key, ObjectSource source, long partBytes) {
        this.requests = requests;
        this.retries = retries;
        this.key = key;
        this.source = source;
        this.partBytes = partBytes;
    }

    /** Puts, and returns the object's ETag. */
    String put(RequestContext context) throws StorageException {
        String upload = requests.ask(
                "put",
                key.value(),
                context,
                client -> client.createMultipartUpload(
                                create -> create.bucket(requests.bucket()).key(requests.name(key)))
                        .uploadId());
        boolean completed = false;
        try {
            String tag = complete(upload, parts(upload, context), context);
            completed = true;
            return tag;
        } finally {
            if (!completed) {
                abort(upload, context);
            }
        }
    }

    private List<CompletedPart> parts(String upload, RequestContext context) throws StorageException {
        List<CompletedPart> parts = new ArrayList<>();
        for (long start = 0; start < source.size(); start += partBytes) {
            long from = start;
            long length = Math.min(partBytes, source.size() - from);
            int number = parts.size() + 1;
            String tag = retries.run(
                    "put part " + number + " of",
                    key.value(),
                    context,
                    () -> requests.send(
                            key,
                            source,
                            from,
                            length,
                            context,
                            (client, body) -> client.uploadPart(
                                            part -> part.bucket(requests.bucket())
                                                    .key(requests.name(key))
                                                    .uploadId(upload)
                                                    .partNumber(number),
                                            body)
                                    .eTag()));
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
