package dev.palimpsest.pageserver.grpc;

import com.google.protobuf.Timestamp;
import com.google.protobuf.UnsafeByteOperations;
import dev.palimpsest.pageapi.GetBaseBackupRequest;
import dev.palimpsest.pageapi.GetBaseBackupResponseChunk;
import dev.palimpsest.pageapi.GetDbSizeRequest;
import dev.palimpsest.pageapi.GetDbSizeResponse;
import dev.palimpsest.pageapi.GetPageRequest;
import dev.palimpsest.pageapi.GetPageResponse;
import dev.palimpsest.pageapi.GetRelSizeRequest;
import dev.palimpsest.pageapi.GetRelSizeResponse;
import dev.palimpsest.pageapi.GetSlruSegmentRequest;
import dev.palimpsest.pageapi.GetSlruSegmentResponse;
import dev.palimpsest.pageapi.LeaseLsnRequest;
import dev.palimpsest.pageapi.LeaseLsnResponse;
import dev.palimpsest.pageapi.PageServiceGrpc;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.pageservice.PagestreamRequest;
import dev.palimpsest.pageserver.pageservice.RequestFailure;
import dev.palimpsest.pageserver.pageservice.ServedTimeline;
import dev.palimpsest.pageserver.pageservice.ServedTimelines;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The calls of the page API. What has passed {@link CallGate} comes here. Safe for use by many threads. */
final class PageApi extends PageServiceGrpc.PageServiceImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(PageApi.class);

    private final ServedTimelines timelines;
    private final PageService pages;
    private final CallContexts contexts;
    private final ReaderWait readerWait;
    private final Executor threads;
    private final Set<PagesCall> streams = ConcurrentHashMap.newKeySet();
    private volatile boolean ending;

    /** @param threads runs what waits for its client */
    PageApi(
            ServedTimelines timelines,
            PageService pages,
            CallContexts contexts,
            ReaderWait readerWait,
            Executor threads) {
        this.timelines = timelines;
        this.pages = pages;
        this.contexts = contexts;
        this.readerWait = readerWait;
        this.threads = threads;
    }

    /** What is asked of one timeline, and how it is answered. */
    @FunctionalInterface
    private interface Answer<T> {
        T give(ServedTimeline timeline, CallRead read) throws RequestFailure, StorageException, StatusException;
    }

    /** The timeline of the call in whose context this is called. */
    private ServedTimeline timeline(boolean firstShardOnly) throws StatusException {
        CallTarget target = CallTarget.current();
        if (firstShardOnly && target.shard() != 0) {
            throw Requests.invalid("only shard 0 answers this, not shard " + target.shard());
        }
        if (target.shards() != 0) {
            throw Status.NOT_FOUND
                    .withDescription("not found: tenant " + target.tenant() + " is not sharded: its shard is 0000")
                    .asException();
        }
        ServedTimeline timeline =
                timelines.find(target.tenant(), target.timeline()).orElse(null);
        if (timeline != null) {
            return timeline;
        }
        String which = "timeline " + target.timeline() + " of tenant " + target.tenant();
        throw timelines.isArchived(target.tenant(), target.timeline())
                ? Status.FAILED_PRECONDITION
                        .withDescription(which + " is archived: take it back first")
                        .asException()
                : Status.NOT_FOUND.withDescription("not found: " + which).asException();
    }

    private <T> void answer(StreamObserver<T> observer, boolean firstShardOnly, Answer<T> answer) {
        ServerCallStreamObserver<T> out = (ServerCallStreamObserver<T>) observer;
        out.setOnCancelHandler(() -> {}); // or an answer that nobody wants any more would be an error
        CallRead read = new CallRead(pages, contexts);
        try {
            T response = answer.give(timeline(firstShardOnly), read);
            out.onNext(response);
            out.onCompleted();
        } catch (StatusException e) {
            out.onError(e);
        } catch (RequestFailure e) {
            PagesCall.countReadError(pages, e);
            out.onError(Statuses.of(e).asException());
        } catch (StorageException e) {
            out.onError(Statuses.of(e).asException());
        } catch (RuntimeException e) {
            LOG.error("a call fails by a fault of the server", e);
            out.onError(Status.INTERNAL
                    .withDescription("a fault of the server; its log has more")
                    .asException());
        } finally {
            read.replied();
        }
    }

    @Override
    public void getDbSize(GetDbSizeRequest request, StreamObserver<GetDbSizeResponse> observer) {
        answer(observer, true, (timeline, read) -> {
            PagestreamRequest.DbSize wanted = new PagestreamRequest.DbSize(
                    Requests.header(0, request.hasReadLsn(), request.getReadLsn()), request.getDbOid());
            long bytes = read.of(timeline, wanted, (reads, within) -> reads.databaseSize(wanted, within));
            return GetDbSizeResponse.newBuilder().setNumBytes(bytes).build();
        });
    }

    @Override
    public void getRelSize(GetRelSizeRequest request, StreamObserver<GetRelSizeResponse> observer) {
        answer(observer, true, (timeline, read) -> {
            RelTag fork = Requests.fork(request.hasRel(), request.getRel());
            PagestreamRequest.Nblocks wanted =
                    new PagestreamRequest.Nblocks(Requests.header(0, request.hasReadLsn(), request.getReadLsn()), fork);
            if (!request.getAllowMissing()) {
                int blocks = read.of(timeline, wanted, (reads, within) -> reads.nblocks(wanted, within));
                return GetRelSizeResponse.newBuilder().setNumBlocks(blocks).build();
            }
            OptionalInt blocks = read.of(timeline, wanted, (reads, within) -> reads.blocks(wanted, within));
            return GetRelSizeResponse.newBuilder()
                    .setNumBlocks(blocks.orElse(0))
                    .setMissing(blocks.isEmpty())
                    .build();
        });
    }

    @Override
    public void getSlruSegment(GetSlruSegmentRequest request, StreamObserver<GetSlruSegmentResponse> observer) {
        answer(observer, true, (timeline, read) -> {
            if (Integer.compareUnsigned(request.getKind(), 0xFF) > 0) {
                throw Requests.invalid("there is no SLRU of kind " + Integer.toUnsignedString(request.getKind()));
            }
            PagestreamRequest.GetSlruSegment wanted = new PagestreamRequest.GetSlruSegment(
                    Requests.header(0, request.hasReadLsn(), request.getReadLsn()),
                    request.getKind(),
                    request.getSegno());
            byte[] segment = read.of(timeline, wanted, (reads, within) -> reads.slruSegment(wanted, within));
            return GetSlruSegmentResponse.newBuilder()
                    .setSegment(UnsafeByteOperations.unsafeWrap(segment))
                    .build();
        });
    }

    @Override
    public void leaseLsn(LeaseLsnRequest request, StreamObserver<LeaseLsnResponse> observer) {
        answer(observer, false, (timeline, _) -> {
            Lsn lsn = new Lsn(request.getLsn());
            if (!lsn.isValid()) {
                throw Requests.missing("lsn");
            }
            try {
                Instant until = timelines.lease(timeline.timeline().id(), lsn);
                return LeaseLsnResponse.newBuilder()
                        .setExpires(Timestamp.newBuilder()
                                .setSeconds(until.getEpochSecond())
                                .setNanos(until.getNano()))
                        .build();
            } catch (InvalidRequestException e) {
                String why = timeline.isCutOff(lsn) ? timeline.whyCutOff(lsn) : e.getMessage();
                throw Status.FAILED_PRECONDITION
                        .withDescription(why)
                        .withCause(e)
                        .asException();
            }
        });
    }

    @Override
    public StreamObserver<GetPageRequest> getPages(StreamObserver<GetPageResponse> observer) {
        ServerCallStreamObserver<GetPageResponse> out = (ServerCallStreamObserver<GetPageResponse>) observer;
        try {
            ServedTimeline timeline = timeline(false);
            PagesCall stream = new PagesCall(out, timeline, CallTarget.current().tenant(), pages, contexts);
            streams.add(stream);
            out.setOnCloseHandler(() -> streams.remove(stream));
            out.setOnCancelHandler(() -> streams.remove(stream));
            stream.begin();
            if (ending) {
                stream.end(); // it came while the others were ended
            }
            return stream;
        } catch (StatusException e) {
            out.setOnCancelHandler(() -> {});
            out.onError(e);
            return new Refused();
        }
    }

    /** What comes from a client that has been told that nothing will be answered. */
    private static final class Refused implements StreamObserver<GetPageRequest> {
        @Override
        public void onNext(GetPageRequest request) {}

        @Override
        public void onError(Throwable reason) {}

        @Override
        public void onCompleted() {}
    }

    @Override
    public void getBaseBackup(GetBaseBackupRequest request, StreamObserver<GetBaseBackupResponseChunk> observer) {
        ServerCallStreamObserver<GetBaseBackupResponseChunk> out =
                (ServerCallStreamObserver<GetBaseBackupResponseChunk>) observer;
        out.setOnCancelHandler(() -> {});
        try {
            BackupCall backup = new BackupCall(out, request, timeline(true), timelines, pages, contexts, readerWait);
            // Not here: what tells that the client takes more runs after this only.
            threads.execute(io.grpc.Context.current().wrap(backup));
        } catch (StatusException e) {
            out.onError(e);
        }
    }

    /** Ends the streams that there are, each when it has answered what it is at. */
    void end() {
        ending = true;
        streams.forEach(PagesCall::end);
    }
}
