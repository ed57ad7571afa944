package dev.palimpsest.storage.gc;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.jobs.JobPauses;
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
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Collects the garbage of timelines as long as it runs, one at a time: each once in a period, that of the tenant whose turn was
 * the longest ago first, and of its timelines the one whose turn was the longest ago; and none while there is more urgent work. One
 * that fails has its pauses as {@link JobTracks} says, in which the others have their turn.
 *
 * <p>One that is new here is left alone at first: an earlier process may have leased LSNs of it that nobody here knows of until they
 * are asked for again.
 *
 * <p>Safe for use by many threads.
 */
public final class BackgroundGc implements AutoCloseable {
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** Of many that have their turn seldom a look at all of them each second would be most of the work. */
    private static final Duration SELDOM_LOOK = Duration.ofSeconds(10);

    private static final int LOOKS_IN_A_PERIOD = 60;

    /** A timeline that collects its garbage. */
    public interface Work {
        /** Which timeline. */
        TimelineId id();

        /** Whose it is: tenants have their turns one after the other. */
        TenantId tenant();

        /** Whether leases of an earlier process may still be asked for again: then it has no turn yet. */
        boolean isNew();

        /** How often it has its turn; zero for never. */
        Duration period();

        /** Collects once, with what is retained now. One that has gone since it was asked for does nothing. */
        GcReport collect(RequestContext context) throws StorageException;
    }

    private final Environment environment;
    private final Supplier<? extends Collection<? extends Work>> timelines;
    private final BooleanSupplier yield;
    private final JobTracks tracks;
    private final TenantTurns turns = new TenantTurns();
    private final Map<TimelineId, Long> lastNanos = new ConcurrentHashMap<>();
    /** What was due at the last look and had no turn yet; the task's. To look at all of them costs more than most turns. */
    private final Queue<Work> due = new ArrayDeque<>();

    private long lookedNanos;
    private long lookAgainNanos;
    private final Cancellation cancellation = new Cancellation();
    private final Task task;
    private final Counter runs;
    private final Counter layers;
    private final Counter bytes;

    /**
     * Starts.
     *
     * @param timelines those of the moment, whenever it is asked
     * @param yield asked before each: whether there is more urgent work
     * @param registry where metrics are registered
     */
    public BackgroundGc(
            Environment environment,
            Supplier<? extends Collection<? extends Work>> timelines,
            BooleanSupplier yield,
            PrometheusRegistry registry) {
        this.environment = environment;
        this.timelines = timelines;
        this.yield = yield;
        this.tracks = new JobTracks("GC", environment.clock(), JobPauses.DEFAULT);
        this.runs = Counter.builder()
                .name("palimpsest_gc_runs_total")
                .help("Runs of GC in the background, by how they ended.")
                .labelNames("outcome")
                .register(registry);
        this.layers = Counter.builder()
                .name("palimpsest_gc_removed_layers_total")
                .help("Layers that GC in the background has removed.")
                .register(registry);
        this.bytes = Counter.builder()
                .name("palimpsest_gc_removed_bytes_total")
                .help("Bytes of layer files that GC in the background has removed.")
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_gc_broken_timelines")
                .help("Timelines whose GC keeps failing.")
                .callback(callback -> callback.call((double) tracks.broken()))
                .register(registry);
        this.task = environment.tasks().start("gc", this::work);
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
        RequestContext context = new RequestContext(TaskKind.GC, Clock.NEVER, cancellation);
        while (!cancellation.isCancelled()) {
            Work next = next();
            if (next == null) {
                environment.tasks().sleep(LOOK.toNanos(), cancellation);
            } else {
                run(next, context);
            }
        }
    }

    private @Nullable Work next() {
        long now = environment.clock().nanos();
        if (now - lookedNanos >= (due.isEmpty() ? lookAgainNanos : LOOK.toNanos())) {
            due.clear();
            due.addAll(look(now));
            lookedNanos = now;
        }
        return due.isEmpty() || yield.getAsBoolean() ? null : due.poll();
    }

    private record Due(Work work, long sinceNanos) {}

    /** What is due, in the order of turns. */
    private List<Work> look(long now) {
        List<? extends Work> all = List.copyOf(timelines.get());
        forgetAllBut(all);
        Map<TenantId, List<Due>> byTenant = new TreeMap<>();
        long shortest = LOOKS_IN_A_PERIOD * (all.isEmpty() ? LOOK : SELDOM_LOOK).toNanos();
        for (Work work : all) {
            Long last = lastNanos.get(work.id());
            long since = last == null ? Long.MAX_VALUE : now - last;
            Duration period = work.period();
            shortest = period.isZero() ? shortest : Math.min(shortest, period.toNanos());
            if (!work.isNew() && !period.isZero() && since >= period.toNanos() && tracks.isFree(work.id())) {
                byTenant.computeIfAbsent(work.tenant(), _ -> new ArrayList<>()).add(new Due(work, since));
            }
        }
        lookAgainNanos = Math.max(LOOK.toNanos(), shortest / LOOKS_IN_A_PERIOD);
        List<TenantId> tenants = new ArrayList<>(byTenant.keySet());
        tenants.sort(turns.order());
        List<Deque<Due>> queues = new ArrayList<>();
        for (TenantId tenant : tenants) {
            List<Due> ofTenant = byTenant.getOrDefault(tenant, List.of());
            ofTenant.sort(Comparator.comparingLong(Due::sinceNanos).reversed());
            queues.add(new ArrayDeque<>(ofTenant));
        }
        List<Work> inTurn = new ArrayList<>();
        while (!queues.isEmpty()) {
            queues.forEach(queue -> inTurn.add(queue.removeFirst().work()));
            queues.removeIf(Deque::isEmpty);
        }
        return inTurn;
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
        lastNanos.keySet().retainAll(known);
    }

    private void run(Work work, RequestContext context) {
        tracks.begin(work.id());
        turns.taken(work.tenant());
        try {
            GcReport report = work.collect(context);
            runs.labelValues("DONE").inc();
            layers.inc(report.layersRemoved());
            bytes.inc(report.bytesRemoved());
            lastNanos.put(work.id(), environment.clock().nanos());
            tracks.succeeded(work.id());
        } catch (CancelledException e) {
            // The server ends, or the timeline is on its way out.
            runs.labelValues("CANCELLED").inc();
            lastNanos.put(work.id(), environment.clock().nanos());
            tracks.cancelled(work.id());
        } catch (StorageException | RuntimeException e) {
            runs.labelValues("FAILED").inc();
            tracks.failed(work.id(), e);
        }
    }

    /** Stops, and waits for what is running; it stops at the next opportunity. */
    @Override
    public void close() {
        cancellation.cancel();
        task.join();
    }
}
