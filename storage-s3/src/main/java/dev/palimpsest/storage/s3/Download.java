package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** A get of at least one byte. Used once. */
final class Download {
    private static final int NOT_SATISFIABLE = 416;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-\\d+/(\\d{1,18})");

    private final Requests requests;
    private final ObjectKey key;
    private final ByteRange range;
    private final ObjectSink sink;
    private final Infos infos;
    /** Set by the network's side before it hands over first. */
    private @Nullable ObjectInfo info;

    private long length;
    private boolean begun;
    private long delivered;

    /** Makes what is known of an object of what the service says of it. */
    @FunctionalInterface
    interface Infos {
        ObjectInfo info(ObjectKey key, long size, @Nullable String tag) throws ObjectStoreException;
    }

    Download(Requests requests, ObjectKey key, ByteRange range, ObjectSink sink, Infos infos) {
        this.requests = requests;
        this.key = key;
        this.range = range;
        this.sink = sink;
        this.infos = infos;
    }

    /**
     * Delivers the range.
     *
     * @return empty if the range has nothing of the object; then the sink was not called
     */
    Optional<ObjectInfo> run(RequestContext context) throws StorageException {
        int chunkBytes = (int) Math.min(Exchange.CHUNK, range.length());
        Exchange<Optional<ObjectInfo>> exchange =
                new Exchange<>("get", key.value(), chunkBytes, requests.environment());
        return exchange.run(this::talk, this::deliver, requests.stallNanos(), context);
    }

    /** The caller's side. */
    private void deliver(ByteBuffer chunk) throws StorageException {
        if (begun) {
            int count = chunk.remaining();
            sink.write(delivered, chunk);
            delivered += count;
        } else {
            begun = true;
            sink.begin(Objects.requireNonNull(info), length);
        }
    }

    /** The network's side. */
    private Optional<ObjectInfo> talk(Exchange<Optional<ObjectInfo>> exchange) throws Exception {
        ResponseInputStream<GetObjectResponse> body;
        try {
            body = open(requests.client());
        } catch (S3Exception e) {
            if (e.statusCode() == NOT_SATISFIABLE) {
                return Optional.empty();
            }
            throw e;
        }
        boolean drained = false;
        try {
            ObjectInfo found = look(body.response());
            info = found;
            exchange.handOver();
            for (long left = length; left > 0; left -= exchange.chunk().limit()) {
                fill(exchange.chunk(), left, body);
                exchange.handOver();
            }
            drained = true;
            return Optional.of(found);
        } finally {
            if (drained) {
                body.close();
            } else {
                body.abort();
            }
        }
    }

    private ResponseInputStream<GetObjectResponse> open(S3Client client) {
        GetObjectRequest.Builder get =
                GetObjectRequest.builder().bucket(requests.bucket()).key(requests.name(key));
        if (!range.equals(ByteRange.WHOLE)) {
            boolean endless = range.length() > Long.MAX_VALUE - range.offset();
            get.range("bytes=" + range.offset() + "-" + (endless ? "" : range.offset() + range.length() - 1));
        }
        return client.getObject(get.build(), ResponseTransformer.toInputStream());
    }

    /** How large the object is, and how much of it comes. */
    private ObjectInfo look(GetObjectResponse answer) throws ObjectStoreException {
        long size = answer.contentLength();
        if (!range.equals(ByteRange.WHOLE)) {
            Matcher part = CONTENT_RANGE.matcher(Objects.requireNonNullElse(answer.contentRange(), ""));
            if (!part.matches() || Long.parseLong(part.group(1)) != range.offset()) {
                throw new ObjectStoreException(
                        Kind.REFUSED,
                        "get",
                        key.value(),
                        "asked for the bytes from " + range.offset() + " on, the service sent "
                                + Objects.requireNonNullElse(answer.contentRange(), "all"));
            }
            size = Long.parseLong(part.group(2));
        }
        length = range.clip(size).length();
        return infos.info(key, size, answer.eTag());
    }

    private void fill(ByteBuffer chunk, long left, ResponseInputStream<GetObjectResponse> body) throws IOException {
        chunk.clear().limit((int) Math.min(chunk.capacity(), left));
        int count = body.readNBytes(chunk.array(), chunk.arrayOffset(), chunk.limit());
        if (count < chunk.limit()) {
            throw new EOFException("the answer ends " + (left - count) + " bytes before its end");
        }
    }
}
