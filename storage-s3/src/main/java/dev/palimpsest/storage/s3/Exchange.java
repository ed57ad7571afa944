package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Signal;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One request to the service. What blocks on the network runs on a virtual thread of its own, the network's side; the caller
 * waits under its {@link RequestContext}, and each time the network's side hands over, it takes bytes or brings some. The two
 * never run at once, so what they share needs no lock.
 *
 * <p>So sources and sinks, which may read and write files, run on the caller's thread and are never interrupted; and a caller
 * that is cancelled, or waits too long, need not wait for the network: it interrupts the other side, which closes the
 * connection, and goes.
 *
 * <pre>
 *   caller    waits ......... takes bytes, or brings some   waits ......
 *   network   talks ── hand over ─────────────────────────► talks ── end
 * </pre>
 *
 * @param <T> what is answered
 */
final class Exchange<T> {
    /** How many bytes are handed over at once; all that a request keeps in memory. */
    static final int CHUNK = 256 << 10;

    private static final double NANOS = 1e9;

    private final String operation;
    private final String object;
    private final Environment environment;
    private final Signal signal;
    private final ByteBuffer chunk;
    private volatile Turn turn = Turn.NETWORK;
    private volatile boolean abandoned;
    /** Guarded by this; null before the network's side has begun and after it has ended. */
    private @Nullable Thread network;
    /** Written by the network's side before its end, read by the caller after it. */
    private @Nullable T answer;

    private @Nullable Throwable failure;

    private enum Turn {
        NETWORK,
        CALLER,
        ENDED
    }

    /** The network's side. */
    @FunctionalInterface
    interface Talk<T> {
        T talk(Exchange<T> exchange) throws Exception;
    }

    /** What the caller does each time the network's side hands over. */
    @FunctionalInterface
    interface Work {
        void work(ByteBuffer chunk) throws StorageException;
    }

    /**
     * @param operation for messages
     * @param object for messages
     * @param chunkBytes how many bytes are handed over at most
     */
    Exchange(String operation, String object, int chunkBytes, Environment environment) {
        this.operation = operation;
        this.object = object;
        this.environment = environment;
        this.signal = environment.tasks().newSignal();
        this.chunk = ByteBuffer.allocate(chunkBytes);
    }

    /**
     * Talks to the service.
     *
     * @param stallNanos how long the network's side may take between two times that it hands over
     * @throws ObjectStoreException what the network's side ended with, sorted; {@code UNAVAILABLE} if it took too long
     * @throws StorageException what {@code work} threw
     */
    T run(Talk<T> talk, Work work, long stallNanos, RequestContext context) throws StorageException {
        context.checkCancelled();
        environment.tasks().start("s3 " + operation, () -> begin(talk));
        boolean ended = false;
        try {
            while (true) {
                awaitNetwork(stallNanos, context);
                if (turn == Turn.ENDED) {
                    ended = true;
                    break;
                }
                work.work(chunk);
                turn = Turn.NETWORK;
                signal.signalAll();
            }
        } finally {
            if (!ended) {
                abandon();
            }
        }
        if (failure != null) {
            throw S3Failures.sorted(operation, object, failure);
        }
        if (answer == null) {
            throw new IllegalStateException(operation + " " + object + " ended with nothing");
        }
        return answer;
    }

    private void awaitNetwork(long stallNanos, RequestContext context)
            throws CancelledException, DeadlineExceededException, ObjectStoreException {
        Clock clock = environment.clock();
        try {
            context.withDeadline(clock.nanos() + stallNanos)
                    .await(signal, () -> turn != Turn.NETWORK, () -> operation + " " + object);
        } catch (DeadlineExceededException e) {
            if (clock.nanos() >= context.deadlineNanos()) {
                throw e;
            }
            throw new ObjectStoreException(
                    ObjectStoreException.Kind.UNAVAILABLE,
                    operation,
                    object,
                    "no progress for " + stallNanos / NANOS + " s",
                    e);
        }
    }

    private void begin(Talk<T> talk) {
        synchronized (this) {
            if (abandoned) {
                return;
            }
            network = Thread.currentThread();
        }
        try {
            answer = talk.talk(this);
        } catch (Throwable e) {
            failure = e;
        } finally {
            synchronized (this) {
                network = null;
            }
            turn = Turn.ENDED;
            signal.signalAll();
        }
    }

    private synchronized void abandon() {
        abandoned = true;
        signal.signalAll();
        if (network != null) {
            network.interrupt();
        }
    }

    /** What is handed over; belongs to the side that runs. */
    ByteBuffer chunk() {
        return chunk;
    }

    /**
     * Lets the caller work, and waits until it has. Called by the network's side.
     *
     * @throws InterruptedIOException if the caller has gone
     */
    void handOver() throws InterruptedIOException {
        turn = Turn.CALLER;
        signal.signalAll();
        signal.await(() -> turn == Turn.NETWORK || abandoned, Clock.NEVER);
        if (abandoned) {
            throw new InterruptedIOException("the caller has gone");
        }
    }
}
