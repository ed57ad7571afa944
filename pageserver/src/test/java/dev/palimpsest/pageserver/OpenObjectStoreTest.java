package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore.Capability;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.testkit.s3.S3Server;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenObjectStoreTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.LIFECYCLE);
    private static final ObjectKey KEY = new ObjectKey("tenants/a");

    private final Clock clock = new SystemClock();
    private final Environment environment =
            new Environment(clock, new VirtualThreadTasks(clock), new SplittableRandom(1));
    private final LocalDisk disk =
            new LocalDisk(LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), environment.tasks());

    private OpenObjectStore open(String text, Map<String, String> options) throws Exception {
        return OpenObjectStore.open(
                StorageLocation.parse(text, options),
                disk,
                environment,
                RemoteSettings.DEFAULT,
                new PrometheusRegistry(),
                CONTEXT);
    }

    private static void assertKeeps(OpenObjectStore store) throws Exception {
        store.objects().put(KEY, ObjectSource.of(new byte[] {1, 2, 3}), PutCondition.ALWAYS, CONTEXT);
        assertThat(store.objects().read(KEY, 3, CONTEXT).bytes()).containsExactly(1, 2, 3);
        assertThat(store.objects().list(ListRequest.all(""), CONTEXT).objects())
                .singleElement()
                .satisfies(info -> assertThat(info.key()).isEqualTo(KEY));
    }

    @Test
    void directoryBelongsToOne(@TempDir Path directory) throws Exception {
        String text = directory.resolve("objects").toString();
        try (OpenObjectStore store = open(text, Map.of())) {
            assertKeeps(store);
            assertThatThrownBy(() -> open(text, Map.of()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("belongs to the server");
        }
        try (OpenObjectStore store = open(directory.resolve("objects").toUri().toString(), Map.of())) {
            assertThat(store.objects().head(KEY, CONTEXT)).isPresent();
        }
    }

    @Test
    void bucketIsFoundAndAsked() throws Exception {
        try (S3Server server = S3Server.start()) {
            server.createBucket("bucket");
            Map<String, String> options = Map.of(
                    "endpoint",
                    server.endpoint().toString(),
                    "access-key",
                    S3Server.ACCESS_KEY,
                    "secret-key",
                    S3Server.SECRET_KEY);
            try (OpenObjectStore store = open("s3://bucket/some/where", options)) {
                assertThat(store.objects().capabilities())
                        .containsExactlyInAnyOrder(Capability.PUT_IF_ABSENT, Capability.PUT_IF_MATCH);
                assertKeeps(store);
            }
            assertThatThrownBy(() -> open("s3://another/some/where", options))
                    .hasMessageContaining("s3://another/some/where/")
                    .hasMessageContaining("NoSuchBucket");
        }
    }

    @Test
    void bucketWithoutConditionsIsUsedIfThatIsAllowed() throws Exception {
        try (S3Server server = S3Server.start()) {
            server.createBucket("bucket");
            Map<String, String> options = Map.of(
                    "endpoint",
                    server.endpoint().toString(),
                    "access-key",
                    S3Server.ACCESS_KEY,
                    "secret-key",
                    S3Server.SECRET_KEY,
                    "conditional-puts",
                    "none",
                    "allow-unguarded",
                    "true");
            try (OpenObjectStore store = open("s3://bucket/p", options)) {
                assertThat(store.objects().capabilities()).containsExactly(Capability.PUT_IF_ABSENT);
                assertThat(store.objects().head(new ObjectKey(RemotePaths.OWNER), CONTEXT))
                        .isPresent();
                assertKeeps(store);
            }
        }
    }

    @Test
    void whatIsOpenedForReadingIsNotLockedNorWrittenNorMade(@TempDir Path directory) throws Exception {
        String text = directory.resolve("objects").toString();
        assertThatThrownBy(() -> openForReading(text))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(text);
        try (OpenObjectStore server = open(text, Map.of());
                OpenObjectStore reading = openForReading(text)) {
            assertKeeps(server);
            assertThat(reading.objects().read(KEY, 3, CONTEXT).bytes()).containsExactly(1, 2, 3);
            assertThatThrownBy(() ->
                            reading.objects().put(KEY, ObjectSource.of(new byte[1]), PutCondition.ALWAYS, CONTEXT))
                    .hasMessageContaining("reading only");
            assertThatThrownBy(() -> reading.objects().delete(KEY, CONTEXT)).hasMessageContaining("reading only");
        }
    }

    private OpenObjectStore openForReading(String text) throws Exception {
        return OpenObjectStore.openForReading(
                StorageLocation.parse(text, Map.of()),
                disk,
                environment,
                RemoteSettings.DEFAULT,
                new PrometheusRegistry(),
                CONTEXT);
    }
}
