package dev.palimpsest.pageserver.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.palimpsest.pageapi.BaseBackupCompression;
import dev.palimpsest.pageapi.GetBaseBackupRequest;
import dev.palimpsest.pageapi.GetBaseBackupResponseChunk;
import dev.palimpsest.pageapi.GetDbSizeRequest;
import dev.palimpsest.pageapi.GetPageRequest;
import dev.palimpsest.pageapi.GetPageResponse;
import dev.palimpsest.pageapi.GetPageStatusCode;
import dev.palimpsest.pageapi.GetRelSizeRequest;
import dev.palimpsest.pageapi.GetRelSizeResponse;
import dev.palimpsest.pageapi.GetSlruSegmentRequest;
import dev.palimpsest.pageapi.LeaseLsnRequest;
import dev.palimpsest.pageapi.Page;
import dev.palimpsest.pageapi.ReadLsn;
import dev.palimpsest.pageapi.RelTag;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.pageservice.ServedPages;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.pageserver.pageservice.TraceSettings;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.postgres.Lsn;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every call of the page API: what it answers, what it refuses, and by which status. */
class GrpcPageServiceTest {
    @TempDir
    private Path directory;

    private ServedPages served;
    private GrpcPageService service;
    private GrpcClient client;

    @BeforeEach
    void open() throws Exception {
        PageServiceSettings settings = new PageServiceSettings(
                "127.0.0.1",
                0,
                8,
                100,
                Duration.ofMinutes(1),
                Duration.ZERO,
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                Duration.ofMillis(200),
                32,
                ThrottleSettings.NONE);
        served = new ServedPages(directory, settings);
        service = new GrpcPageService(
                served,
                served.service,
                new GrpcSettings("127.0.0.1", 0, 4, 8),
                InterfaceSecurity.NONE,
                served.clock(),
                served.metrics);
        service.start();
        client = new GrpcClient(service.port());
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 40).finish();
    }

    @AfterEach
    void close() throws Exception {
        client.close();
        service.close();
        served.close();
    }

    private static Lsn lsn(long value) {
        return new Lsn(value);
    }

    private static ByteString expected(int rel, int block, long lsn) {
        return ByteString.copyFrom(ServedPages.page(ServedPages.text(ServedPages.fork(rel), block, lsn(lsn))));
    }

    private static void refused(Status.Code code, String why, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode())
                    .as(String.valueOf(e.getMessage()))
                    .isEqualTo(code);
            assertThat(e.getStatus().getDescription()).contains(why);
        });
    }

    private static GetRelSizeRequest size(ReadLsn lsn, RelTag rel) {
        return GetRelSizeRequest.newBuilder().setReadLsn(lsn).setRel(rel).build();
    }

    private static byte[] all(Iterator<GetBaseBackupResponseChunk> chunks) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (chunks.hasNext()) {
            GetBaseBackupResponseChunk chunk = chunks.next();
            assertThat(chunk.getChunk().size()).isBetween(1, 256 << 10);
            chunk.getChunk().writeTo(all);
        }
        return all.toByteArray();
    }

    private static GetBaseBackupRequest.Builder backup(BaseBackupCompression compression) {
        return GetBaseBackupRequest.newBuilder().setCompression(compression);
    }

    @Test
    void sizesAreThoseOfTheLsn() throws Exception {
        served.write(lsn(0x3000)).resize(ServedPages.fork(100), 40, 50).finish();
        assertThat(client.blocking().getRelSize(size(GrpcClient.latest(), GrpcClient.rel(100))))
                .isEqualTo(GetRelSizeResponse.newBuilder().setNumBlocks(50).build());
        assertThat(client.blocking()
                        .getRelSize(size(GrpcClient.at(0x2fff, 0x2000), GrpcClient.rel(100)))
                        .getNumBlocks())
                .isEqualTo(40);
        assertThat(client.blocking()
                        .getDbSize(GetDbSizeRequest.newBuilder()
                                .setReadLsn(GrpcClient.latest())
                                .setDbOid(ServedPages.DB)
                                .build())
                        .getNumBytes())
                .isEqualTo(50 * 8192);
    }

    @Test
    void aForkThatIsNotThereIsAnErrorOrAnAnswer() {
        GetRelSizeRequest request = size(GrpcClient.latest(), GrpcClient.rel(999));
        refused(Status.Code.NOT_FOUND, "does not exist", () -> client.blocking().getRelSize(request));
        assertThat(client.blocking()
                        .getRelSize(request.toBuilder().setAllowMissing(true).build()))
                .isEqualTo(GetRelSizeResponse.newBuilder().setMissing(true).build());
        RelTag map = GrpcClient.rel(100).toBuilder().setForkNumber(2).build();
        assertThat(client.blocking().getRelSize(size(GrpcClient.latest(), map)))
                .as("a visibility map need not be there")
                .isEqualTo(GetRelSizeResponse.getDefaultInstance());
    }

    @Test
    void anSlruSegmentIsWhole() {
        GetSlruSegmentRequest request = GetSlruSegmentRequest.newBuilder()
                .setReadLsn(GrpcClient.latest())
                .setSegno(3)
                .build();
        assertThat(client.blocking().getSlruSegment(request).getSegment())
                .isEqualTo(ByteString.copyFrom(ServedPages.page("clog 0"))
                        .concat(ByteString.copyFrom(ServedPages.page("clog 1"))));
        refused(
                Status.Code.NOT_FOUND,
                "segment 4 of pg_xact",
                () -> client.blocking()
                        .getSlruSegment(request.toBuilder().setSegno(4).build()));
        for (int kind : new int[] {9, 256, -1}) {
            refused(
                    Status.Code.INVALID_ARGUMENT,
                    "no SLRU of kind",
                    () -> client.blocking()
                            .getSlruSegment(request.toBuilder().setKind(kind).build()));
        }
    }

    @Test
    void backupsComeInChunksAndCompressed() throws Exception {
        byte[] plain = all(client.blocking()
                .getBaseBackup(backup(BaseBackupCompression.BASE_BACKUP_COMPRESSION_NONE)
                        .build()));
        assertThat(new String(plain, StandardCharsets.UTF_8)).startsWith("compute 0/2000");
        byte[] compressed = all(client.blocking()
                .getBaseBackup(backup(BaseBackupCompression.BASE_BACKUP_COMPRESSION_GZIP)
                        .setLsn(0x2000)
                        .setReplica(true)
                        .build()));
        assertThat(compressed.length).isLessThan(plain.length / 4);
        assertThat(new GZIPInputStream(new ByteArrayInputStream(compressed)).readAllBytes())
                .isEqualTo(plain);
        byte[] full = all(client.blocking()
                .getBaseBackup(backup(BaseBackupCompression.BASE_BACKUP_COMPRESSION_NONE)
                        .setFull(true)
                        .build()));
        assertThat(full).hasSize(100_000).containsOnly(7);
    }

    /** All of what would be left out for a replica is left out for everybody: there are no slots in any archive. */
    @Test
    void aReplicasBackupIsWhatOthersGet() throws Exception {
        for (boolean full : new boolean[] {false, true}) {
            GetBaseBackupRequest request = backup(BaseBackupCompression.BASE_BACKUP_COMPRESSION_NONE)
                    .setFull(full)
                    .build();
            assertThat(all(client.blocking()
                            .getBaseBackup(request.toBuilder().setReplica(true).build())))
                    .isEqualTo(all(client.blocking().getBaseBackup(request)));
        }
    }

    @Test
    void slowRequestsAreLoggedWithWhereTheirTimeWent() throws Exception {
        served.service.tracing(new TraceSettings(Duration.ZERO, 1));
        GrpcClient.Stream stream = client.stream();
        stream.send(GrpcClient.pages(1, GrpcClient.latest(), 100, 3, 4, 5));
        assertThat(stream.response().getPageCount()).isEqualTo(3);
        assertThat(served.traces.next())
                .containsEntry("request", "get_page_at_lsn")
                .containsEntry("timeline", ServedPages.TIMELINE)
                .containsEntry("pages", "3")
                .containsEntry("memory_layers", "1")
                .satisfies(line -> assertThat(Long.parseLong(String.valueOf(line.get("bytes"))))
                        .isGreaterThanOrEqualTo(3 * 8192));
        stream.send(GrpcClient.pages(2, GrpcClient.at(Lsn.MAX.value(), 0x9000), 100, 3));
        assertThat(stream.response().getReason()).contains("LSN timeout");
        assertThat(served.traces.next())
                .as("one that was refused after 200 ms")
                .satisfies(line -> assertThat(Long.parseLong(String.valueOf(line.get("wait_lsn"))))
                        .isGreaterThan(100_000));
        stream.finish();

        client.blocking().getRelSize(size(GrpcClient.latest(), GrpcClient.rel(100)));
        assertThat(served.traces.next())
                .containsEntry("request", "get_rel_size")
                .containsEntry("pages", "1");
        refused(
                Status.Code.INTERNAL,
                "LSN timeout",
                () -> client.blocking().getRelSize(size(GrpcClient.at(0x9000, 0), GrpcClient.rel(100))));
        assertThat(served.traces.next())
                .containsEntry("request", "get_rel_size")
                .satisfies(line -> assertThat(Long.parseLong(String.valueOf(line.get("wait_lsn"))))
                        .isGreaterThan(100_000));
    }

    @Test
    void backupsThatCannotBeMadeSayWhy() {
        for (int compression : new int[] {0, 3}) {
            refused(
                    Status.Code.INVALID_ARGUMENT,
                    "compression",
                    () -> all(client.blocking()
                            .getBaseBackup(GetBaseBackupRequest.newBuilder()
                                    .setCompressionValue(compression)
                                    .build())));
        }
        GetBaseBackupRequest.Builder plain = backup(BaseBackupCompression.BASE_BACKUP_COMPRESSION_NONE);
        refused(
                Status.Code.INTERNAL,
                "0/9000",
                () -> all(client.blocking().getBaseBackup(plain.setLsn(0x9000).build())));
        served.readableFrom = lsn(0x2100);
        refused(
                Status.Code.INVALID_ARGUMENT,
                "consistent from 0/2100",
                () -> all(client.blocking().getBaseBackup(plain.setLsn(0x2000).build())));
        served.readableFrom = ServedPages.START;
        served.failing = true;
        refused(Status.Code.DATA_LOSS, "it is torn", () -> all(client.blocking().getBaseBackup(plain.build())));
    }

    @Test
    void anLsnIsLeasedOrNot() throws Exception {
        LeaseLsnRequest request = LeaseLsnRequest.newBuilder().setLsn(0x2000).build();
        assertThat(client.blocking().leaseLsn(request).getExpires())
                .satisfies(until -> assertThat(Instant.ofEpochSecond(until.getSeconds(), until.getNanos()))
                        .isEqualTo(ServedPages.LEASED_UNTIL));
        served.write(lsn(0x3000)).resize(ServedPages.fork(100), 40, 41).finish();
        served.cutOff(lsn(0x3000));
        assertThat(client.blocking()
                        .getRelSize(size(GrpcClient.at(0x2000, 0x2000), GrpcClient.rel(100)))
                        .getNumBlocks())
                .as("leased")
                .isEqualTo(40);
        refused(
                Status.Code.FAILED_PRECONDITION,
                "pitr_interval",
                () -> client.blocking()
                        .leaseLsn(LeaseLsnRequest.newBuilder().setLsn(0x2800).build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "lsn is missing",
                () -> client.blocking().leaseLsn(LeaseLsnRequest.getDefaultInstance()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "pitr_interval",
                () -> client.blocking().getRelSize(size(GrpcClient.at(0x2800, 0), GrpcClient.rel(100))));
    }

    @Test
    void lsnsThatMakeNoSenseAreRefusedAndThoseToComeWaitedFor() throws Exception {
        RelTag rel = GrpcClient.rel(100);
        refused(
                Status.Code.INVALID_ARGUMENT,
                "read_lsn is missing",
                () -> client.blocking()
                        .getRelSize(GetRelSizeRequest.newBuilder().setRel(rel).build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "request LSN is 0/0",
                () -> client.blocking().getRelSize(size(GrpcClient.at(0, 0), rel)));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "is before the LSN",
                () -> client.blocking().getRelSize(size(GrpcClient.at(0x2000, 0x2001), rel)));
        refused(
                Status.Code.INTERNAL,
                "LSN timeout",
                () -> client.blocking().getRelSize(size(GrpcClient.at(Lsn.MAX.value(), 0x2001), rel)));
        refused(
                Status.Code.INTERNAL,
                "LSN timeout",
                () -> client.blocking().getRelSize(size(GrpcClient.at(0x2001, 0), rel)));
        assertThat(client.blocking()
                        .getRelSize(size(GrpcClient.at(0x9000, 0x2000), rel))
                        .getNumBlocks())
                .as("nothing has changed since what is there")
                .isEqualTo(40);
        refused(
                Status.Code.INVALID_ARGUMENT,
                "rel is missing",
                () -> client.blocking()
                        .getRelSize(GetRelSizeRequest.newBuilder()
                                .setReadLsn(GrpcClient.latest())
                                .build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "no fork 4",
                () -> client.blocking()
                        .getRelSize(size(
                                GrpcClient.latest(),
                                rel.toBuilder().setForkNumber(4).build())));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "0 is no relation",
                () -> client.blocking().getRelSize(size(GrpcClient.latest(), GrpcClient.rel(0))));
    }

    @Test
    void aCallIsAboutATimelineThatIsServed() {
        GetRelSizeRequest request = size(GrpcClient.latest(), GrpcClient.rel(100));
        record Wrong(String name, @Nullable String value, Status.Code code, String why) {}
        List<Wrong> all = List.of(
                new Wrong("neon-tenant-id", null, Status.Code.INVALID_ARGUMENT, "neon-tenant-id is missing"),
                new Wrong("neon-tenant-id", "abc", Status.Code.INVALID_ARGUMENT, "abc"),
                new Wrong("neon-tenant-id", "f".repeat(32), Status.Code.NOT_FOUND, "f".repeat(32)),
                new Wrong("neon-timeline-id", null, Status.Code.INVALID_ARGUMENT, "neon-timeline-id is missing"),
                new Wrong("neon-timeline-id", "f".repeat(32), Status.Code.NOT_FOUND, "f".repeat(32)),
                new Wrong("neon-shard-id", null, Status.Code.INVALID_ARGUMENT, "neon-shard-id is missing"),
                new Wrong("neon-shard-id", "00", Status.Code.INVALID_ARGUMENT, "two hexadecimal digits"),
                new Wrong("neon-shard-id", "0202", Status.Code.INVALID_ARGUMENT, "shard 2 of 2"),
                new Wrong("neon-shard-id", "0100", Status.Code.INVALID_ARGUMENT, "shard 1 of 0"),
                new Wrong("neon-shard-id", "0102", Status.Code.INVALID_ARGUMENT, "only shard 0"),
                new Wrong("neon-shard-id", "0002", Status.Code.NOT_FOUND, "not sharded"));
        for (Wrong wrong : all) {
            String right = client.headers().get(Metadata.Key.of(wrong.name, Metadata.ASCII_STRING_MARSHALLER));
            client.with(wrong.name, wrong.value);
            refused(wrong.code, wrong.why, () -> client.blocking().getRelSize(request));
            client.with(wrong.name, right);
        }
        served.archived = true;
        refused(
                Status.Code.FAILED_PRECONDITION,
                "is archived",
                () -> client.blocking().getRelSize(request));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "is archived",
                () -> all(client.blocking()
                        .getBaseBackup(backup(BaseBackupCompression.BASE_BACKUP_COMPRESSION_NONE)
                                .build())));
    }

    @Test
    void aStreamAnswersInOrderWithTheNumbersOfTheRequests() throws Exception {
        GrpcClient.Stream stream = client.stream();
        for (int i = 0; i < 100; i++) {
            stream.send(GrpcClient.pages(i, GrpcClient.latest(), 100, i % 40, 3, i % 40));
        }
        stream.finish();
        for (int i = 0; i < 100; i++) {
            GetPageResponse response = stream.response();
            assertThat(response.getRequestId().getId()).isEqualTo(i);
            assertThat(response.getRequestId().getAttempt()).isEqualTo(2);
            assertThat(response.getStatusCode()).isEqualTo(GetPageStatusCode.GET_PAGE_STATUS_CODE_OK);
            assertThat(response.getReason()).isEmpty();
            assertThat(response.getRel()).isEqualTo(GrpcClient.rel(100));
            assertThat(response.getPageList().stream().map(Page::getBlockNumber))
                    .containsExactly(i % 40, 3, i % 40);
            assertThat(response.getPageList().stream().map(Page::getImage))
                    .containsExactly(
                            expected(100, i % 40, 0x2000), expected(100, 3, 0x2000), expected(100, i % 40, 0x2000));
        }
        assertThat(stream.end().getCode()).isEqualTo(Status.Code.OK);
    }

    @Test
    void pagesAreThoseOfTheLsnAndZerosBehindTheEnd() throws Exception {
        served.write(lsn(0x3000)).resize(ServedPages.fork(100), 0, 5).finish();
        GrpcClient.Stream stream = client.stream();
        stream.send(GrpcClient.pages(1, GrpcClient.at(0x2000, 0), 100, 0, 39));
        stream.send(GrpcClient.pages(2, GrpcClient.latest(), 100, 0, 5));
        assertThat(stream.response().getPageList().stream().map(Page::getImage))
                .containsExactly(expected(100, 0, 0x2000), expected(100, 39, 0x2000));
        assertThat(stream.response().getPageList().stream().map(Page::getImage))
                .containsExactly(expected(100, 0, 0x3000), ByteString.copyFrom(new byte[8192]));
        stream.finish();
        assertThat(stream.end().isOk()).isTrue();
    }

    @Test
    void whatIsWrongWithARequestIsSaidInTheStreamWhichGoesOn() throws Exception {
        GrpcClient.Stream stream = client.stream();
        record Wrong(GetPageRequest request, GetPageStatusCode code, String why) {}
        GetPageRequest right = GrpcClient.pages(1, GrpcClient.latest(), 100, 7);
        List<Wrong> all = List.of(
                new Wrong(
                        GrpcClient.pages(1, GrpcClient.latest(), 999, 7),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_NOT_FOUND,
                        "999"),
                new Wrong(
                        GrpcClient.pages(1, GrpcClient.at(0, 0), 100, 7),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                        "0/0"),
                new Wrong(
                        GrpcClient.pages(1, GrpcClient.latest(), 100),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                        "block_number is missing"),
                new Wrong(
                        GrpcClient.pages(
                                1,
                                GrpcClient.latest(),
                                100,
                                IntStream.range(0, 33).toArray()),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                        "at most 32"),
                new Wrong(
                        right.toBuilder().clearRel().build(),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                        "rel is missing"),
                new Wrong(
                        right.toBuilder().clearReadLsn().build(),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                        "read_lsn is missing"),
                new Wrong(
                        right.toBuilder().clearRequestId().build(),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_INVALID_REQUEST,
                        "request_id is missing"),
                new Wrong(
                        GrpcClient.pages(1, GrpcClient.at(Lsn.MAX.value(), 0x9000), 100, 7),
                        GetPageStatusCode.GET_PAGE_STATUS_CODE_INTERNAL_ERROR,
                        "LSN timeout"));
        for (Wrong wrong : all) {
            GetPageResponse refusal = stream.send(wrong.request).response();
            assertThat(refusal.getStatusCode()).as(wrong.why).isEqualTo(wrong.code);
            assertThat(refusal.getReason()).contains(wrong.why);
            assertThat(refusal.getRequestId()).isEqualTo(wrong.request.getRequestId());
            assertThat(refusal.hasRel()).isFalse();
            assertThat(refusal.getPageCount()).isZero();
            assertThat(stream.send(right).response().getPage(0).getImage()).isEqualTo(expected(100, 7, 0x2000));
        }
        stream.finish();
        assertThat(stream.end().isOk()).isTrue();
    }

    @Test
    void aStreamAboutNothingEndsAtOnce() throws Exception {
        client.with("neon-timeline-id", "f".repeat(32));
        assertThat(client.stream().end().getCode()).isEqualTo(Status.Code.NOT_FOUND);
    }

    @Test
    void aPageThatCannotBeReadFailsItsRequestOnly() throws Exception {
        served.write(lsn(0x3000))
                .put(ServedPages.fork(100).blockKey(1), Arrays.copyOf(ServedPages.page("short"), 100))
                .finish();
        GrpcClient.Stream stream = client.stream();
        GetPageResponse refusal =
                stream.send(GrpcClient.pages(1, GrpcClient.latest(), 100, 0, 1)).response();
        assertThat(refusal.getStatusCode()).isEqualTo(GetPageStatusCode.GET_PAGE_STATUS_CODE_INTERNAL_ERROR);
        assertThat(refusal.getReason()).contains("100 bytes");
        assertThat(refusal.getPageCount())
                .as("of a request that failed nothing is sent")
                .isZero();
        assertThat(stream.send(GrpcClient.pages(2, GrpcClient.latest(), 100, 0))
                        .response()
                        .getPageCount())
                .isEqualTo(1);
    }
}
