package dev.palimpsest.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A service that takes what it is sent and never answers. */
class S3WaitingTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.FLUSH);
    private static final ObjectKey KEY = new ObjectKey("layer");
    private static final Duration HOUR = Duration.ofHours(1);
    private static final int UPLOADS = 64;
    private static final int UPLOAD_BYTES = 4 << 20;

    private final SilentServer server = new SilentServer();
    private final Clock clock = new SystemClock();
    private final Environment environment =
            new Environment(clock, new VirtualThreadTasks(clock), new SplittableRandom(1));

    @AfterEach
    void stop() throws Exception {
        server.close();
    }

    private Requests requests(Duration stall) throws Exception {
        S3Settings settings =
                Buckets.at("bucket", server.endpoint()).withTransfers(new S3Transfers(1L << 30, 1L << 30, HOUR, stall));
        return new Requests(settings, S3Clients.open(settings), environment);
    }

    private static Object put(Requests requests, ObjectSource source, RequestContext context) throws Exception {
        return requests.send(
                KEY,
                source,
                0,
                source.size(),
                context,
                (client, body) -> client.putObject(put -> put.bucket("bucket").key("layer"), body));
    }

    private static Object head(Requests requests, RequestContext context) throws Exception {
        return requests.ask(
                "head",
                "layer",
                context,
                client -> client.headObject(head -> head.bucket("bucket").key("layer")));
    }

    @Test
    void callThatMakesNoProgressEnds() throws Exception {
        Requests impatient = requests(Duration.ofMillis(200));
        ObjectSource source = ObjectSource.of(new byte[UPLOAD_BYTES]);
        for (ThrowingCallable call :
                List.<ThrowingCallable>of(() -> head(impatient, CONTEXT), () -> put(impatient, source, CONTEXT))) {
            int before = server.connections();
            do { // a machine that is busy may not even connect in this time
                assertThatThrownBy(call)
                        .isInstanceOfSatisfying(
                                ObjectStoreException.class,
                                e -> assertThat(e.kind()).isEqualTo(ObjectStoreException.Kind.UNAVAILABLE))
                        .hasMessageContaining("no progress for 0.2 s");
            } while (server.connections() == before);
        }
        server.readToTheEnd();
    }

    @Test
    void deadlineIsKept() throws Exception {
        Requests patient = requests(HOUR);
        RequestContext context = CONTEXT.withDeadline(clock.nanos() + 200_000_000);
        assertThatThrownBy(() -> head(patient, context)).isInstanceOf(DeadlineExceededException.class);
        server.readToTheEnd();
    }

    @Test
    void cancellationEndsACallWhereverItIs() throws Exception {
        Requests patient = requests(HOUR);
        Cancellation cancellation = new Cancellation();
        CountDownLatch sending = new CountDownLatch(1);
        ObjectSource source = new EndlessSource(sending);
        Task upload = environment.tasks().start("upload", () -> {
            assertThatThrownBy(() -> put(patient, source, CONTEXT.withCancellation(cancellation)))
                    .isInstanceOf(CancelledException.class);
        });
        sending.await();
        cancellation.cancel();
        upload.join();
        assertThat(upload.failure()).isEmpty();
        assertThat(server.connections()).isEqualTo(1);
        server.readToTheEnd();
    }

    /** Uploads in full swing keep a chunk each, however large what they upload. */
    @Test
    void memoryDoesNotGrowWithTheObjects() throws Exception {
        Requests patient = requests(HOUR);
        Cancellation cancellation = new Cancellation();
        CountDownLatch sending = new CountDownLatch(UPLOADS);
        List<Task> uploads = new ArrayList<>();
        long before = usedAfterCollection();
        for (int i = 0; i < UPLOADS; i++) {
            uploads.add(environment
                    .tasks()
                    .start(
                            "upload",
                            () -> put(patient, new EndlessSource(sending), CONTEXT.withCancellation(cancellation))));
        }
        sending.await();
        assertThat(usedAfterCollection() - before)
                .as("memory of %d uploads of %d bytes each", UPLOADS, UPLOAD_BYTES)
                .isLessThan((long) UPLOADS * UPLOAD_BYTES / 4);
        cancellation.cancel();
        uploads.forEach(Task::join);
    }

    private static long usedAfterCollection() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    /** Zeros; tells when it is read the second time, to be sent. */
    private static final class EndlessSource implements ObjectSource {
        private final CountDownLatch sending;
        private final AtomicInteger starts = new AtomicInteger();

        EndlessSource(CountDownLatch sending) {
            this.sending = sending;
        }

        @Override
        public long size() {
            return UPLOAD_BYTES;
        }

        @Override
        public void read(long offset, ByteBuffer target) {
            assertThat(target.remaining()).isLessThanOrEqualTo(Exchange.CHUNK);
            target.position(target.limit());
            if (offset == 0 && starts.incrementAndGet() == 2) {
                sending.countDown();
            }
        }
    }
}
