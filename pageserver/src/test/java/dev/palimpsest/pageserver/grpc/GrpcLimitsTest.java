package dev.palimpsest.pageserver.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageapi.BaseBackupCompression;
import dev.palimpsest.pageapi.GetBaseBackupRequest;
import dev.palimpsest.pageapi.GetBaseBackupResponseChunk;
import dev.palimpsest.pageapi.GetPageRequest;
import dev.palimpsest.pageapi.GetPageResponse;
import dev.palimpsest.pageapi.GetRelSizeRequest;
import dev.palimpsest.pageapi.GetSlruSegmentRequest;
import dev.palimpsest.pageapi.PageServiceGrpc;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.pageservice.ServedPages;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients may take of the gRPC page API, and what comes of those that take more, go, or stand still. */
class GrpcLimitsTest {
    private static final int CALLS = 8;
    private static final int CONNECTIONS = 3;

    @TempDir
    private Path directory;

    private ServedPages served;
    private GrpcPageService service;
    private GrpcClient client;

    @BeforeEach
    void open() throws Exception {
        served = new ServedPages(directory, settings(Duration.ofMinutes(1), Duration.ofMinutes(1)));
        service = service();
        client = new GrpcClient(service.port());
        served.write(new Lsn(0x2000)).create(ServedPages.fork(100), 32).finish();
    }

    private static PageServiceSettings settings(Duration message, Duration write) {
        return new PageServiceSettings(
                "127.0.0.1",
                0,
                8,
                100,
                Duration.ofMinutes(1),
                Duration.ZERO,
                message,
                write,
                Duration.ofMinutes(5),
                32,
                ThrottleSettings.NONE);
    }

    private GrpcPageService service() throws Exception {
        GrpcPageService service = new GrpcPageService(
                served,
                served.service,
                new GrpcSettings("127.0.0.1", 0, CONNECTIONS, CALLS),
                InterfaceSecurity.NONE,
                served.clock(),
                served.metrics);
        service.start();
        return service;
    }

    @AfterEach
    void close() throws Exception {
        client.close();
        service.close();
        served.close();
    }

    private static GetRelSizeRequest size(long since) {
        return GetRelSizeRequest.newBuilder()
                .setReadLsn(GrpcClient.at(Lsn.MAX.value(), since))
                .setRel(GrpcClient.rel(100))
                .build();
    }

    private static GetPageRequest many(int id) {
        return GrpcClient.pages(
                id, GrpcClient.latest(), 100, IntStream.range(0, 32).toArray());
    }

    /** Calls that ended by a code. */
    private long finished(String method, Status.Code code) {
        return served.metrics.scrape(name -> name.equals("palimpsest_grpc_calls_finished")).stream()
                .flatMap(snapshot -> ((CounterSnapshot) snapshot).getDataPoints().stream())
                .filter(point -> method.equals(point.getLabels().get("method"))
                        && code.name().equals(point.getLabels().get("code")))
                .mapToLong(point -> (long) point.getValue())
                .sum();
    }

    private static void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("it does not happen").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private static void fails(Status.Code code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode())
                                .as(String.valueOf(e.getMessage()))
                                .isEqualTo(code));
    }

    /** A quarter of a megabyte for each request: without flow control all of it would be in memory. */
    @Test
    void whoDoesNotTakeAnswersGetsNoMoreRead() throws Exception {
        int requests = 200;
        GrpcClient.Stream slow = client.new Stream(false);
        for (int i = 0; i < requests; i++) {
            slow.send(many(i));
        }
        until(() -> served.batches() > 0);
        // Others are served meanwhile, and as long as this takes the slow one could have been read for, too.
        for (int i = 0; i < 100; i++) {
            client.blocking().getRelSize(size(0));
        }
        assertThat(served.batches()).as("answers in memory").isLessThan(10);
        slow.take(requests);
        for (int i = 0; i < requests; i++) {
            assertThat(slow.response().getRequestId().getId()).isEqualTo(i);
        }
        slow.finish();
        assertThat(slow.end().isOk()).isTrue();
        assertThat(served.batches()).isEqualTo(requests);
    }

    @Test
    void aBackupIsMadeAsFastAsItIsTaken() {
        served.directorySize = 8 << 20;
        Iterator<GetBaseBackupResponseChunk> chunks = client.blocking()
                .getBaseBackup(GetBaseBackupRequest.newBuilder()
                        .setFull(true)
                        .setCompression(BaseBackupCompression.BASE_BACKUP_COMPRESSION_NONE)
                        .build());
        long size = 0;
        while (chunks.hasNext()) {
            size += chunks.next().getChunk().size();
        }
        assertThat(size).isEqualTo(served.directorySize);
    }

    @Test
    void aClientThatGivesUpEndsWhatWasDoneForIt() throws Exception {
        GrpcClient.Stream stream = client.stream();
        stream.send(GrpcClient.pages(1, GrpcClient.latest(), 100, 1)).response();
        stream.send(GrpcClient.pages(2, GrpcClient.at(Lsn.MAX.value(), 0x9000), 100, 1));
        stream.cancel();
        until(() -> finished("GetPages", Status.Code.CANCELLED) == 1);
        fails(
                Status.Code.DEADLINE_EXCEEDED,
                () -> client.blocking().withDeadlineAfter(3, TimeUnit.SECONDS).getRelSize(size(0x9000)));
        // The server may see the deadline pass before it hears that the client gives up.
        until(() ->
                finished("GetRelSize", Status.Code.CANCELLED) + finished("GetRelSize", Status.Code.DEADLINE_EXCEEDED)
                        == 1);
        assertThat(client.blocking().getRelSize(size(0)).getNumBlocks()).isEqualTo(32);
    }

    /** Calls and streams alike: one tenant may make a request a day, and another as many as it likes. */
    @Test
    void aTenantThatIsThrottledKeepsNoOtherWaitingAndIsLetOffWhileItWaits() throws Exception {
        TenantId slow = TenantId.parse(ServedPages.TENANT);
        served.throttles.put(slow, new ThrottleSettings(true, 33, Duration.ofDays(1), 1, 33));
        try (GrpcClient other = new GrpcClient(service.port()).with("neon-tenant-id", ServedPages.OTHER_TENANT)) {
            assertThat(client.blocking().getRelSize(size(0)).getNumBlocks()).isEqualTo(32);
            GrpcClient.Stream stream = client.stream();
            stream.send(many(1)).response();
            stream.send(many(2));
            fails(
                    Status.Code.DEADLINE_EXCEEDED,
                    () -> client.blocking()
                            .withDeadlineAfter(100, TimeUnit.MILLISECONDS)
                            .getRelSize(size(0)));
            GrpcClient.Stream others = other.stream();
            for (int i = 0; i < 10; i++) {
                assertThat(others.send(many(i)).response().getPageCount()).isEqualTo(32);
                assertThat(other.blocking().getRelSize(size(0)).getNumBlocks()).isEqualTo(32);
            }
            served.throttles.remove(slow);
            GetPageResponse late = stream.response();
            assertThat(late.getRequestId().getId()).isEqualTo(2);
            assertThat(late.getPageCount()).isEqualTo(32);
            assertThat(client.blocking().getRelSize(size(0)).getNumBlocks()).isEqualTo(32);
        }
    }

    @Test
    void thereAreNoMoreCallsThanThereMayBe() throws Exception {
        List<GrpcClient.Stream> streams = new ArrayList<>();
        for (int i = 0; i < CALLS; i++) {
            GrpcClient.Stream stream = client.stream();
            stream.send(GrpcClient.pages(i, GrpcClient.latest(), 100, 1)).response();
            // All of them wait at once, and there is still somebody to refuse the next.
            stream.send(GrpcClient.pages(i, GrpcClient.at(Lsn.MAX.value(), 0x3000), 100, 1));
            streams.add(stream);
        }
        fails(Status.Code.RESOURCE_EXHAUSTED, () -> client.blocking().getRelSize(size(0)));
        served.write(new Lsn(0x3000)).create(ServedPages.fork(101), 1).finish();
        for (GrpcClient.Stream stream : streams) {
            assertThat(stream.response().getPageCount()).isEqualTo(1);
            stream.finish();
            assertThat(stream.end().isOk()).isTrue();
        }
        until(() -> finished("GetPages", Status.Code.OK) == CALLS);
        client.blocking().getRelSize(size(0));
    }

    @Test
    void thereAreNoMoreConnectionsThanThereMayBe() throws Exception {
        client.blocking().getRelSize(size(0));
        try (GrpcClient second = new GrpcClient(service.port());
                GrpcClient third = new GrpcClient(service.port());
                GrpcClient fourth = new GrpcClient(service.port())) {
            second.blocking().getRelSize(size(0));
            third.blocking().getRelSize(size(0));
            fails(Status.Code.UNAVAILABLE, () -> fourth.blocking().getRelSize(size(0)));
            client.blocking().getRelSize(size(0));
        }
    }

    @Test
    void aRequestThatIsTooLargeIsRefused() {
        GrpcClient.Stream stream = client.stream();
        stream.send(GrpcClient.pages(1, GrpcClient.latest(), 100, new int[70_000]));
        assertThat(catchEnd(stream).getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        client.with("neon-more", "x".repeat(20_000));
        assertThatThrownBy(() -> client.blocking().getRelSize(size(0))).isInstanceOf(StatusRuntimeException.class);
        client.with("neon-more", null);
        client.blocking().getRelSize(size(0));
    }

    private static Status catchEnd(GrpcClient.Stream stream) {
        try {
            return stream.end();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whoStandsStillIsDisconnected() throws Exception {
        served.service.limits(settings(Duration.ofMinutes(1), Duration.ofMillis(200)));
        GrpcClient.Stream slow = client.new Stream(false);
        for (int i = 0; i < 4; i++) {
            slow.send(many(i));
        }
        until(() -> finished("GetPages", Status.Code.CANCELLED) == 1);

        served.service.limits(settings(Duration.ofMillis(200), Duration.ofMinutes(1)));
        try (GrpcClient other = new GrpcClient(service.port())) {
            GrpcClient.Stream idle = other.stream();
            idle.send(GrpcClient.pages(1, GrpcClient.latest(), 100, 1)).response();
            idle.send(GrpcClient.pages(2, GrpcClient.latest(), 100, 1));
            assertThat(idle.response().getPageCount())
                    .as("a stream may be idle")
                    .isEqualTo(1);
        }
    }

    @Test
    void aRequestThatIsNotEndedIsCutOff() throws Exception {
        served.service.limits(settings(Duration.ofMillis(200), Duration.ofMinutes(1)));
        try (UnendedCall call = new UnendedCall(service.port())) {
            call.begin(PageServiceGrpc.getGetRelSizeMethod().getFullMethodName(), client.headers());
            assertThat(call.isEnded(Duration.ofSeconds(60))).isTrue();
        }
        assertThat(client.blocking().getRelSize(size(0)).getNumBlocks()).isEqualTo(32);
    }

    @Test
    void aShutdownIsToldToWhoeverIsThere() throws Exception {
        GrpcClient.Stream idle = client.stream();
        idle.send(GrpcClient.pages(1, GrpcClient.latest(), 100, 1)).response();
        GrpcClient.Stream waiting = client.stream();
        waiting.send(GrpcClient.pages(1, GrpcClient.latest(), 100, 1)).response();
        waiting.send(GrpcClient.pages(2, GrpcClient.at(Lsn.MAX.value(), 0x9000), 100, 1));
        service.close();
        assertThat(idle.end().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(waiting.end().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        fails(Status.Code.UNAVAILABLE, () -> client.blocking().getRelSize(size(0)));
    }

    @Test
    void answersAreCompressedAsRequestsAre() {
        Metadata.Key<String> encoding = Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER);
        for (String name : new String[] {"gzip", "zstd", "identity"}) {
            AtomicReference<Metadata> headers = new AtomicReference<>();
            PageServiceGrpc.PageServiceBlockingStub stub = client.blocking()
                    .withInterceptors(MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>()));
            GetSlruSegmentRequest request = GetSlruSegmentRequest.newBuilder()
                    .setReadLsn(GrpcClient.latest())
                    .setSegno(3)
                    .build();
            assertThat((name.equals("identity") ? stub : stub.withCompression(name))
                            .getSlruSegment(request)
                            .getSegment()
                            .size())
                    .isEqualTo(2 * 8192);
            String answered = headers.get().get(encoding);
            assertThat(answered == null ? "identity" : answered).isEqualTo(name);
        }
    }

    @Test
    void theServiceDescribesItself() throws Exception {
        CompletableFuture<List<String>> names = new CompletableFuture<>();
        StreamObserver<ServerReflectionRequest> requests = ServerReflectionGrpc.newStub(client.channel)
                .serverReflectionInfo(new StreamObserver<>() {
                    @Override
                    public void onNext(ServerReflectionResponse response) {
                        names.complete(response.getListServicesResponse().getServiceList().stream()
                                .map(ServiceResponse::getName)
                                .toList());
                    }

                    @Override
                    public void onError(Throwable reason) {
                        names.completeExceptionally(reason);
                    }

                    @Override
                    public void onCompleted() {}
                });
        requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
        assertThat(names.get(60, TimeUnit.SECONDS)).contains("page_api.PageService");
        requests.onCompleted();
    }
}
