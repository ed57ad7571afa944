package dev.palimpsest.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore.Capability;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.testkit.s3.FaultyHttpProxy;
import dev.palimpsest.testkit.s3.HttpFaults;
import dev.palimpsest.testkit.s3.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** Credentials, what the service can do, and what else is in the bucket. */
class S3OpeningTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.LIFECYCLE);
    private static final Buckets BUCKETS = new Buckets();

    @AfterAll
    static void stop() {
        BUCKETS.close();
    }

    private static S3ObjectStore open(S3Settings settings) throws Exception {
        return S3ObjectStore.open(settings, BUCKETS.environment(5), CONTEXT);
    }

    private static void assertRefused(S3Settings settings, String message) {
        assertThatThrownBy(() -> open(settings).close())
                .isInstanceOfSatisfying(
                        ObjectStoreException.class,
                        e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.REFUSED))
                .hasMessageContaining(message);
    }

    private static S3Settings as(S3Settings settings, Optional<String> profile, Optional<StaticCredentials> keys) {
        S3Service service = settings.service();
        return new S3Settings(
                settings.bucket(),
                settings.prefix(),
                new S3Service(service.endpoint(), service.region(), service.pathStyle(), profile, keys),
                ConditionalPuts.NONE,
                settings.transfers());
    }

    /** Runs with these system properties, and without any other place where credentials could be. */
    private static void withProperties(Map<String, String> properties, ThrowingCallable body) throws Throwable {
        Map<String, String> all = new HashMap<>(Map.of(
                "aws.disableEc2Metadata", "true",
                "aws.sharedCredentialsFile", "/nonexistent/credentials",
                "aws.configFile", "/nonexistent/config"));
        all.putAll(properties);
        all.forEach(System::setProperty);
        try {
            body.call();
        } finally {
            all.keySet().forEach(System::clearProperty);
        }
    }

    @Test
    void credentialsAreFoundWhereUsersKeepThem(@TempDir Path directory) throws Throwable {
        S3Settings bucket = BUCKETS.make(ConditionalPuts.NONE);
        withProperties(
                Map.of("aws.accessKeyId", S3Server.ACCESS_KEY, "aws.secretAccessKey", S3Server.SECRET_KEY),
                () -> open(as(bucket, Optional.empty(), Optional.empty())).close());
        Path file = Files.writeString(
                directory.resolve("credentials"),
                "[backup]\naws_access_key_id=" + S3Server.ACCESS_KEY + "\naws_secret_access_key=" + S3Server.SECRET_KEY
                        + "\n");
        withProperties(Map.of("aws.sharedCredentialsFile", file.toString()), () -> {
            open(as(bucket, Optional.of("backup"), Optional.empty())).close();
            assertRefused(
                    as(bucket, Optional.of("another"), Optional.empty()), "no credentials in the profile another");
        });
        withProperties(
                Map.of(),
                () -> assertRefused(
                        as(bucket, Optional.empty(), Optional.empty()), "no credentials in the environment"));
    }

    @Test
    void wrongKeysAndMissingBucketsAreRefused() {
        S3Settings bucket = BUCKETS.make(ConditionalPuts.NONE);
        StaticCredentials wrong = new StaticCredentials(S3Server.ACCESS_KEY, "wrong", Optional.empty());
        assertRefused(as(bucket, Optional.empty(), Optional.of(wrong)), "403 SignatureDoesNotMatch");
        assertRefused(Buckets.at("no-such-bucket", BUCKETS.server().endpoint()), "NoSuchBucket");
        assertThat(wrong.toString()).doesNotContain("wrong");
    }

    @Test
    void serviceIsFoundToDoWhatItDoes() throws Exception {
        Map<FakeService.Conditions, Set<Capability>> expected = Map.of(
                FakeService.Conditions.IGNORED, Set.of(),
                FakeService.Conditions.UNKNOWN, Set.of(),
                FakeService.Conditions.ABSENCE_ONLY, Set.of(Capability.PUT_IF_ABSENT));
        for (FakeService.Conditions conditions : FakeService.Conditions.values()) {
            try (FakeService service = new FakeService(conditions);
                    S3ObjectStore store = open(Buckets.at("bucket", service.endpoint()))) {
                assertThat(store.capabilities()).as("%s", conditions).isEqualTo(expected.get(conditions));
                assertThat(service.requests()).last().asString().startsWith("DELETE /bucket/pre/fix/palimpsest-probe-");
            }
        }
    }

    @Test
    void probeIsNotDeceivedByFaults() throws Exception {
        try (FaultyHttpProxy proxy = FaultyHttpProxy.start(BUCKETS.server().address(), 31)) {
            S3Settings bucket = BUCKETS.make(ConditionalPuts.PROBE, proxy.endpoint());
            proxy.misbehave(HttpFaults.mixed(0.3));
            for (int i = 0; i < 10; i++) {
                try (S3ObjectStore store = open(bucket)) {
                    assertThat(store.capabilities()).containsExactlyInAnyOrder(Capability.values());
                }
            }
            proxy.misbehave(HttpFaults.NONE);
            try (S3ObjectStore store = open(bucket.withConditionalPuts(ConditionalPuts.NONE))) {
                assertThat(store.list(ListRequest.all(""), CONTEXT).objects()).isEmpty();
            }
        }
    }

    @Test
    void whatElseIsInTheBucketIsPassedOver() throws Exception {
        S3Settings bucket = BUCKETS.make(ConditionalPuts.NONE);
        try (S3Client client = S3Clients.open(bucket);
                S3ObjectStore store = open(bucket)) {
            for (String name : new String[] {"other", "pre/fixed", "pre/fix/a b", "pre/fix/.hidden", "pre/fix/x/y z"}) {
                client.putObject(put -> put.bucket(bucket.bucket()).key(name), RequestBody.fromString("not ours"));
            }
            store.put(new ObjectKey("x/y"), ObjectSource.of(new byte[1]), PutCondition.ALWAYS, CONTEXT);
            assertThat(store.list(ListRequest.all("").withLimit(1), CONTEXT).objects())
                    .extracting(ObjectInfo::key)
                    .containsExactly(new ObjectKey("x/y"));
            assertThat(store.list(ListRequest.one(""), CONTEXT).folders()).containsExactly("x/");
        }
    }
}
