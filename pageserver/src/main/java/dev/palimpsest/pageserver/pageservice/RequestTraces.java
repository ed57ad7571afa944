package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.context.ReadTrace;
import dev.palimpsest.storage.context.ReadTrace.Step;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Clock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Says in the log where the time of requests went: a line each for those that were slow, and for one of so many. A line has its
 * numbers as key-value pairs, times in microseconds:
 *
 * <pre>
 * request, timeline, lsn    what was asked for; lsn is the request LSN
 * pages                     how many pages were read together
 * took                      from having read the request to having written its reply into the buffer of the connection
 * wait_lsn                  for WAL that had not come in yet
 * plan                      asking the layer map
 * memory_layers, delta_layers, image_layers, and …_time   how many were visited, and the time in them
 * bytes                     of values that were read in layers
 * index_blocks, index_blocks_read, index_read_time   of layer files: all, and those that were in no cache
 * downloads, download_time  of layers that were not here; a part of the time in layers
 * redo_pages, redo_records, redo_time
 * reply                     writing the reply
 * omitted                   slow requests since the last such line that have none: there are at most ten lines a second
 * </pre>
 *
 * <p>Safe for use by many threads; a {@link Tracer} is one connection's, or one call's.
 */
public final class RequestTraces {
    private static final long PAUSE_NANOS = Duration.ofMillis(100).toNanos();

    private final Clock clock;
    private final Logger log;
    private final AtomicLong nextLine = new AtomicLong();
    private final AtomicInteger omitted = new AtomicInteger();
    private final AtomicInteger untracedCalls = new AtomicInteger();
    private volatile TraceSettings settings = TraceSettings.OFF;

    RequestTraces(Clock clock, Logger log) {
        this.clock = clock;
        this.log = log;
    }

    /** For requests that begin from now on. */
    void settings(TraceSettings next) {
        settings = next;
    }

    /** For one connection, which serves one request at a time. */
    public Tracer tracer(TimelineId timeline) {
        return new Tracer(timeline, new AtomicInteger());
    }

    /** For one call that is a request, and knows nothing of the client's others: one of so many is one of all such calls. */
    public Tracer tracerOfCall(TimelineId timeline) {
        return new Tracer(timeline, untracedCalls);
    }

    /** Whether there may be a line now; not so often that lines are what makes requests slow. */
    private boolean mayLog(long now) {
        long next = nextLine.get();
        if (now - next >= 0 && nextLine.compareAndSet(next, now + PAUSE_NANOS)) {
            return true;
        }
        omitted.incrementAndGet();
        return false;
    }

    /** What one connection measures; used by one thread at a time. Allocates nothing while nothing is to be logged. */
    public final class Tracer {
        private final TimelineId timeline;
        private final AtomicInteger untraced;
        private final ReadTrace trace = new ReadTrace(clock);
        private TraceSettings current = TraceSettings.OFF;

        private Tracer(TimelineId timeline, AtomicInteger untraced) {
            this.timeline = timeline;
            this.untraced = untraced;
        }

        /** A request begins; what it is to be made with. */
        public RequestContext begin(RequestContext context) {
            current = settings;
            if (current.isOff()) {
                return context;
            }
            trace.clear();
            return context.withTrace(trace);
        }

        /**
         * A request, or a batch of requests for pages, has been answered.
         *
         * @param context what {@link #begin} gave
         * @param readNanos how long it took without the reply
         * @param nanos how long it took
         */
        public void ended(PagestreamRequest first, int requests, RequestContext context, long readNanos, long nanos) {
            if (current.isOff()) {
                return;
            }
            if (isSampled()) {
                log("sampled request", first, requests, context, readNanos, nanos);
            } else if (!current.slowThreshold().isZero()
                    && nanos >= current.slowThreshold().toNanos()
                    && mayLog(clock.nanos())) {
                log("slow request", first, requests, context, readNanos, nanos);
            }
        }

        private boolean isSampled() {
            int interval = current.interval();
            return interval > 0 && untraced.updateAndGet(count -> count + 1 >= interval ? 0 : count + 1) == 0;
        }

        private void log(
                String what,
                PagestreamRequest first,
                int requests,
                RequestContext context,
                long readNanos,
                long nanos) {
            LoggingEventBuilder line = log.atInfo()
                    .addKeyValue("request", PageServiceMetrics.type(first))
                    .addKeyValue("timeline", timeline)
                    .addKeyValue("lsn", first.header().requestLsn())
                    .addKeyValue("pages", requests)
                    .addKeyValue("took", micros(nanos))
                    .addKeyValue("wait_lsn", micros(trace.nanos(Step.WAIT_LSN)))
                    .addKeyValue("plan", micros(trace.nanos(Step.PLAN)));
            line = step(line, "memory_layers", "memory_layers_time", Step.MEMORY_LAYER);
            line = step(line, "delta_layers", "delta_layers_time", Step.DELTA_LAYER);
            line = step(line, "image_layers", "image_layers_time", Step.IMAGE_LAYER);
            line = line.addKeyValue(
                            "bytes",
                            context.bytes(ContentKind.IN_MEMORY_LAYER)
                                    + context.bytes(ContentKind.DELTA_LAYER_VALUE)
                                    + context.bytes(ContentKind.IMAGE_LAYER_VALUE))
                    .addKeyValue(
                            "index_blocks",
                            context.accesses(ContentKind.DELTA_LAYER_INDEX)
                                    + context.accesses(ContentKind.IMAGE_LAYER_INDEX));
            line = step(line, "index_blocks_read", "index_read_time", Step.INDEX_BLOCK);
            line = step(line, "downloads", "download_time", Step.DOWNLOAD);
            line = step(line, "redo_pages", "redo_time", Step.REDO);
            line.addKeyValue("redo_records", trace.records())
                    .addKeyValue("reply", micros(nanos - readNanos))
                    .addKeyValue("omitted", omitted.getAndSet(0))
                    .log(what);
        }

        private LoggingEventBuilder step(LoggingEventBuilder line, String times, String time, Step step) {
            return line.addKeyValue(times, trace.times(step)).addKeyValue(time, micros(trace.nanos(step)));
        }

        private static long micros(long nanos) {
            return nanos / 1000;
        }
    }
}
