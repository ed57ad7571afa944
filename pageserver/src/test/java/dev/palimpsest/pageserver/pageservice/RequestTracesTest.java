package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.SystemClock;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.event.LoggingEvent;

class RequestTracesTest {
    private static final TimelineId TIMELINE = TimelineId.parse(ServedPages.TIMELINE);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.PAGE_SERVICE);

    private final TraceLines lines = new TraceLines();

    /** Stands still, until it is moved. */
    private static final class HandClock implements Clock {
        long nanos;

        @Override
        public long nanos() {
            return nanos;
        }

        @Override
        public Instant now() {
            throw new AssertionError("the time of day is asked for");
        }
    }

    private static PagestreamRequest.GetPage request(int block) {
        return new PagestreamRequest.GetPage(
                new PagestreamRequest.Header(1, Lsn.MAX, ServedPages.START), ServedPages.fork(1), block);
    }

    private List<Map<String, String>> lines() {
        return lines.events.stream().map(TraceLines::numbers).toList();
    }

    @Test
    void aSlowRequestIsLoggedWithWhereItsTimeWent(@TempDir Path directory) throws Exception {
        try (ServedPages served = new ServedPages(directory, PageServiceSettings.on("127.0.0.1", 0))) {
            served.write(new Lsn(0x2000)).create(ServedPages.fork(1), 40).finish();
            RequestTraces traces = new RequestTraces(new SystemClock(), lines);
            traces.settings(new TraceSettings(Duration.ofNanos(1), 0));
            RequestTraces.Tracer tracer = traces.tracer(TIMELINE);
            List<PagestreamRequest.GetPage> batch =
                    IntStream.range(0, 32).mapToObj(RequestTracesTest::request).toList();

            RequestContext context = tracer.begin(CONTEXT);
            assertThat(new PageReads(
                                    new ServedTimeline(served.timeline, ServedPages.START, served.lengths),
                                    Cancellation.NEVER)
                            .pages(batch, context))
                    .hasSize(32);
            tracer.ended(batch.getFirst(), batch.size(), context, 7_000_000, 9_000_000);

            assertThat(lines.events)
                    .hasSize(1)
                    .first()
                    .extracting(LoggingEvent::getMessage)
                    .isEqualTo("slow request");
            Map<String, String> line = lines().getFirst();
            assertThat(line)
                    .containsEntry("request", "get_page_at_lsn")
                    .containsEntry("timeline", ServedPages.TIMELINE)
                    .containsEntry("pages", "32")
                    .containsEntry("took", "9000")
                    .containsEntry("reply", "2000")
                    .containsEntry("memory_layers", "1")
                    .containsEntry("delta_layers", "0")
                    .containsEntry("downloads", "0")
                    .containsEntry("redo_records", "0");
            assertThat(Long.parseLong(line.get("bytes"))).isGreaterThanOrEqualTo(32 * 8192);
            assertThat(Long.parseLong(line.get("plan"))).isBetween(0L, 9_000_000L);
        }
    }

    @Test
    void oneOfSoManyIsLoggedHoweverFastAndNoneOfTheOthers() {
        RequestTraces traces = new RequestTraces(new SystemClock(), lines);
        traces.settings(new TraceSettings(Duration.ofSeconds(1), 3));
        RequestTraces.Tracer tracer = traces.tracer(TIMELINE);
        for (int i = 0; i < 9; i++) {
            tracer.ended(request(i), 1, tracer.begin(CONTEXT), 10, 10);
        }

        assertThat(lines.events)
                .hasSize(3)
                .allSatisfy(line -> assertThat(line.getMessage()).isEqualTo("sampled request"));
    }

    @Test
    void callsThatAreRequestsAreSampledTogether() {
        RequestTraces traces = new RequestTraces(new SystemClock(), lines);
        traces.settings(new TraceSettings(Duration.ZERO, 3));
        for (int i = 0; i < 9; i++) {
            RequestTraces.Tracer tracer = traces.tracerOfCall(TIMELINE);
            tracer.ended(request(i), 1, tracer.begin(CONTEXT), 10, 10);
        }

        assertThat(lines.events).hasSize(3);
    }

    @Test
    void manySlowRequestsAreFewLinesThatSayHowManyHaveNone() {
        HandClock clock = new HandClock();
        RequestTraces traces = new RequestTraces(clock, lines);
        traces.settings(new TraceSettings(Duration.ofMillis(1), 0));
        RequestTraces.Tracer tracer = traces.tracer(TIMELINE);
        for (int i = 0; i < 100; i++) {
            clock.nanos += 2_000_000;
            tracer.ended(request(i), 1, tracer.begin(CONTEXT), 2_000_000, 2_000_000);
        }

        // 200 ms: a line at once, and one each 100 ms after that.
        assertThat(lines()).hasSize(2).extracting(line -> line.get("omitted")).containsExactly("0", "49");
    }

    @Test
    void nothingIsMeasuredOrAllocatedWhileItIsOff() {
        RequestTraces traces = new RequestTraces(new SystemClock(), lines);
        RequestTraces.Tracer tracer = traces.tracer(TIMELINE);
        PagestreamRequest request = request(0);
        assertThat(tracer.begin(CONTEXT)).isSameAs(CONTEXT);
        assertThat(tracer.begin(CONTEXT).trace()).isNull();

        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100_000; i++) {
            tracer.ended(request, 1, tracer.begin(CONTEXT), 10, 10);
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - allocated)
                .as("bytes allocated by 100,000 requests")
                .isLessThan(10_000);
    }
}
