package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.context.TenantQueue;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.runtime.Tasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whose turn it is to be downloaded: one queue for all timelines of a process. What somebody waits for goes before what is
 * wanted in the background; among equals, tenants have their turns one after the other, so that one that reads much that is not
 * here takes all there is as long as it is alone, and does not keep another's page waiting for more than a turn; and of one
 * tenant, who came first. While an urgent one waits for room nothing overtakes it, so that a large layer is not put off for ever
 * by small ones.
 *
 * <p>Each download is a task of its own, started when its turn has come. Safe for use by many threads.
 */
public final class DownloadQueue {
    private static final Logger LOG = LoggerFactory.getLogger(DownloadQueue.class);

    private static final long LONGEST_WAIT_FOR_ROOM_NANOS = 1_000_000_000;

    private final Tasks tasks;
    private final Clock clock;
    private final DownloadSettings settings;
    private final ResidentBytes resident;
    private final DownloadMetrics metrics;
    private final Signal ended;
    private final Cancellation cancellation = new Cancellation();

    private final Object lock = new Object();
    private final Map<Job, Entry> waiting = new LinkedHashMap<>();
    /** Those of them that somebody waits for, and the others. */
    private final TenantQueue<Entry> urgent = new TenantQueue<>();

    private final TenantQueue<Entry> background = new TenantQueue<>();
    private final Map<Job, Entry> running = new LinkedHashMap<>();
    private int runningInBackground;
    private long backgroundBytesInFlight;
    private long bytesInFlight;
    private boolean closed;

    /** A download. Equal to no other. */
    interface Job {
        /** What is downloaded. */
        RemoteLayer layer();

        /** To whose layers it belongs. */
        PersistentLayers owner();

        /** Whether nobody will want it any more. */
        boolean isCancelled();

        /**
         * Does it, and tells whoever waits; throws nothing that anybody could act on.
         *
         * @param progress told of bytes as they come
         * @return whether it succeeded
         */
        boolean run(LongConsumer progress);

        /** Its turn will never come. */
        void dropped();
    }

    /**
     * How far a download is.
     *
     * @param urgent whether somebody waits for it
     * @param running whether its turn has come
     * @param received bytes that have come, those of attempts that failed included
     */
    public record Progress(RemoteLayer layer, boolean urgent, boolean running, long received) {}

    private static final class Entry {
        final Job job;
        final long enqueuedNanos;
        final AtomicLong received = new AtomicLong();
        boolean isUrgent;

        Entry(Job job, boolean isUrgent, long enqueuedNanos) {
            this.job = job;
            this.isUrgent = isUrgent;
            this.enqueuedNanos = enqueuedNanos;
        }

        TenantId tenant() {
            return job.owner().tenant();
        }

        Progress progress(boolean isRunning) {
            return new Progress(job.layer(), isUrgent, isRunning, received.get());
        }
    }

    /**
     * A queue whose layers may take any amount of the local disk.
     *
     * @param registry where the metrics of downloads are registered
     */
    public DownloadQueue(Environment environment, DownloadSettings settings, PrometheusRegistry registry) {
        this(
                environment,
                settings,
                new ResidentBytes(Long.MAX_VALUE, environment.tasks().newSignal(), registry),
                registry);
    }

    /**
     * @param resident what counts the layer files that are here
     * @param registry where the metrics of downloads are registered
     */
    public DownloadQueue(
            Environment environment, DownloadSettings settings, ResidentBytes resident, PrometheusRegistry registry) {
        this.resident = resident;
        this.tasks = environment.tasks();
        this.clock = environment.clock();
        this.settings = settings;
        this.ended = tasks.newSignal();
        this.metrics = new DownloadMetrics(registry, this::load);
    }

    /** Cancelled when the queue is closed; parent of what cancels the downloads of a timeline. */
    Cancellation cancellation() {
        return cancellation;
    }

    /** What counts the layer files that are here. */
    public ResidentBytes resident() {
        return resident;
    }

    /** All downloads that run or wait, in the order in which their turn came or will come. */
    public List<Progress> downloads() {
        return downloads(_ -> true);
    }

    List<Progress> downloads(Predicate<Job> which) {
        List<Progress> found = new ArrayList<>();
        synchronized (lock) {
            find(running.values(), true, which, found);
            find(urgent.inOrder(), false, which, found);
            find(background.inOrder(), false, which, found);
        }
        return found;
    }

    private static void find(Collection<Entry> among, boolean running, Predicate<Job> which, List<Progress> found) {
        among.forEach(entry -> {
            if (which.test(entry.job)) {
                found.add(entry.progress(running));
            }
        });
    }

    /** How many layers are being downloaded. */
    public int running() {
        return load().running();
    }

    private DownloadMetrics.Load load() {
        synchronized (lock) {
            return new DownloadMetrics.Load(running.size(), waiting.size(), bytesInFlight);
        }
    }

    /** Whether somebody waits for what is done on behalf of tasks of this kind. */
    static boolean isUrgent(TaskKind kind) {
        return switch (kind) {
            case PAGE_SERVICE, INGEST, LIFECYCLE -> true;
            case FLUSH, COMPACTION, GC, TOOL -> false;
        };
    }

    /** Adds a download, and drops it at once if the queue is closed. */
    void enqueue(Job job, TaskKind kind) {
        metrics.asked(kind);
        boolean added;
        synchronized (lock) {
            added = !closed;
            if (added) {
                Entry entry = new Entry(job, isUrgent(kind), clock.nanos());
                waiting.put(job, entry);
                queue(entry).add(entry.tenant(), entry);
            }
        }
        if (added) {
            dispatch();
        } else {
            job.dropped();
        }
    }

    private TenantQueue<Entry> queue(Entry entry) {
        return entry.isUrgent ? urgent : background;
    }

    /** Somebody waits now for what was wanted in the background. */
    void raise(Job job) {
        synchronized (lock) {
            Entry entry = waiting.get(job);
            if (entry == null || entry.isUrgent) {
                return;
            }
            background.remove(entry.tenant(), entry);
            entry.isUrgent = true;
            urgent.add(entry.tenant(), entry);
        }
        dispatch();
    }

    /** Takes a download out again whose turn has not come; returns false if it has. */
    boolean withdraw(Job job) {
        boolean withdrawn;
        synchronized (lock) {
            Entry entry = waiting.remove(job);
            withdrawn = entry != null && queue(entry).remove(entry.tenant(), entry);
        }
        if (withdrawn) {
            dispatch();
        }
        return withdrawn;
    }

    /** Drops what is cancelled and still waits. */
    void dropCancelled() {
        drop(Job::isCancelled);
        dispatch();
    }

    private void drop(Predicate<Job> which) {
        List<Job> dropped = new ArrayList<>();
        synchronized (lock) {
            waiting.values().removeIf(entry -> {
                boolean drops = which.test(entry.job);
                if (drops) {
                    queue(entry).remove(entry.tenant(), entry);
                    dropped.add(entry.job);
                }
                return drops;
            });
        }
        dropped.forEach(Job::dropped);
    }

    /** Starts what may run. Tasks are started outside of the lock: a simulation may switch to another one there. */
    private void dispatch() {
        for (Entry next = take(); next != null; next = take()) {
            Entry entry = next;
            tasks.start("download " + entry.job.layer(), () -> run(entry));
        }
    }

    private @Nullable Entry take() {
        synchronized (lock) {
            TenantQueue<Entry> queue = urgent.isEmpty() ? background : urgent;
            Entry entry = queue.peek();
            if (entry == null || !fits(entry)) {
                return null;
            }
            queue.poll();
            waiting.remove(entry.job);
            running.put(entry.job, entry);
            count(entry, 1);
            return entry;
        }
    }

    /** To be called with the lock. */
    private boolean fits(Entry entry) {
        long size = entry.job.layer().size();
        if (!running.isEmpty()
                && (running.size() >= settings.concurrency() || bytesInFlight + size > settings.maxBytesInFlight())) {
            return false;
        }
        return entry.isUrgent
                || runningInBackground == 0
                || (runningInBackground < settings.backgroundConcurrency()
                        && backgroundBytesInFlight + size <= settings.maxBackgroundBytesInFlight());
    }

    /** To be called with the lock, with 1 when a download begins to run and -1 when it has ended. */
    private void count(Entry entry, int sign) {
        long size = sign * entry.job.layer().size();
        bytesInFlight += size;
        if (!entry.isUrgent) {
            runningInBackground += sign;
            backgroundBytesInFlight += size;
        }
    }

    private void run(Entry entry) {
        long began = clock.nanos();
        metrics.began(began - entry.enqueuedNanos);
        boolean succeeded = false;
        try {
            succeeded = entry.job.run(bytes -> {
                entry.received.addAndGet(bytes);
                metrics.received(bytes);
            });
        } finally {
            metrics.ended(succeeded, clock.nanos() - began);
            awaitRoom();
            synchronized (lock) {
                running.remove(entry.job);
                count(entry, -1);
            }
            ended.signalAll();
            dispatch();
        }
    }

    /**
     * Lets nobody take the place of a download before what it has brought has made others go. Not for ever: whoever waits for a
     * page gets it, even where nothing can go.
     */
    private void awaitRoom() {
        try {
            resident.awaitRoom(
                    new RequestContext(TaskKind.LIFECYCLE, clock.nanos() + LONGEST_WAIT_FOR_ROOM_NANOS, cancellation));
        } catch (DeadlineExceededException | CancelledException e) {
            LOG.debug("the next download begins all the same: {}", e.getMessage());
        }
    }

    private boolean isIdle() {
        synchronized (lock) {
            return running.isEmpty();
        }
    }

    /**
     * Cancels all downloads and takes no more; waits for those that run, which end at the next opportunity. May be called
     * again, also after it was cut short.
     */
    public void close(RequestContext context) throws CancelledException, DeadlineExceededException {
        synchronized (lock) {
            closed = true;
        }
        cancellation.cancel();
        drop(_ -> true);
        context.await(ended, this::isIdle, () -> "the end of " + load().running() + " downloads of layers");
    }
}
