package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageserver.pageservice.PageReads;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.pageservice.PagestreamRequest;
import dev.palimpsest.pageserver.pageservice.RequestFailure;
import dev.palimpsest.pageserver.pageservice.RequestTraces;
import dev.palimpsest.pageserver.pageservice.ServedTimeline;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.context.RequestContext;
import org.jspecify.annotations.Nullable;

/** What a call reads that is answered once, and how long that takes. Used by the thread in whose gRPC context the call is. */
final class CallRead {
    private final PageService pages;
    private final CallContexts contexts;
    private @Nullable Runnable replied;

    CallRead(PageService pages, CallContexts contexts) {
        this.pages = pages;
        this.contexts = contexts;
    }

    /** A read of the page service. */
    @FunctionalInterface
    interface Read<T> {
        T from(PageReads reads, RequestContext context) throws RequestFailure, CancelledException;
    }

    /** Reads when it is the tenant's turn, which does not count as reading; at most once in a call. */
    <T> T of(ServedTimeline timeline, PagestreamRequest request, Read<T> read)
            throws RequestFailure, CancelledException {
        CallContexts.Ends ends = contexts.ofCall();
        pages.throttle(CallTarget.current().tenant(), 1, ends.waits());
        RequestTraces.Tracer tracer =
                pages.metrics().traces().tracerOfCall(timeline.timeline().id());
        RequestContext context =
                tracer.begin(contexts.request(ends.reads(), pages.limits().waitLsnTimeout()));
        long start = System.nanoTime();
        boolean success = false;
        try {
            T answer = read.from(new PageReads(timeline, ends.waits()), context);
            success = true;
            return answer;
        } finally {
            long nanos = System.nanoTime() - start;
            pages.metrics().served(request, nanos, success);
            replied = () -> tracer.ended(request, 1, context, nanos, System.nanoTime() - start);
        }
    }

    /** The reply has been given; says where the time of the read went, if there was one and somebody wants to know. */
    void replied() {
        if (replied != null) {
            replied.run();
        }
    }
}
