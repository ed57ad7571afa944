package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.testkit.s3.S3Server;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;

/** A server for the tests of a class, and buckets on it. */
final class Buckets implements AutoCloseable {
    private final S3Server server = S3Server.start();
    private final Clock clock = new SystemClock();
    private int made;

    S3Server server() {
        return server;
    }

    /** A new bucket, reached directly. */
    S3Settings make(ConditionalPuts conditions) {
        return make(conditions, server.endpoint());
    }

    /** A new bucket, reached through something in front of the server. */
    S3Settings make(ConditionalPuts conditions, URI endpoint) {
        String bucket = "bucket-" + made++;
        server.createBucket(bucket);
        return at(bucket, endpoint).withConditionalPuts(conditions);
    }

    /** A bucket that may not exist. Objects above 5 MiB go in parts. */
    static S3Settings at(String bucket, URI endpoint) {
        StaticCredentials keys = new StaticCredentials(S3Server.ACCESS_KEY, S3Server.SECRET_KEY, Optional.empty());
        return S3Settings.of(bucket, "pre/fix/", S3Service.at(endpoint).withCredentials(keys))
                .withTransfers(new S3Transfers(
                        S3Transfers.MIN_PART_BYTES,
                        S3Transfers.MIN_PART_BYTES,
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(10)));
    }

    /** The real one, with random numbers from a seed. */
    Environment environment(long seed) {
        return new Environment(clock, new VirtualThreadTasks(clock), new SplittableRandom(seed));
    }

    @Override
    public void close() {
        server.close();
    }
}
