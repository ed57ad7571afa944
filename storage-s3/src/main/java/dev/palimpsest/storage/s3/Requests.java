package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.runtime.Environment;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** Makes requests of the service, each an {@link Exchange}. */
final class Requests {
    private static final String OCTETS = "application/octet-stream";

    private final S3Settings settings;
    private final S3Client client;
    private final Environment environment;

    /** A request without a body of ours. */
    @FunctionalInterface
    interface Ask<T> {
        T ask(S3Client client);
    }

    /** A request with a body of ours. */
    @FunctionalInterface
    interface Send<T> {
        T send(S3Client client, RequestBody body);
    }

    Requests(S3Settings settings, S3Client client, Environment environment) {
        this.settings = settings;
        this.client = client;
        this.environment = environment;
    }

    String bucket() {
        return settings.bucket();
    }

    /** What all names in the bucket begin with. */
    String prefix() {
        return settings.prefix();
    }

    /** An object's name in the bucket. */
    String name(ObjectKey key) {
        return settings.prefix() + key.value();
    }

    S3Client client() {
        return client;
    }

    Environment environment() {
        return environment;
    }

    long stallNanos() {
        return settings.transfers().stallTimeout().toNanos();
    }

    <T> T ask(String operation, String object, RequestContext context, Ask<T> ask) throws StorageException {
        return ask(operation, object, stallNanos(), context, ask);
    }

    /**
     * @param patienceNanos how long until the answer
     */
    <T> T ask(String operation, String object, long patienceNanos, RequestContext context, Ask<T> ask)
            throws StorageException {
        Exchange<T> exchange = new Exchange<>(operation, object, 0, environment);
        return exchange.run(_ -> ask.ask(client), _ -> {}, patienceNanos, context);
    }

    /** Sends a part of a source as the body. */
    <T> T send(ObjectKey key, ObjectSource source, long start, long length, RequestContext context, Send<T> send)
            throws StorageException {
        int chunkBytes = (int) Math.min(Exchange.CHUNK, length);
        Exchange<T> exchange = new Exchange<>("put", key.value(), chunkBytes, environment);
        SourceStream part = new SourceStream(source, start, length, exchange);
        RequestBody body = RequestBody.fromContentProvider(part::open, length, OCTETS);
        return exchange.run(_ -> send.send(client, body), part::fill, stallNanos(), context);
    }
}
