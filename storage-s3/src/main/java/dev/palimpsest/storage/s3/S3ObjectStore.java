package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectVersion;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.Retries;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.runtime.Environment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Error;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * A bucket, or what is below a prefix in it, at AWS or any service that speaks S3. The object {@code a/b} has the name {@code
 * <prefix>a/b} and nothing but its bytes; what else is in the bucket, and what could not be a key, is passed over.
 *
 * <p>Each call is one request or a few, tried once but for the parts of a multipart upload. A call keeps at most 256 KiB in
 * memory, whatever the object's size. It heeds cancellation and deadline at once, wherever it is, and ends with {@code
 * UNAVAILABLE} when it makes no progress for the stall timeout. Versions are ETags; there are none unless the service decides
 * {@link PutCondition.IfMatch}.
 *
 * <p>Conflicts of keys ({@code a} and {@code a/b}) are not noticed.
 */
public final class S3ObjectStore implements ObjectStore, AutoCloseable {
    private static final RetryPolicy RETRIES = new RetryPolicy(6, 100_000_000L, 5_000_000_000L);
    private static final int DELETIONS_AT_ONCE = 1000;

    private final Requests requests;
    private final S3Transfers transfers;
    private final Retries retries;
    private final Set<Capability> capabilities;

    private S3ObjectStore(Requests requests, S3Transfers transfers, Retries retries, Set<Capability> capabilities) {
        this.requests = requests;
        this.transfers = transfers;
        this.retries = retries;
        this.capabilities = capabilities;
    }

    /**
     * Finds credentials and region, asks for the bucket, and if the settings say so finds out what the service can do. Takes a
     * second or so.
     *
     * @param environment real ones: the network is
     * @throws ObjectStoreException {@code REFUSED} if there are no credentials, no such bucket or no right to it
     */
    public static S3ObjectStore open(S3Settings settings, Environment environment, RequestContext context)
            throws StorageException {
        S3Client client = S3Clients.open(settings);
        boolean opened = false;
        try {
            Requests requests = new Requests(settings, client, environment);
            Retries retries = new Retries(RETRIES, environment);
            Set<Capability> assumed = switch (settings.conditionalPuts()) {
                case PROBE, ALL -> Set.of(Capability.PUT_IF_ABSENT, Capability.PUT_IF_MATCH);
                case IF_ABSENT -> Set.of(Capability.PUT_IF_ABSENT);
                case NONE -> Set.of();
            };
            S3ObjectStore store = new S3ObjectStore(requests, settings.transfers(), retries, assumed);
            store.find(settings, context);
            if (settings.conditionalPuts() == ConditionalPuts.PROBE) {
                Set<Capability> found = new ConditionProbe(store, environment).run(context);
                store = new S3ObjectStore(requests, settings.transfers(), retries, found);
            }
            opened = true;
            return store;
        } finally {
            if (!opened) {
                client.close();
            }
        }
    }

    /** Asks for the bucket. */
    private void find(S3Settings settings, RequestContext context) throws StorageException {
        try {
            ListRequest any = ListRequest.all("").withLimit(1);
            retries.run("list", settings.toString(), context, () -> list(any, context));
        } catch (ObjectStoreException e) {
            throw new ObjectStoreException(e.kind(), "open", settings.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public Set<Capability> capabilities() {
        return capabilities;
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        if (source.size() > MAX_SIZE) {
            throw new IllegalArgumentException(
                    key + " has " + source.size() + " bytes, an object has at most " + MAX_SIZE);
        }
        refuseUnlessAble(key, condition);
        if (condition instanceof PutCondition.Always && source.size() > transfers.multipartThreshold()) {
            MultipartPut.Part part = (upload, number, start, length, inner) -> requests.send(
                    key,
                    source,
                    start,
                    length,
                    inner,
                    (client, body) -> client.uploadPart(
                                    request -> request.bucket(requests.bucket())
                                            .key(requests.name(key))
                                            .uploadId(upload)
                                            .partNumber(number),
                                    body)
                            .eTag());
            return info(key, source.size(), multipart(key, source.size()).put(part, context));
        }
        PutObjectRequest.Builder put =
                PutObjectRequest.builder().bucket(requests.bucket()).key(requests.name(key));
        switch (condition) {
            case PutCondition.Always _ -> {}
            case PutCondition.IfAbsent _ -> put.ifNoneMatch("*");
            case PutCondition.IfMatch match -> put.ifMatch(match.version().tag());
        }
        try {
            PutObjectResponse answer = requests.send(
                    key, source, 0, source.size(), context, (client, body) -> client.putObject(put.build(), body));
            return info(key, source.size(), answer.eTag());
        } catch (ObjectStoreException e) {
            if (e.kind() == Kind.NOT_FOUND) { // nothing that a condition could match
                throw new ObjectStoreException(
                        Kind.PRECONDITION_FAILED, "put", key.value(), "there is no such object", e);
            }
            throw e;
        }
    }

    private MultipartPut multipart(ObjectKey key, long size) {
        return new MultipartPut(requests, retries, key, size, transfers.partBytes());
    }

    /** {@inheritDoc} What is too large for one request is copied in parts, all of one version of the object. */
    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        if (from.equals(to)) {
            throw new IllegalArgumentException("an object cannot be copied to where it is: " + from);
        }
        HeadObjectResponse found = look("copy", from, context)
                .orElseThrow(() ->
                        new ObjectStoreException(Kind.NOT_FOUND, "copy", from.value(), "there is no such object"));
        long size = found.contentLength();
        try {
            String tag = size > transfers.multipartThreshold()
                    ? copyInParts(from, found.eTag(), size, to, context)
                    : copyAtOnce(from, to, context);
            return info(to, size, tag);
        } catch (ObjectStoreException e) {
            if (e.kind() == Kind.PRECONDITION_FAILED) {
                throw new ObjectStoreException(
                        Kind.UNAVAILABLE, "copy", from.value(), "it was replaced while it was copied", e);
            }
            throw e;
        }
    }

    private String copyAtOnce(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        return requests.ask(
                "copy",
                from.value(),
                requests.stallNanos() * MultipartPut.COMPLETION_PATIENCE,
                context,
                client -> client.copyObject(copy -> copy.sourceBucket(requests.bucket())
                                .sourceKey(requests.name(from))
                                .destinationBucket(requests.bucket())
                                .destinationKey(requests.name(to)))
                        .copyObjectResult()
                        .eTag());
    }

    private String copyInParts(ObjectKey from, String version, long size, ObjectKey to, RequestContext context)
            throws StorageException {
        MultipartPut.Part part = (upload, number, start, length, inner) -> requests.ask(
                "copy",
                from.value(),
                requests.stallNanos() * MultipartPut.COMPLETION_PATIENCE,
                inner,
                client -> client.uploadPartCopy(copy -> copy.sourceBucket(requests.bucket())
                                .sourceKey(requests.name(from))
                                .copySourceIfMatch(version)
                                .copySourceRange("bytes=" + start + "-" + (start + length - 1))
                                .destinationBucket(requests.bucket())
                                .destinationKey(requests.name(to))
                                .uploadId(upload)
                                .partNumber(number))
                        .copyPartResult()
                        .eTag());
        return multipart(to, size).put(part, context);
    }

    private void refuseUnlessAble(ObjectKey key, PutCondition condition) throws ObjectStoreException {
        boolean able = switch (condition) {
            case PutCondition.Always _ -> true;
            case PutCondition.IfAbsent _ -> capabilities.contains(Capability.PUT_IF_ABSENT);
            case PutCondition.IfMatch _ -> capabilities.contains(Capability.PUT_IF_MATCH);
        };
        if (!able) {
            throw new ObjectStoreException(
                    Kind.REFUSED, "put", key.value(), "the service does not decide such a condition: " + condition);
        }
    }

    private ObjectInfo info(ObjectKey key, long size, @Nullable String tag) throws ObjectStoreException {
        if (!capabilities.contains(Capability.PUT_IF_MATCH)) {
            return new ObjectInfo(key, size, Optional.empty());
        }
        if (tag == null || tag.isEmpty()) {
            throw new ObjectStoreException(
                    Kind.REFUSED, "look at", key.value(), "the service does not say the object's ETag");
        }
        return new ObjectInfo(key, size, Optional.of(new ObjectVersion(tag)));
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        if (range.length() > 0) {
            Download download = new Download(requests, key, range, sink, this::info);
            Optional<ObjectInfo> info = download.run(context);
            if (info.isPresent()) {
                return info.get();
            }
        }
        ObjectInfo found = head(key, context)
                .orElseThrow(
                        () -> new ObjectStoreException(Kind.NOT_FOUND, "get", key.value(), "there is no such object"));
        if (range.clip(found.size()).length() > 0) {
            throw new ObjectStoreException(
                    Kind.UNAVAILABLE, "get", key.value(), "it has grown between two looks at it");
        }
        sink.begin(found, 0);
        return found;
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        Optional<HeadObjectResponse> answer = look("head", key, context);
        return answer.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        info(key, answer.get().contentLength(), answer.get().eTag()));
    }

    private Optional<HeadObjectResponse> look(String operation, ObjectKey key, RequestContext context)
            throws StorageException {
        return requests.ask(operation, key.value(), context, client -> {
            try {
                return Optional.of(
                        client.headObject(head -> head.bucket(requests.bucket()).key(requests.name(key))));
            } catch (S3Exception e) {
                if (S3Failures.kind(e) == Kind.NOT_FOUND) {
                    return Optional.empty();
                }
                throw e;
            }
        });
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        @Nullable String token = request.after().orElse(null);
        while (true) {
            ListObjectsV2Response page = page(request, token, context);
            Listing listing = listing(request, page);
            if (listing.next().isEmpty()
                    || !listing.objects().isEmpty()
                    || !listing.folders().isEmpty()) {
                return listing;
            }
            token = page.nextContinuationToken();
        }
    }

    private ListObjectsV2Response page(ListRequest request, @Nullable String token, RequestContext context)
            throws StorageException {
        return requests.ask(
                "list",
                request.prefix(),
                context,
                client -> client.listObjectsV2(list -> list.bucket(requests.bucket())
                        .prefix(requests.prefix() + request.prefix())
                        .delimiter(request.depth() == ListRequest.Depth.ONE ? "/" : null)
                        .maxKeys(request.limit())
                        .continuationToken(token)));
    }

    private Listing listing(ListRequest request, ListObjectsV2Response page) throws ObjectStoreException {
        int skipped = requests.prefix().length();
        List<ObjectInfo> objects = new ArrayList<>();
        for (var object : page.contents()) {
            String key = object.key().substring(skipped);
            if (ObjectKey.isKey(key)) {
                objects.add(info(new ObjectKey(key), object.size(), object.eTag()));
            }
        }
        List<String> folders = page.commonPrefixes().stream()
                .map(folder -> folder.prefix().substring(skipped))
                .filter(folder -> ObjectKey.isKey(folder.substring(0, folder.length() - 1)))
                .toList();
        if (!page.isTruncated()) {
            return new Listing(List.copyOf(objects), folders, Optional.empty());
        }
        if (page.nextContinuationToken() == null) {
            throw new ObjectStoreException(
                    Kind.REFUSED, "list", request.prefix(), "the service does not say how the listing goes on");
        }
        return new Listing(List.copyOf(objects), folders, Optional.of(page.nextContinuationToken()));
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        try {
            requests.ask(
                    "delete",
                    key.value(),
                    context,
                    client -> client.deleteObject(
                            delete -> delete.bucket(requests.bucket()).key(requests.name(key))));
        } catch (ObjectStoreException e) {
            if (e.kind() != Kind.NOT_FOUND) {
                throw e;
            }
        }
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        context.checkCancelled();
        List<ObjectIdentifier> names = keys.stream()
                .map(key -> ObjectIdentifier.builder().key(requests.name(key)).build())
                .toList();
        for (int start = 0; start < names.size(); start += DELETIONS_AT_ONCE) {
            List<ObjectIdentifier> batch = names.subList(start, Math.min(start + DELETIONS_AT_ONCE, names.size()));
            DeleteObjectsResponse answer = requests.ask(
                    "delete",
                    batch.size() + " objects",
                    context,
                    client -> client.deleteObjects(all -> all.bucket(requests.bucket())
                            .delete(d -> d.objects(batch).quiet(true))));
            throwFirst(answer.errors());
        }
    }

    private static void throwFirst(List<S3Error> errors) throws ObjectStoreException {
        for (S3Error error : errors) {
            Kind kind = switch (error.code()) {
                case "NoSuchKey" -> Kind.NOT_FOUND;
                case "AccessDenied" -> Kind.REFUSED;
                default -> Kind.UNAVAILABLE;
            };
            if (kind != Kind.NOT_FOUND) {
                throw new ObjectStoreException(
                        kind,
                        "delete",
                        error.key(),
                        "the service answered " + error.code() + ": " + error.message() + ", as one of " + errors.size()
                                + " errors");
            }
        }
    }

    /** Closes connections that are idle. Calls that run may fail. */
    @Override
    public void close() {
        requests.client().close();
    }
}
