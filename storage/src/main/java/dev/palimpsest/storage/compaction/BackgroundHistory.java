package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.jobs.TenantTurns;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compacts the history of timelines as long as it runs, one at a time, in a task of its own, so that nobody's GC waits for it: of
 * those of which enough has come below the cutoff, that of the tenant whose turn was the longest ago, and of its timelines the one
 * whose turn was. None begins while there is more urgent work; one that is under way gives way between two pieces, to urgent
 * work at once, and after {@link #TURN} to another timeline that waits. It goes on where it was when its turn comes again.
 *
 * <p>GC of the same timeline, its other compaction and what somebody asks for by hand may come in between two pieces, not within
 * one: each owns the timeline's layers while it works on them, and whoever waits for them comes before the next piece. What is
 * retained is looked at for each piece anew and joined with what was when the turn began, so that nothing is lost that those can
 * still read who came before GC raised a cutoff, of this timeline or of a descendant; and what is above the cutoff that was in
 * force when the turn began is left alone. A timeline that goes, or is detached from its ancestors, ends its own turn.
 *
 * <p>What fails has its pauses, and what is known of runs is told, by {@link HistoryJobs}. Safe for use by many threads.
 */
public final class BackgroundHistory implements AutoCloseable {
    /** A timeline that goes on so long lets others go first. */
    static final Duration TURN = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(BackgroundHistory.class);

    /** A timeline whose history can be compacted. */
    public interface Work {
        /** Which timeline. */
        TimelineId id();

        /** Whose it is: tenants have their turns one after the other. */
        TenantId tenant();

        /** When it is due; null for never by itself. */
        @Nullable
        HistorySettings settings();

        /** What is above it is left alone. Whether it is due is asked when this has moved, or the settings have. */
        Lsn cutoff();

        /** Whether so much has come below the cutoff since the last time that it is worth it. Goes through all layers. */
        boolean isDue(HistorySettings settings);

        /**
         * Compacts. One that has gone since it was asked for does nothing.
         *
         * @param yield asked between two pieces: whether to stop
         * @param done told what each piece did, once it is durable
         */
        HistoryReport compact(
                HistorySettings settings, BooleanSupplier yield, Consumer<HistoryReport> done, RequestContext context)
                throws StorageException;
    }

    /** Whether a timeline was due, when it was asked, with what counted then. */
    private record Answer(Lsn cutoff, HistorySettings settings, boolean due) {}

    private record Due(Work work, HistorySettings settings, Lsn cutoff) {}

    private final Environment environment;
    private final long notBeforeNanos;
    private final Duration period;
    private final Supplier<? extends Collection<? extends Work>> timelines;
    private final BooleanSupplier yield;
    private final HistoryJobs jobs;
    private final Cancellation cancellation = new Cancellation();
    private final Task task;
    // From here on, the task's.
    private final TenantTurns turns = new TenantTurns();
    private final Map<TimelineId, Answer> answers = new HashMap<>();
    /** Which turn a timeline's last was; those that had none are not in it. */
    private final Map<TimelineId, Long> lastTurns = new HashMap<>();

    private long turnsTaken;

    /**
     * Starts.
     *
     * @param delay how long to wait before the first
     * @param period how often to look for one when there is none
     * @param timelines those of the moment, whenever it is asked
     * @param yield asked before each, and between the pieces of one: whether there is more urgent work
     * @param jobs knows what runs, by itself or not
     */
    public BackgroundHistory(
            Environment environment,
            Duration delay,
            Duration period,
            Supplier<? extends Collection<? extends Work>> timelines,
            BooleanSupplier yield,
            HistoryJobs jobs) {
        this.environment = environment;
        this.notBeforeNanos = environment.clock().nanos() + delay.toNanos();
        this.period = period;
        this.timelines = timelines;
        this.yield = yield;
        this.jobs = jobs;
        this.task = environment.tasks().start("compaction of history", this::work);
    }

    private void work() {
        RequestContext context = new RequestContext(TaskKind.COMPACTION, Clock.NEVER, cancellation);
        while (!cancellation.isCancelled()) {
            Due next = next();
            if (next == null) {
                environment.tasks().sleep(period.toNanos(), cancellation);
            } else {
                run(next, context);
            }
        }
    }

    private @Nullable Due next() {
        if (environment.clock().nanos() < notBeforeNanos || yield.getAsBoolean()) {
            return null;
        }
        List<? extends Work> all = List.copyOf(timelines.get());
        forgetAllBut(all);
        Due first = null;
        for (Work work : all) {
            Due due = due(work);
            if (due != null && (first == null || goesBefore(work, first.work))) {
                first = due;
            }
        }
        return first;
    }

    private boolean goesBefore(Work work, Work other) {
        if (work.tenant().equals(other.tenant()) || turns.isEven(work.tenant(), other.tenant())) {
            return lastTurns.getOrDefault(work.id(), 0L) < lastTurns.getOrDefault(other.id(), 0L);
        }
        return turns.isBefore(work.tenant(), other.tenant());
    }

    /** Null if it is not due, or has a pause. */
    private @Nullable Due due(Work work) {
        HistorySettings settings = work.settings();
        if (settings == null || !jobs.isFree(work.id())) {
            return null;
        }
        Lsn cutoff = work.cutoff();
        Answer known = answers.get(work.id());
        if (known == null || !known.cutoff.equals(cutoff) || !known.settings.equals(settings)) {
            known = new Answer(cutoff, settings, work.isDue(settings));
            answers.put(work.id(), known);
        }
        return known.due ? new Due(work, settings, cutoff) : null;
    }

    private boolean doOthersWait(Work running) {
        return timelines.get().stream().anyMatch(other -> !other.id().equals(running.id()) && due(other) != null);
    }

    private void forgetAllBut(List<? extends Work> all) {
        Set<TimelineId> known = HashSet.newHashSet(all.size());
        Set<TenantId> tenants = new HashSet<>();
        for (Work work : all) {
            known.add(work.id());
            tenants.add(work.tenant());
        }
        turns.forgetAllBut(tenants);
        answers.keySet().retainAll(known);
        lastTurns.keySet().retainAll(known);
        jobs.forgetAllBut(known);
    }

    private void run(Due due, RequestContext context) {
        Work work = due.work;
        turns.taken(work.tenant());
        lastTurns.put(work.id(), ++turnsTaken);
        long over = environment.clock().nanos() + TURN.toNanos();
        BooleanSupplier stop =
                () -> yield.getAsBoolean() || (environment.clock().nanos() >= over && doOthersWait(work));
        // What is done, or on its way out, is asked again when the cutoff has moved.
        Answer done = new Answer(due.cutoff, due.settings, false);
        try {
            HistoryReport report = jobs.run(work.id(), pieces -> work.compact(due.settings, stop, pieces, context));
            if (report.outcome() != CompactionReport.Outcome.YIELDED) {
                answers.put(work.id(), done);
            }
        } catch (CancelledException e) {
            answers.put(work.id(), done);
        } catch (StorageException | RuntimeException e) {
            LOG.debug("compaction of the history of timeline {} has failed, as was logged", work.id(), e);
        }
    }

    /** Stops, and waits for what is running; it stops at the next opportunity. */
    @Override
    public void close() {
        cancellation.cancel();
        task.join();
    }
}
