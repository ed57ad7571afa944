package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageapi.GetPageRequest;
import dev.palimpsest.pageapi.GetPageResponse;
import dev.palimpsest.pageapi.PageServiceGrpc;
import dev.palimpsest.pageapi.ReadLsn;
import dev.palimpsest.pageapi.RelTag;
import dev.palimpsest.pageapi.RequestID;
import dev.palimpsest.pageserver.pageservice.ServedPages;
import dev.palimpsest.postgres.Lsn;
import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A client of the page API, with what was generated for clients. */
final class GrpcClient implements AutoCloseable {
    /** As small as HTTP/2 begins with, so that a client that takes nothing is soon noticed. */
    private static final int WINDOW = 65_535;

    final ManagedChannel channel;
    private final Map<String, String> metadata = new TreeMap<>();

    GrpcClient(int port) {
        this(port, null);
    }

    /** @param tls null for none */
    GrpcClient(int port, @Nullable SslContext tls) {
        CompressorRegistry compressors = CompressorRegistry.getDefaultInstance();
        compressors.register(new ZstdCodec());
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress("localhost", port)
                .flowControlWindow(WINDOW)
                .compressorRegistry(compressors)
                .decompressorRegistry(DecompressorRegistry.getDefaultInstance().with(new ZstdCodec(), true));
        channel = tls == null
                ? builder.usePlaintext().build()
                : builder.sslContext(tls).build();
        metadata.put("neon-tenant-id", ServedPages.TENANT);
        metadata.put("neon-timeline-id", ServedPages.TIMELINE);
        metadata.put("neon-shard-id", "0000");
    }

    /** With other metadata from now on; null for none of that name. */
    GrpcClient with(String name, @Nullable String value) {
        if (value == null) {
            metadata.remove(name);
        } else {
            metadata.put(name, value);
        }
        return this;
    }

    Metadata headers() {
        Metadata headers = new Metadata();
        metadata.forEach((name, value) -> headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
        return headers;
    }

    PageServiceGrpc.PageServiceBlockingStub blocking() {
        return PageServiceGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers()));
    }

    PageServiceGrpc.PageServiceStub async() {
        return PageServiceGrpc.newStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers()));
    }

    static ReadLsn at(long request, long since) {
        return ReadLsn.newBuilder()
                .setRequestLsn(request)
                .setNotModifiedSinceLsn(since)
                .build();
    }

    static ReadLsn latest() {
        return at(Lsn.MAX.value(), 0);
    }

    static RelTag rel(int number) {
        return RelTag.newBuilder()
                .setSpcOid(ServedPages.SPC)
                .setDbOid(ServedPages.DB)
                .setRelNumber(number)
                .build();
    }

    static GetPageRequest pages(long id, ReadLsn lsn, int rel, int... blocks) {
        GetPageRequest.Builder request = GetPageRequest.newBuilder()
                .setRequestId(RequestID.newBuilder().setId(id).setAttempt(2))
                .setReadLsn(lsn)
                .setRel(rel(rel));
        for (int block : blocks) {
            request.addBlockNumber(block);
        }
        return request.build();
    }

    /** What a stream has brought. */
    final class Stream implements ClientResponseObserver<GetPageRequest, GetPageResponse> {
        private final BlockingQueue<Object> received = new LinkedBlockingQueue<>();
        private final boolean taking;
        private final ClientCallStreamObserver<GetPageRequest> requests;

        /** @param taking whether it takes answers as they come, or only those that are asked for by {@link #take} */
        Stream(boolean taking) {
            this.taking = taking;
            this.requests = (ClientCallStreamObserver<GetPageRequest>) async().getPages(this);
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<GetPageRequest> observer) {
            if (!taking) {
                observer.disableAutoRequestWithInitial(0);
            }
        }

        Stream send(GetPageRequest request) {
            requests.onNext(request);
            return this;
        }

        void finish() {
            requests.onCompleted();
        }

        void cancel() {
            requests.cancel("enough", null);
        }

        void take(int count) {
            requests.request(count);
        }

        @Override
        public void onNext(GetPageResponse response) {
            received.add(response);
        }

        @Override
        public void onError(Throwable reason) {
            received.add(((StatusRuntimeException) reason).getStatus());
        }

        @Override
        public void onCompleted() {
            received.add(Status.OK);
        }

        private Object next() throws InterruptedException {
            Object next = received.poll(60, TimeUnit.SECONDS);
            if (next == null) {
                throw new AssertionError("nothing comes");
            }
            return next;
        }

        GetPageResponse response() throws InterruptedException {
            Object next = next();
            if (next instanceof GetPageResponse response) {
                return response;
            }
            throw new AssertionError("the stream has ended: " + next);
        }

        /** How it ended; nothing else may come before. */
        Status end() throws InterruptedException {
            Object next = next();
            if (next instanceof Status status) {
                return status;
            }
            throw new AssertionError("the stream goes on: " + next);
        }
    }

    Stream stream() {
        return new Stream(true);
    }

    @Override
    public void close() {
        channel.shutdownNow();
        try {
            if (!channel.awaitTermination(30, TimeUnit.SECONDS)) {
                throw new AssertionError("the client does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("the end of the client was not waited for", e);
        }
    }
}
