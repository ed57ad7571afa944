package dev.palimpsest.storage.context;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a request is: on whose behalf, until when, who may cancel it, and what it has touched so far. Passed down as an
 * argument, never kept in a thread. Safe for use by the many threads that may work on one request.
 */
public final class RequestContext {
    private final TaskKind taskKind;
    private final long deadlineNanos;
    private final Cancellation cancellation;
    private final AtomicLongArray accesses;
    private final AtomicLongArray bytes;
    private final @Nullable ReadTrace trace;
    private final IntFunction<byte[]> arrays;

    /**
     * @param deadlineNanos as the engine's {@link Clock#nanos()} counts, {@link Clock#NEVER} for none
     */
    public RequestContext(TaskKind taskKind, long deadlineNanos, Cancellation cancellation) {
        this(
                taskKind,
                deadlineNanos,
                cancellation,
                new AtomicLongArray(ContentKind.COUNT),
                new AtomicLongArray(ContentKind.COUNT),
                null,
                byte[]::new);
    }

    private RequestContext(
            TaskKind taskKind,
            long deadlineNanos,
            Cancellation cancellation,
            AtomicLongArray accesses,
            AtomicLongArray bytes,
            @Nullable ReadTrace trace,
            IntFunction<byte[]> arrays) {
        this.taskKind = taskKind;
        this.deadlineNanos = deadlineNanos;
        this.cancellation = cancellation;
        this.accesses = accesses;
        this.bytes = bytes;
        this.trace = trace;
        this.arrays = arrays;
    }

    /** A request without deadline that nobody cancels. */
    public static RequestContext of(TaskKind taskKind) {
        return new RequestContext(taskKind, Clock.NEVER, Cancellation.NEVER);
    }

    /** The same request, that must be done by {@code deadlineNanos} if that is earlier; accounts are shared. */
    public RequestContext withDeadline(long deadlineNanos) {
        return new RequestContext(
                taskKind, Math.min(this.deadlineNanos, deadlineNanos), cancellation, accesses, bytes, trace, arrays);
    }

    /** The same request under another cancellation; accounts are shared. */
    public RequestContext withCancellation(Cancellation cancellation) {
        return new RequestContext(taskKind, deadlineNanos, cancellation, accesses, bytes, trace, arrays);
    }

    /** The same request, of which it is measured where its time goes; accounts are shared. */
    public RequestContext withTrace(ReadTrace trace) {
        return new RequestContext(taskKind, deadlineNanos, cancellation, accesses, bytes, trace, arrays);
    }

    /**
     * The same request, whose images are to be in these arrays; accounts are shared. What it gives is good until they are used
     * for something else.
     *
     * @param arrays gives an array of exactly the length that it is asked for, with arbitrary contents; asked by one thread
     */
    public RequestContext withArrays(IntFunction<byte[]> arrays) {
        return new RequestContext(taskKind, deadlineNanos, cancellation, accesses, bytes, trace, arrays);
    }

    /** What the images that it reads, and the pages that redo makes, are to be in: new arrays unless somebody gave others. */
    public IntFunction<byte[]> arrays() {
        return arrays;
    }

    /** Where it is noted what the time goes to; null for a request of which nobody wants to know. */
    public @Nullable ReadTrace trace() {
        return trace;
    }

    /** On whose behalf. */
    public TaskKind taskKind() {
        return taskKind;
    }

    /** Until when, as {@link Clock#nanos()} counts. */
    public long deadlineNanos() {
        return deadlineNanos;
    }

    /** Who may cancel it. */
    public Cancellation cancellation() {
        return cancellation;
    }

    /** Enters one access to content of a kind into the request's account. */
    public void account(ContentKind kind, long length) {
        accesses.getAndIncrement(kind.ordinal());
        bytes.getAndAdd(kind.ordinal(), length);
    }

    /** How often the request touched content of a kind. */
    public long accesses(ContentKind kind) {
        return accesses.get(kind.ordinal());
    }

    /** How many bytes of a kind the request touched. */
    public long bytes(ContentKind kind) {
        return bytes.get(kind.ordinal());
    }

    /**
     * @throws CancelledException if the request was cancelled
     */
    public void checkCancelled() throws CancelledException {
        if (cancellation.isCancelled()) {
            throw new CancelledException(taskKind + " request was cancelled");
        }
    }

    /**
     * Waits until {@code condition} holds. Once the condition has returned true it is not asked again, so it may take
     * what it finds.
     *
     * @param what what is waited for, for the message of the exception; asked for only then
     * @throws CancelledException if the request was cancelled first
     * @throws DeadlineExceededException if the request's deadline came first
     */
    public void await(Signal signal, BooleanSupplier condition, Supplier<String> what)
            throws CancelledException, DeadlineExceededException {
        if (condition.getAsBoolean()) {
            return;
        }
        boolean[] holds = new boolean[1];
        cancellation.wake(signal);
        try {
            boolean woken = signal.await(
                    () -> {
                        holds[0] = condition.getAsBoolean();
                        return holds[0] || cancellation.isCancelled();
                    },
                    deadlineNanos);
            if (holds[0]) {
                return;
            }
            if (woken) {
                throw new CancelledException("cancelled while waiting for " + what.get());
            }
            throw new DeadlineExceededException("deadline exceeded while waiting for " + what.get());
        } finally {
            cancellation.forget(signal);
        }
    }
}
