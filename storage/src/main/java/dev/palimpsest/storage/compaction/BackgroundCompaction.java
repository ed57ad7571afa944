package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compacts timelines as long as it runs: always the timeline with the most L0 layers first; images only while no timeline has
 * too many. A timeline whose compaction fails has a pause that grows with each failure in a row, and from the
 * {@value #FAILURES_TO_BREAK}th on counts as broken, which {@link #states()} and the metrics tell; one success ends that.
 *
 * <p>A number of tasks work at once, each on another timeline. Safe for use by many threads.
 */
public final class BackgroundCompaction implements AutoCloseable {
    /** So many failures in a row make a timeline count as broken. */
    public static final int FAILURES_TO_BREAK = 5;

    private static final Logger LOG = LoggerFactory.getLogger(BackgroundCompaction.class);

    /** A timeline to compact. */
    public interface Work {
        /** Which timeline. */
        TimelineId id();

        /** How many L0 layers it has. */
        int l0Layers();

        /** How far it is durable. */
        Lsn diskConsistentLsn();

        /** How many keys are known to need images. */
        int longChains();

        /** Compacts L0 layers once. */
        CompactionReport compactL0(CompactionSettings settings, L0Planner.Trigger trigger, RequestContext context)
                throws StorageException;

        /** Makes images where they are due. */
        CompactionReport createImages(CompactionSettings settings, BooleanSupplier yield, RequestContext context)
                throws StorageException;
    }

    /**
     * How a timeline fares.
     *
     * @param failures how often in a row its compaction has failed
     * @param broken whether that is too often
     * @param lastFailure why it failed the last time; null if it did not
     */
    public record State(
            int failures, boolean broken, @Nullable String lastFailure) {}

    /** What is remembered of a timeline. */
    private static final class Track {
        boolean busy;
        int failures;
        long notBeforeNanos = Long.MIN_VALUE;

        @Nullable
        String lastFailure;

        Lsn imagesCheckedAt = Lsn.INVALID;
        long imagesCheckedNanos = Long.MIN_VALUE;
    }

    private enum Kind {
        L0,
        IMAGES
    }

    private record Job(Work work, Kind kind) {}

    private final Environment environment;
    private final BackgroundSettings settings;
    private final Supplier<? extends Collection<? extends Work>> timelines;
    private final Map<TimelineId, Track> tracks = new ConcurrentHashMap<>();
    private final Cancellation cancellation = new Cancellation();
    private final List<Task> tasks = new ArrayList<>();
    private final Counter runs;
    private final Counter bytes;

    /**
     * Starts.
     *
     * @param timelines those of the moment, whenever it is asked
     * @param registry where metrics are registered
     */
    public BackgroundCompaction(
            Environment environment,
            BackgroundSettings settings,
            Supplier<? extends Collection<? extends Work>> timelines,
            PrometheusRegistry registry) {
        this.environment = environment;
        this.settings = settings;
        this.timelines = timelines;
        this.runs = Counter.builder()
                .name("palimpsest_compaction_runs_total")
                .help("Runs of compaction, by what was done and how it ended.")
                .labelNames("kind", "outcome")
                .register(registry);
        this.bytes = Counter.builder()
                .name("palimpsest_compaction_written_bytes_total")
                .help("Bytes of layer files that compaction has written.")
                .labelNames("kind")
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_compaction_broken_timelines")
                .help("Timelines whose compaction keeps failing.")
                .callback(callback -> callback.call(brokenTimelines()))
                .register(registry);
        for (int i = 0; i < settings.concurrency(); i++) {
            tasks.add(environment.tasks().start("compaction " + i, this::work));
        }
    }

    /** How timelines fare, of which that is known. */
    public Map<TimelineId, State> states() {
        Map<TimelineId, State> states = new TreeMap<>();
        tracks.forEach((id, track) -> {
            synchronized (track) {
                states.put(id, new State(track.failures, track.failures >= FAILURES_TO_BREAK, track.lastFailure));
            }
        });
        return states;
    }

    private double brokenTimelines() {
        return (double) states().values().stream().filter(State::broken).count();
    }

    private void work() {
        RequestContext context = new RequestContext(TaskKind.COMPACTION, Clock.NEVER, cancellation);
        while (!cancellation.isCancelled()) {
            Job job = take();
            if (job == null) {
                environment.tasks().sleep(settings.period().toNanos(), cancellation);
            } else {
                run(job, context);
            }
        }
    }

    /** The most urgent work that nobody does, and that need not wait; marks its timeline as busy. */
    private @Nullable Job take() {
        List<? extends Work> all = List.copyOf(timelines.get());
        forgetAllBut(all);
        long now = environment.clock().nanos();
        Work mostL0 = null;
        Work images = null;
        boolean manyL0 = false;
        for (Work work : all) {
            Track track = tracks.computeIfAbsent(work.id(), _ -> new Track());
            boolean many = work.l0Layers() >= settings.compaction().l0Threshold();
            manyL0 |= many;
            synchronized (track) {
                if (track.busy || now < track.notBeforeNanos) {
                    continue;
                }
                if (many && (mostL0 == null || work.l0Layers() > mostL0.l0Layers())) {
                    mostL0 = work;
                }
                if (images == null && imagesAreDue(work, track, now)) {
                    images = work;
                }
            }
        }
        if (mostL0 != null) {
            return occupy(mostL0) ? new Job(mostL0, Kind.L0) : null;
        }
        return images != null && !manyL0 && occupy(images) ? new Job(images, Kind.IMAGES) : null;
    }

    private boolean imagesAreDue(Work work, Track track, long now) {
        Lsn at = work.diskConsistentLsn();
        if (!at.isAfter(track.imagesCheckedAt)) {
            return false;
        }
        return !track.imagesCheckedAt.isValid()
                || work.longChains() > 0
                || at.bytesSince(track.imagesCheckedAt) >= settings.imageCheckDistance()
                || now - track.imagesCheckedNanos >= settings.imageCheckPeriod().toNanos();
    }

    private boolean occupy(Work work) {
        Track track = tracks.computeIfAbsent(work.id(), _ -> new Track());
        synchronized (track) {
            boolean free = !track.busy;
            track.busy = true;
            return free;
        }
    }

    private void forgetAllBut(List<? extends Work> all) {
        Set<TimelineId> known = new HashSet<>();
        all.forEach(work -> known.add(work.id()));
        tracks.keySet().removeIf(id -> !known.contains(id));
    }

    private void run(Job job, RequestContext context) {
        Lsn at = job.work.diskConsistentLsn();
        try {
            CompactionReport report = job.kind == Kind.L0
                    ? job.work.compactL0(settings.compaction(), L0Planner.Trigger.THRESHOLD, context)
                    : job.work.createImages(settings.compaction(), this::hasManyL0, context);
            count(job, report.outcome().toString());
            bytes.labelValues(job.kind.toString()).inc(report.bytesWritten());
            succeeded(job, report, at);
        } catch (CancelledException e) {
            count(job, "CANCELLED");
            free(job.work);
        } catch (StorageException | RuntimeException e) {
            count(job, "FAILED");
            failed(job, e);
        }
    }

    private boolean hasManyL0() {
        return timelines.get().stream()
                .anyMatch(work -> work.l0Layers() >= settings.compaction().l0Threshold());
    }

    private void count(Job job, String outcome) {
        runs.labelValues(job.kind.toString(), outcome).inc();
    }

    private void free(Work work) {
        Track track = tracks.get(work.id());
        if (track != null) {
            synchronized (track) {
                track.busy = false;
            }
        }
    }

    private void succeeded(Job job, CompactionReport report, Lsn at) {
        Track track = tracks.get(job.work.id());
        if (track == null) {
            return;
        }
        synchronized (track) {
            track.busy = false;
            track.failures = 0;
            track.lastFailure = null;
            if (job.kind == Kind.IMAGES && report.outcome() != CompactionReport.Outcome.YIELDED) {
                track.imagesCheckedAt = at;
                track.imagesCheckedNanos = environment.clock().nanos();
            }
            if (job.kind == Kind.L0 && report.outcome() == CompactionReport.Outcome.NOTHING_TO_DO) {
                // What there is too much of is not durable yet.
                track.notBeforeNanos =
                        environment.clock().nanos() + settings.period().toNanos();
            }
        }
    }

    private void failed(Job job, Exception reason) {
        Track track = tracks.get(job.work.id());
        if (track == null) {
            return;
        }
        long pause;
        int failures;
        synchronized (track) {
            track.busy = false;
            track.failures++;
            track.lastFailure = String.valueOf(reason.getMessage());
            pause = pauseNanos(track.failures, settings);
            track.notBeforeNanos = environment.clock().nanos() + pause;
            failures = track.failures;
        }
        LOG.warn(
                "compaction of timeline {} has failed {} times in a row{}, and is tried again in {} ms",
                job.work.id(),
                failures,
                failures >= FAILURES_TO_BREAK ? " and counts as broken" : "",
                pause / 1_000_000,
                reason);
    }

    /** The pause after so many failures in a row: doubles each time up to the longest. */
    static long pauseNanos(int failures, BackgroundSettings settings) {
        long longest = settings.longestPause().toNanos();
        long pause = settings.firstPause().toNanos();
        for (int i = 1; i < failures && pause < longest; i++) {
            pause *= 2;
        }
        return Math.min(pause, longest);
    }

    /** Stops, and waits for what is running; it stops at the next opportunity. */
    @Override
    public void close() {
        cancellation.cancel();
        tasks.forEach(Task::join);
    }
}
