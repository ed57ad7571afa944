package dev.palimpsest.benchmarks;

import dev.palimpsest.pageapi.GetPageRequest;
import dev.palimpsest.pageapi.GetPageResponse;
import dev.palimpsest.pageapi.GetPageStatusCode;
import dev.palimpsest.pageapi.PageServiceGrpc;
import dev.palimpsest.pageapi.ReadLsn;
import dev.palimpsest.pageapi.RelTag;
import dev.palimpsest.pageapi.RequestID;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.MetadataUtils;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A client of the page API over gRPC: one {@code GetPages} stream on a connection of its own. The pages that are asked for between
 * two flushes are one request. For one thread.
 */
final class GrpcPageReader implements PageReader {
    private static final long LATEST = -1L;
    private static final int PAGE = 8192;
    private static final long PATIENCE_SECONDS = 60;

    private final ManagedChannel channel;
    private final BlockingClientCall<GetPageRequest, GetPageResponse> stream;
    private final ReadLsn latest = ReadLsn.newBuilder().setRequestLsn(LATEST).build();
    private GetPageRequest.Builder asked = GetPageRequest.newBuilder();
    private long number;
    private @Nullable GetPageResponse response;
    private int taken;
    private boolean failed;

    /** Connects, and begins a stream. */
    GrpcPageReader(int port, String tenant, String timeline) {
        channel = NettyChannelBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .usePlaintext()
                .directExecutor()
                .build();
        Metadata headers = new Metadata();
        put(headers, "neon-tenant-id", tenant);
        put(headers, "neon-timeline-id", timeline);
        put(headers, "neon-shard-id", "0000");
        stream = PageServiceGrpc.newBlockingV2Stub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .getPages();
    }

    private static void put(Metadata headers, String name, String value) {
        headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
    }

    /** All that is asked between two flushes is of the same relation. */
    @Override
    public void ask(PageClient.Relation relation, int block) {
        if (asked.getBlockNumberCount() == 0) {
            asked.setRequestId(RequestID.newBuilder().setId(++number))
                    .setReadLsn(latest)
                    .setRel(RelTag.newBuilder()
                            .setSpcOid(relation.spcNode())
                            .setDbOid(relation.dbNode())
                            .setRelNumber(relation.relNode()));
        }
        asked.addBlockNumber(block);
    }

    @Override
    public void flush() throws IOException {
        if (asked.getBlockNumberCount() == 0) {
            return;
        }
        try {
            if (!stream.write(asked.build(), PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new EOFException("the server has ended the stream");
            }
        } catch (StatusException | TimeoutException e) {
            throw new IOException("the stream does not go on: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            throw interrupted();
        }
        asked = GetPageRequest.newBuilder();
    }

    @Override
    public boolean hasReply() {
        return response != null && taken < response.getPageCount();
    }

    @Override
    public void page() throws IOException {
        failed = true; // unless it is not
        GetPageResponse now = response;
        if (now == null || taken == now.getPageCount()) {
            now = next();
            response = now;
            taken = 0;
        }
        if (now.getPage(taken++).getImage().size() != PAGE) {
            throw new IOException("no page, but something shorter");
        }
        failed = false;
    }

    private GetPageResponse next() throws IOException {
        @Nullable GetPageResponse next;
        try {
            next = stream.read(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (StatusException | TimeoutException e) {
            throw new IOException("the stream does not go on: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            throw interrupted();
        }
        if (next == null) {
            throw new EOFException("the server has ended the stream");
        }
        if (next.getStatusCode() != GetPageStatusCode.GET_PAGE_STATUS_CODE_OK || next.getPageCount() == 0) {
            throw new IOException("no page: " + next.getStatusCode() + ", " + next.getReason());
        }
        return next;
    }

    private static IOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("the wait for the stream was interrupted");
    }

    /** Takes what is still to come, so that the server sees an orderly end. */
    @Override
    public void close() throws IOException {
        try {
            if (failed) {
                return;
            }
            stream.halfClose();
            while (stream.read(PATIENCE_SECONDS, TimeUnit.SECONDS) != null) {
                // What was asked and not taken.
            }
            channel.shutdown();
            channel.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (StatusException | TimeoutException e) {
            throw new IOException("the stream does not end: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            throw interrupted();
        } finally {
            channel.shutdownNow();
        }
    }
}
