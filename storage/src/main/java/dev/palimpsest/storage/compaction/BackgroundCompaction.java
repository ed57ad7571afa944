package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.jobs.JobTracks;
import dev.palimpsest.storage.jobs.TenantTurns;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Compacts timelines as long as it runs: tenants have their turns one after the other, whatever each has of timelines, and of a
 * tenant the timeline with the most L0 layers comes first; images only while no timeline has too many. A timeline whose compaction fails has a pause that grows with each failure in a row, and from the
 * {@value JobState#FAILURES_TO_BREAK}th on counts as broken, which {@link #states()} and the metrics tell; one success ends that.
 *
 * <p>A number of tasks work at once, each on another timeline. Safe for use by many threads.
 */
public final class BackgroundCompaction implements AutoCloseable {
    /** A timeline to compact. */
    public interface Work {
        /** Which timeline. */
        TimelineId id();

        /** Whose it is: tenants have their turns one after the other. */
        TenantId tenant();

        /** What counts for it, where {@code ofServer} counts for timelines that have nothing of their own. */
        CompactionSettings settings(CompactionSettings ofServer);

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

    /** When it was looked the last time whether a timeline needs images, and how far it was durable then. */
    private record ImageCheck(Lsn at, long nanos) {}

    private enum Kind {
        L0,
        IMAGES
    }

    private record Job(Work work, Kind kind) {}

    private final Environment environment;
    private final BackgroundSettings settings;
    private final Supplier<? extends Collection<? extends Work>> timelines;
    private final JobTracks tracks;
    private final TenantTurns turns = new TenantTurns();
    private final Map<TimelineId, ImageCheck> imageChecks = new ConcurrentHashMap<>();
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
        this.tracks = new JobTracks("compaction", environment.clock(), settings.pauses());
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
                .callback(callback -> callback.call((double) tracks.broken()))
                .register(registry);
        for (int i = 0; i < settings.concurrency(); i++) {
            tasks.add(environment.tasks().start("compaction " + i, this::work));
        }
    }

    /** How timelines fare, of which that is known. */
    public Map<TimelineId, JobState> states() {
        return tracks.states();
    }

    /** How one fares; well, as long as nothing else is known. */
    public JobState state(TimelineId id) {
        return tracks.state(id);
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
            boolean many = hasManyL0(work);
            manyL0 |= many && !tracks.isBroken(work.id());
            if (!tracks.isFree(work.id())) {
                continue;
            }
            if (many && (mostL0 == null || goesBefore(work, mostL0))) {
                mostL0 = work;
            }
            if ((images == null || turns.isBefore(work.tenant(), images.tenant())) && imagesAreDue(work, now)) {
                images = work;
            }
        }
        if (mostL0 != null) {
            return begin(mostL0, Kind.L0);
        }
        return images == null || manyL0 ? null : begin(images, Kind.IMAGES);
    }

    private @Nullable Job begin(Work work, Kind kind) {
        if (!tracks.begin(work.id())) {
            return null;
        }
        turns.taken(work.tenant());
        return new Job(work, kind);
    }

    private boolean goesBefore(Work work, Work other) {
        if (work.tenant().equals(other.tenant()) || turns.isEven(work.tenant(), other.tenant())) {
            return work.l0Layers() > other.l0Layers();
        }
        return turns.isBefore(work.tenant(), other.tenant());
    }

    private boolean imagesAreDue(Work work, long now) {
        Lsn at = work.diskConsistentLsn();
        ImageCheck last = imageChecks.get(work.id());
        if (last == null) {
            return at.isValid();
        }
        return at.isAfter(last.at)
                && (work.longChains() > 0
                        || at.bytesSince(last.at) >= settings.imageCheckDistance()
                        || now - last.nanos >= settings.imageCheckPeriod().toNanos());
    }

    private void forgetAllBut(List<? extends Work> all) {
        Set<TimelineId> known = HashSet.newHashSet(all.size());
        Set<TenantId> tenants = new HashSet<>();
        for (Work work : all) {
            known.add(work.id());
            tenants.add(work.tenant());
        }
        turns.forgetAllBut(tenants);
        tracks.forgetAllBut(known);
        imageChecks.keySet().retainAll(known);
    }

    private void run(Job job, RequestContext context) {
        Lsn at = job.work.diskConsistentLsn();
        try {
            CompactionSettings own = job.work.settings(settings.compaction());
            CompactionReport report = job.kind == Kind.L0
                    ? job.work.compactL0(own, L0Planner.Trigger.THRESHOLD, context)
                    : job.work.createImages(own, this::isBehind, context);
            count(job, report.outcome().toString());
            bytes.labelValues(job.kind.toString()).inc(report.bytesWritten());
            succeeded(job, report, at);
        } catch (CancelledException e) {
            count(job, "CANCELLED");
            tracks.cancelled(job.work.id());
        } catch (StorageException | RuntimeException e) {
            count(job, "FAILED");
            tracks.failed(job.work.id(), e);
        }
    }

    /**
     * Whether a timeline has too many L0 layers, so that what is less urgent had better wait. One whose compaction keeps failing
     * does not count: waiting for it helps nobody.
     */
    public boolean isBehind() {
        return timelines.get().stream().anyMatch(work -> hasManyL0(work) && !tracks.isBroken(work.id()));
    }

    private boolean hasManyL0(Work work) {
        return work.l0Layers() >= work.settings(settings.compaction()).l0Threshold();
    }

    private void count(Job job, String outcome) {
        runs.labelValues(job.kind.toString(), outcome).inc();
    }

    private void succeeded(Job job, CompactionReport report, Lsn at) {
        if (job.kind == Kind.IMAGES && report.outcome() != CompactionReport.Outcome.YIELDED) {
            imageChecks.put(
                    job.work.id(), new ImageCheck(at, environment.clock().nanos()));
        }
        if (job.kind == Kind.L0 && report.outcome() == CompactionReport.Outcome.NOTHING_TO_DO) {
            // What there is too much of is not durable yet.
            tracks.succeeded(job.work.id(), settings.period());
        } else {
            tracks.succeeded(job.work.id());
        }
    }

    /** Stops, and waits for what is running; it stops at the next opportunity. */
    @Override
    public void close() {
        cancellation.cancel();
        tasks.forEach(Task::join);
    }
}
