package dev.palimpsest.pageserver.grpc;

import com.google.protobuf.UnsafeByteOperations;
import dev.palimpsest.pageapi.GetPageRequest;
import dev.palimpsest.pageapi.GetPageResponse;
import dev.palimpsest.pageapi.GetPageStatusCode;
import dev.palimpsest.pageapi.Page;
import dev.palimpsest.pageserver.pageservice.PageReads;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.pageservice.PagestreamRequest;
import dev.palimpsest.pageserver.pageservice.RequestFailure;
import dev.palimpsest.pageserver.pageservice.RequestTraces;
import dev.palimpsest.pageserver.pageservice.ServedTimeline;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.RelTag;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream of requests for pages. Each is answered before the next; two are here at once, so that the second need not be
 * waited for. As long as the client does not take what it is sent, no more requests are taken: so a stream keeps no more than some
 * answers in memory, however slow its client is. Its methods are called one at a time, but {@link #end} by whom it pleases.
 */
final class PagesCall implements StreamObserver<GetPageRequest> {
    private static final Logger LOG = LoggerFactory.getLogger(PagesCall.class);

    private static final int PAGE = 8192;
    private static final int AHEAD = 2;

    private final ServerCallStreamObserver<GetPageResponse> out;
    private final TenantId tenant;
    private final PageService pages;
    private final CallContexts contexts;
    private final CallContexts.Ends ends;
    private final PageReads reads;
    private final RequestTraces.Tracer tracer;
    /** How many requests may be taken once the client takes more. */
    private int owed;

    /** Guards what follows; never held while anything is read or waited for. */
    private final Object state = new Object();

    private boolean busy;
    private boolean ending;
    private boolean closed;

    PagesCall(
            ServerCallStreamObserver<GetPageResponse> out,
            ServedTimeline timeline,
            TenantId tenant,
            PageService pages,
            CallContexts contexts) {
        this.out = out;
        this.tenant = tenant;
        this.pages = pages;
        this.contexts = contexts;
        this.ends = contexts.ofCall();
        this.reads = new PageReads(timeline, ends.waits());
        this.tracer = pages.metrics().traces().tracer(timeline.timeline().id());
    }

    /** Begins to take requests. */
    void begin() {
        out.disableAutoRequest();
        out.setOnReadyHandler(this::takeMore);
        out.request(AHEAD);
    }

    private void takeMore() {
        if (owed > 0 && out.isReady()) {
            int count = owed;
            owed = 0;
            out.request(count);
        }
    }

    @Override
    public void onNext(GetPageRequest request) {
        synchronized (state) {
            if (closed) {
                return;
            }
            busy = true;
        }
        Status last = Status.OK;
        try {
            answer(request);
        } catch (StatusException e) {
            last = e.getStatus();
        } catch (RuntimeException e) {
            LOG.error("a stream of pages fails by a fault of the server", e);
            last = Status.INTERNAL.withDescription("a fault of the server; its log has more");
        }
        answered(last);
        owed++;
        takeMore();
    }

    private void answered(Status last) {
        synchronized (state) {
            busy = false;
            if (!last.isOk()) {
                close(last);
            } else if (ending) {
                close(stopping());
            }
        }
    }

    private static Status stopping() {
        return Status.UNAVAILABLE.withDescription("the server is shutting down");
    }

    private void close(Status status) {
        if (!closed) {
            closed = true;
            out.onError(status.asException());
        }
    }

    /** Ends the stream, once the request that is being answered is. */
    void end() {
        synchronized (state) {
            ending = true;
            if (!busy) {
                close(stopping());
            }
        }
    }

    @Override
    public void onError(Throwable reason) {
        LOG.debug("a stream of pages has ended: {}", reason.getMessage());
    }

    @Override
    public void onCompleted() {
        synchronized (state) {
            if (!closed) {
                closed = true;
                out.onCompleted();
            }
        }
    }

    /** @throws StatusException if the stream must end */
    private void answer(GetPageRequest request) throws StatusException {
        List<PagestreamRequest.GetPage> wanted;
        try {
            wanted = wanted(request);
        } catch (StatusException e) {
            out.onNext(refusal(request, e));
            return;
        }
        RequestContext context;
        List<PageReads.PageResult> found;
        long start;
        try {
            pages.throttle(tenant, wanted.size(), ends.waits());
            context = tracer.begin(contexts.request(ends.reads(), pages.limits().waitLsnTimeout()));
            start = System.nanoTime();
            found = reads.pages(wanted, context);
        } catch (CancelledException e) {
            throw Statuses.of(e).asException();
        }
        long nanos = System.nanoTime() - start;
        pages.metrics().batch(wanted.size());
        boolean success = found.stream().allMatch(result -> result instanceof PageReads.PageResult.Page);
        wanted.forEach(page -> pages.metrics().served(page, nanos, success));
        out.onNext(response(request, found));
        tracer.ended(wanted.getFirst(), wanted.size(), context, nanos, System.nanoTime() - start);
    }

    private GetPageResponse response(GetPageRequest request, List<PageReads.PageResult> found) throws StatusException {
        GetPageResponse.Builder response = GetPageResponse.newBuilder()
                .setRequestId(request.getRequestId())
                .setStatusCode(GetPageStatusCode.GET_PAGE_STATUS_CODE_OK)
                .setRel(request.getRel());
        for (int i = 0; i < found.size(); i++) {
            switch (found.get(i)) {
                case PageReads.PageResult.Page(byte[] bytes) ->
                    response.addPage(Page.newBuilder()
                            .setBlockNumber(request.getBlockNumber(i))
                            .setImage(UnsafeByteOperations.unsafeWrap(bytes, 0, PAGE)));
                case PageReads.PageResult.Refused(RequestFailure failure) -> {
                    countReadError(pages, failure);
                    return refusal(request, Statuses.of(failure).asException());
                }
            }
        }
        return response.build();
    }

    /** @throws StatusException if the stream must end */
    private static GetPageResponse refusal(GetPageRequest request, StatusException why) throws StatusException {
        GetPageStatusCode code = Statuses.inStream(why.getStatus()).orElseThrow(() -> why);
        LOG.debug("a request for pages is refused: {}", why.getMessage());
        return GetPageResponse.newBuilder()
                .setRequestId(request.getRequestId())
                .setStatusCode(code)
                .setReason(String.valueOf(why.getStatus().getDescription()))
                .build();
    }

    /** What is the server's fault, and no client's. */
    static void countReadError(PageService pages, RequestFailure failure) {
        if (failure.isReadError()) {
            pages.metrics().readError(failure.getCause());
        }
    }

    private List<PagestreamRequest.GetPage> wanted(GetPageRequest request) throws StatusException {
        if (!request.hasRequestId()) {
            throw Requests.missing("request_id");
        }
        PagestreamRequest.Header header =
                Requests.header(request.getRequestId().getId(), request.hasReadLsn(), request.getReadLsn());
        RelTag fork = Requests.fork(request.hasRel(), request.getRel());
        int count = request.getBlockNumberCount();
        int most = pages.limits().maxBatchSize();
        if (count == 0) {
            throw Requests.missing("block_number");
        }
        if (count > most) {
            throw Requests.invalid(
                    count + " pages are too many for one request: at most " + most + " (page_service_max_batch_size)");
        }
        List<PagestreamRequest.GetPage> wanted = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            wanted.add(new PagestreamRequest.GetPage(header, fork, request.getBlockNumber(i)));
        }
        return wanted;
    }
}
