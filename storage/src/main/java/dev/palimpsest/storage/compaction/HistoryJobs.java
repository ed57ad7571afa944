package dev.palimpsest.storage.compaction;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.jobs.JobPauses;
import dev.palimpsest.storage.jobs.JobState;
import dev.palimpsest.storage.jobs.JobTracks;
import dev.palimpsest.storage.runtime.Clock;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of compaction of history, whoever has begun it: what goes on, what the last run on each timeline did, how it
 * fares there, and how much was done in all. Safe for use by many threads; does not wait but for what it is given to run.
 */
public final class HistoryJobs {
    private static final double NANOS = 1e9;
    /** What gave way, or was kept from it, is not begun again by itself for so long. */
    private static final Duration GIVING_WAY = Duration.ofSeconds(10);

    /** Compaction of one timeline's history. */
    @FunctionalInterface
    public interface Work {
        /** @param done to be told what each piece did, once it is durable */
        HistoryReport compact(Consumer<HistoryReport> done) throws StorageException;
    }

    /**
     * A run that goes on, or has ended.
     *
     * @param running whether it goes on
     * @param began when
     * @param elapsed how long it took, or has taken so far
     * @param done what it did, or has done so far
     * @param failure why it failed; null if it did not, or goes on
     */
    public record Run(
            boolean running,
            Instant began,
            Duration elapsed,
            HistoryReport done,
            @Nullable String failure) {}

    /** A run, as it goes on. */
    private final class Active {
        final Instant began = clock.now();
        final long beginNanos = clock.nanos();
        private volatile HistoryReport done = HistoryReport.NOTHING;

        /** Called by whoever runs it, one at a time. */
        void done(HistoryReport piece) {
            done = done.plus(piece);
            count(piece);
        }

        Duration elapsed() {
            return Duration.ofNanos(clock.nanos() - beginNanos);
        }

        Run seen(boolean running, @Nullable String failure) {
            return new Run(running, began, elapsed(), done, failure);
        }
    }

    private final Clock clock;
    private final JobTracks tracks;
    private final Map<TimelineId, Active> active = new ConcurrentHashMap<>();
    private final Map<TimelineId, Run> ended = new ConcurrentHashMap<>();
    private final Counter runs = Counter.builder()
            .name("palimpsest_history_compaction_runs_total")
            .help("Runs of compaction of history, by how they ended.")
            .labelNames("outcome")
            .build();
    private final Counter bytesRead =
            counter("palimpsest_history_compaction_read_bytes_total", "Size of the layers that it has read.");
    private final Counter bytesWritten =
            counter("palimpsest_history_compaction_written_bytes_total", "Size of the layers that it has written.");
    private final Counter layersRemoved = counter(
            "palimpsest_history_compaction_removed_layers_total",
            "Layers whose place those it has written have taken.");
    private final Counter bytesRemoved =
            counter("palimpsest_history_compaction_removed_bytes_total", "Size of the layers that it has removed.");

    /** Nothing was done yet. */
    public HistoryJobs(Clock clock) {
        this.clock = clock;
        this.tracks = new JobTracks("compaction of history", clock, JobPauses.DEFAULT);
    }

    private static Counter counter(String name, String help) {
        return Counter.builder()
                .name(name)
                .help("Compaction of history: " + help)
                .build();
    }

    /** Has metrics there from now on; to be called once. */
    public void register(PrometheusRegistry registry) {
        registry.register(runs);
        registry.register(bytesRead);
        registry.register(bytesWritten);
        registry.register(layersRemoved);
        registry.register(bytesRemoved);
        gauge("palimpsest_history_compaction_running", "Timelines whose history is being compacted.")
                .callback(callback -> callback.call((double) active.size()))
                .register(registry);
        gauge(
                        "palimpsest_history_compaction_running_seconds",
                        "For how long the history of a timeline has been compacted, of those that are now the longest.")
                .callback(callback -> callback.call(longestSeconds()))
                .register(registry);
        gauge(
                        "palimpsest_history_compaction_broken_timelines",
                        "Timelines the compaction of whose history keeps failing.")
                .callback(callback -> callback.call((double) tracks.broken()))
                .register(registry);
    }

    private static GaugeWithCallback.Builder gauge(String name, String help) {
        return GaugeWithCallback.builder().name(name).help(help);
    }

    private double longestSeconds() {
        return active.values().stream()
                .mapToDouble(run -> run.elapsed().toNanos() / NANOS)
                .max()
                .orElse(0);
    }

    /** Whether it may begin on a timeline by itself: nobody is at it, and it has not failed or given way a moment ago. */
    public boolean isFree(TimelineId id) {
        return tracks.isFree(id);
    }

    /** How it fares on a timeline; well, as long as nothing else is known. */
    public JobState state(TimelineId id) {
        return tracks.state(id);
    }

    /** What goes on there, or else the last that did; null if nothing ever did. */
    public @Nullable Run run(TimelineId id) {
        Active now = active.get(id);
        return now == null ? ended.get(id) : now.seen(true, null);
    }

    /** Forgets timelines that are not there any more. */
    public void forgetAllBut(Set<TimelineId> known) {
        ended.keySet().retainAll(known);
        tracks.forgetAllBut(known);
    }

    /**
     * Runs it. If somebody is at the same timeline already, this one is counted, but not shown.
     *
     * @throws StorageException what it threw
     */
    public HistoryReport run(TimelineId id, Work work) throws StorageException {
        Active run = new Active();
        boolean shown = active.putIfAbsent(id, run) == null;
        if (shown) {
            tracks.begin(id);
        }
        try {
            HistoryReport report = work.compact(run::done);
            runs.labelValues(report.outcome().toString()).inc();
            ended(id, run, shown, null);
            if (shown) {
                boolean gaveWay = report.outcome() == CompactionReport.Outcome.YIELDED;
                tracks.succeeded(id, gaveWay ? GIVING_WAY : Duration.ZERO);
            }
            return report;
        } catch (CancelledException e) {
            runs.labelValues("CANCELLED").inc();
            ended(id, run, shown, null);
            if (shown) {
                tracks.cancelled(id);
            }
            throw e;
        } catch (StorageException | RuntimeException e) {
            runs.labelValues("FAILED").inc();
            ended(id, run, shown, String.valueOf(e.getMessage()));
            if (shown) {
                tracks.failed(id, e);
            }
            throw e;
        }
    }

    private void ended(TimelineId id, Active run, boolean shown, @Nullable String failure) {
        if (shown) {
            ended.put(id, run.seen(false, failure));
            active.remove(id);
        }
    }

    private void count(HistoryReport piece) {
        bytesRead.inc(piece.bytesRead());
        bytesWritten.inc(piece.bytesWritten());
        layersRemoved.inc(piece.layersRemoved());
        bytesRemoved.inc(piece.bytesRemoved());
    }
}
