package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.protocol.FrontendMessage;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.ServerMessages;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.context.PageArrays;
import dev.palimpsest.storage.context.RequestContext;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One pagestream: requests in, replies out, in the order of the requests. Requests for pages that have come together are read
 * together: those that are in the socket when the first is read, up to a limit. Used by one thread.
 */
final class Pagestream {
    private static final Logger LOG = LoggerFactory.getLogger(Pagestream.class);

    private final ClientInput in;
    private final ClientOutput out;
    private final PagestreamVersion version;
    private final PageReads reads;
    private final PagestreamReplies replies;
    private final PageServiceMetrics metrics;
    private final int maxBatchSize;
    private final RequestContexts contexts;
    private final Turn turn;
    private final RequestTraces.Tracer tracer;
    private final List<PagestreamRequest.GetPage> batch = new ArrayList<>();

    /** Says when requests may be served. */
    @FunctionalInterface
    interface Turn {
        /** Waits until so many may. */
        void await(int requests) throws CancelledException;
    }

    /**
     * @param contexts gives each request, or batch of requests, its own
     * @param turn is asked before they are served, and does not count as serving
     */
    Pagestream(
            ClientInput in,
            ClientOutput out,
            PagestreamVersion version,
            PageReads reads,
            PageServiceMetrics metrics,
            int maxBatchSize,
            RequestContexts contexts,
            Turn turn) {
        this.in = in;
        this.out = out;
        this.version = version;
        this.reads = reads;
        this.replies = new PagestreamReplies(version, out);
        this.metrics = metrics;
        this.maxBatchSize = maxBatchSize;
        this.contexts = contexts;
        this.turn = turn;
        this.tracer = metrics.traces().tracer(reads.timeline());
    }

    /**
     * Serves until the client goes.
     *
     * @throws MalformedMessageException if the client sends what does not belong here; what came before has been answered
     * @throws CancelledException if the server or the timeline is being shut down
     */
    void run() throws IOException, MalformedMessageException, CancelledException {
        out.message(ServerMessages.copyBoth());
        out.flush();
        while (true) {
            int type = in.next();
            switch (type) {
                case -1, FrontendMessage.TERMINATE -> {
                    return;
                }
                case FrontendMessage.COPY_DATA -> take(request());
                case FrontendMessage.FLUSH, FrontendMessage.SYNC -> {
                    // Every reply is sent anyway, as soon as nothing more is here to be read with it.
                    servePages();
                    out.flush();
                }
                default -> {
                    servePages();
                    throw new MalformedMessageException("a message of type 0x" + Integer.toHexString(type & 0xFF)
                            + " in a pagestream, where only CopyData belongs");
                }
            }
        }
    }

    private PagestreamRequest request() throws IOException, MalformedMessageException, CancelledException {
        try {
            return PagestreamRequest.decode(version, in.body());
        } catch (MalformedMessageException e) {
            servePages();
            throw e;
        }
    }

    /** Takes one request; leaves it for later if it is of a page, and what comes next is here already. */
    private void take(PagestreamRequest request) throws IOException, CancelledException {
        if (request instanceof PagestreamRequest.GetPage page) {
            batch.add(page);
            if (batch.size() < maxBatchSize && in.hasNext()) {
                return;
            }
            servePages();
        } else {
            servePages();
            serve(request);
        }
        if (!in.hasNext()) {
            out.flush();
        }
    }

    private void servePages() throws IOException, CancelledException {
        if (batch.isEmpty()) {
            return;
        }
        turn.await(batch.size());
        PageArrays arrays = contexts.takeArrays();
        try {
            servePages(tracer.begin(contexts.read()).withArrays(arrays));
        } finally {
            contexts.giveBack(arrays);
        }
        batch.clear();
    }

    private void servePages(RequestContext context) throws IOException, CancelledException {
        long start = System.nanoTime();
        List<PageReads.PageResult> results = reads.pages(batch, context);
        long nanos = System.nanoTime() - start;
        metrics.batch(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            PagestreamRequest.GetPage request = batch.get(i);
            switch (results.get(i)) {
                case PageReads.PageResult.Page(byte[] bytes) -> {
                    replies.page(request, bytes);
                    metrics.served(request, nanos, true);
                }
                case PageReads.PageResult.Refused(RequestFailure failure) -> refuse(request, failure, nanos);
            }
        }
        tracer.ended(batch.getFirst(), batch.size(), context, nanos, System.nanoTime() - start);
    }

    private void serve(PagestreamRequest request) throws IOException, CancelledException {
        turn.await(1);
        RequestContext context = tracer.begin(contexts.read());
        long start = System.nanoTime();
        try {
            switch (request) {
                case PagestreamRequest.Exists exists -> replies.exists(exists, reads.exists(exists, context));
                case PagestreamRequest.Nblocks nblocks -> replies.nblocks(nblocks, reads.nblocks(nblocks, context));
                case PagestreamRequest.DbSize size -> replies.databaseSize(size, reads.databaseSize(size, context));
                case PagestreamRequest.GetSlruSegment segment ->
                    replies.slruSegment(segment, reads.slruSegment(segment, context));
                case PagestreamRequest.GetPage _ -> throw new IllegalArgumentException("pages are read in batches");
            }
            metrics.served(request, System.nanoTime() - start, true);
        } catch (RequestFailure e) {
            refuse(request, e, System.nanoTime() - start);
        }
        long nanos = System.nanoTime() - start;
        tracer.ended(request, 1, context, nanos, nanos);
    }

    private void refuse(PagestreamRequest request, RequestFailure failure, long nanos) throws IOException {
        LOG.debug("{} is refused: {}", request, failure.getMessage());
        if (failure.isReadError()) {
            metrics.readError(failure.getCause());
        }
        replies.error(request, String.valueOf(failure.getMessage()));
        metrics.served(request, nanos, false);
    }
}
