package dev.palimpsest.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.CallLimits;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.remote.TimeLimits;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.testkit.s3.FaultyHttpProxy;
import dev.palimpsest.testkit.s3.FaultyHttpProxy.Fault;
import dev.palimpsest.testkit.s3.HttpFaults;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A real S3 server, and between it and us what networks and servers do. */
class S3FaultsTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.FLUSH);
    private static final ObjectKey KEY = new ObjectKey("index_part.json-00000001");
    private static final HttpFaults LOST = new HttpFaults(0, 0, 0, 1, 0, Duration.ZERO);
    private static final int CLIENTS = 8;
    private static final int CALLS = 40;
    private static final long MINUTE = 60_000_000_000L;

    private final Buckets buckets = new Buckets();
    private final FaultyHttpProxy proxy = proxy(buckets);
    private final S3Settings settings = buckets.make(ConditionalPuts.ALL, proxy.endpoint());
    private final Environment environment = buckets.environment(3);
    private final S3ObjectStore store = open(settings, environment);

    private static FaultyHttpProxy proxy(Buckets buckets) {
        try {
            return FaultyHttpProxy.start(buckets.server().address(), 30);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static S3ObjectStore open(S3Settings settings, Environment environment) {
        try {
            return S3ObjectStore.open(settings, environment, CONTEXT);
        } catch (StorageException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeEach
    void warmUp() throws Exception {
        store.head(KEY, CONTEXT); // leaves a connection open, that the next call goes over
    }

    @AfterEach
    void stop() throws Exception {
        store.close();
        proxy.close();
        buckets.close();
    }

    private static Kind kind(ThrowingCallable call) {
        ObjectStoreException failure = catchThrowableOfType(ObjectStoreException.class, call);
        assertThat(failure).isNotNull();
        return failure.kind();
    }

    /** A client that silently sends a put again would find its own object in the way, and say that nothing has happened. */
    @Test
    void lostAnswerOfAConditionalPutIsNotAFailedCondition() throws Exception {
        for (byte[] content : List.of(new byte[0], new byte[10], new byte[3 << 20])) {
            ObjectKey key = new ObjectKey("of-" + content.length);
            store.head(key, CONTEXT);
            proxy.misbehave(LOST);
            long before = proxy.count(Fault.LOST_ANSWER);
            assertThat(kind(() -> store.put(key, ObjectSource.of(content), PutCondition.IF_ABSENT, CONTEXT)))
                    .isEqualTo(Kind.UNAVAILABLE);
            assertThat(proxy.count(Fault.LOST_ANSWER)).isEqualTo(before + 1);
            proxy.misbehave(HttpFaults.NONE);
            assertThat(store.head(key, CONTEXT)).isPresent();
        }
    }

    @Test
    void errorsAreUnavailability() {
        for (HttpFaults faults : List.of(
                new HttpFaults(1, 0, 0, 0, 0, Duration.ZERO), new HttpFaults(0, 1, 0, 0, 0, Duration.ZERO), LOST)) {
            proxy.misbehave(faults);
            ObjectSource source = ObjectSource.of(new byte[2 << 20]);
            assertThat(kind(() -> store.put(KEY, source, PutCondition.ALWAYS, CONTEXT)))
                    .isEqualTo(Kind.UNAVAILABLE);
            assertThat(kind(() -> store.read(KEY, 2 << 20, CONTEXT))).isEqualTo(Kind.UNAVAILABLE);
            assertThat(kind(() -> store.head(KEY, CONTEXT))).isEqualTo(Kind.UNAVAILABLE);
            assertThat(kind(() -> store.list(ListRequest.all(""), CONTEXT))).isEqualTo(Kind.UNAVAILABLE);
            assertThat(kind(() -> store.delete(KEY, CONTEXT))).isEqualTo(Kind.UNAVAILABLE);
            assertThat(kind(() -> store.deleteAll(List.of(KEY), CONTEXT))).isEqualTo(Kind.UNAVAILABLE);
        }
    }

    @Test
    void bodyThatEndsEarlyIsNotDelivered() throws Exception {
        store.put(KEY, ObjectSource.of(new byte[1 << 20]), PutCondition.ALWAYS, CONTEXT);
        proxy.misbehave(new HttpFaults(0, 0, 1, 0, 0, Duration.ZERO));
        assertThat(kind(() -> store.read(KEY, 1 << 20, CONTEXT))).isEqualTo(Kind.UNAVAILABLE);
        assertThat(proxy.count(Fault.CUT_ANSWER)).isPositive();
    }

    @Test
    void putThatFailsBetweenItsPartsLeavesNone() throws Exception {
        String bucket = settings.bucket();
        store.put(KEY, ObjectSource.of(new byte[] {1}), PutCondition.ALWAYS, CONTEXT);
        InvalidRequestException failure = new InvalidRequestException("unreadable");
        ObjectSource broken = new ObjectSource() {
            @Override
            public long size() {
                return 3 * S3Transfers.MIN_PART_BYTES;
            }

            @Override
            public void read(long offset, ByteBuffer target) throws StorageException {
                if (offset > S3Transfers.MIN_PART_BYTES) {
                    assertThat(buckets.server().unfinishedUploads(bucket)).isEqualTo(1);
                    throw failure;
                }
                target.position(target.limit());
            }
        };
        assertThat(catchThrowableOfType(
                        InvalidRequestException.class, () -> store.put(KEY, broken, PutCondition.ALWAYS, CONTEXT)))
                .isSameAs(failure);
        assertThat(buckets.server().unfinishedUploads(bucket)).isZero();
        assertThat(store.read(KEY, 1, CONTEXT).bytes()).containsExactly(1);
    }

    @Test
    void partsComeTogether() throws Exception {
        byte[] content = new byte[(int) (3 * S3Transfers.MIN_PART_BYTES) + 12_345];
        new Random(9).nextBytes(content);
        ObjectInfo info = store.put(KEY, ObjectSource.of(content), PutCondition.ALWAYS, CONTEXT);
        assertThat(store.head(KEY, CONTEXT)).contains(info);
        assertThat(store.read(KEY, content.length, CONTEXT).bytes()).isEqualTo(content);
        assertThat(buckets.server().unfinishedUploads(settings.bucket())).isZero();
    }

    /** Every third request is broken; what was acknowledged is there all the same, and all end. */
    @Test
    void promisesHoldThoughEveryThirdRequestIsBroken() throws Exception {
        proxy.misbehave(HttpFaults.mixed(0.3));
        ObjectStore wrapped = new RemoteSettings(
                        new CallLimits(3, 4, 1), TimeLimits.DEFAULT, new RetryPolicy(60, 1_000_000, 20_000_000))
                .wrap(store, environment, new PrometheusRegistry());
        long deadline = environment.clock().nanos() + MINUTE;
        Map<ObjectKey, byte[]> expected = new ConcurrentHashMap<>();
        List<Task> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            RandomClient client = new RandomClient(wrapped, i, expected, CONTEXT.withDeadline(deadline));
            clients.add(environment.tasks().start("client", () -> client.run(CALLS)));
        }
        for (Task client : clients) {
            client.join();
            assertThat(client.failure()).isEmpty();
        }
        for (Fault fault : Fault.values()) {
            assertThat(proxy.count(fault)).as("requests with %s", fault).isPositive();
        }
        proxy.misbehave(HttpFaults.NONE);
        List<ObjectKey> listed = new ArrayList<>();
        store.list(ListRequest.all(""), CONTEXT).objects().forEach(info -> listed.add(info.key()));
        assertThat(listed).containsExactlyInAnyOrderElementsOf(expected.keySet());
        for (ObjectKey key : listed) {
            assertThat(store.read(key, 64 << 20, CONTEXT).bytes()).as("%s", key).isEqualTo(expected.get(key));
        }
    }
}
