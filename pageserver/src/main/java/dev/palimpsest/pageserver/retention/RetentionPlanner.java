package dev.palimpsest.pageserver.retention;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.gc.GcInputs;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides from where on a branch's history is kept. A pure function.
 *
 * <p>Where Neon lets {@code gc_horizon} count only if the LSN of the PITR interval is not known, here both always count, as its
 * documentation has it: the one that keeps more decides.
 */
public final class RetentionPlanner {
    /** Why history begins where it does. */
    public enum Rule {
        /** It is as long ago as the PITR interval. */
        PITR_INTERVAL,
        /** It is as far before the end as the horizon. */
        GC_HORIZON,
        /** No commit is known that is as old as the PITR interval, so everything is kept that there is. */
        NOTHING_THAT_OLD,
        /** It began there before, when less was to be kept: what is gone does not come back. */
        ALREADY,
        /** More need not be kept, but what comes after is not in layer files yet. */
        NOT_FLUSHED
    }

    /**
     * What is known of a branch.
     *
     * @param last the end of its history
     * @param durable up to where it is in layer files that are named
     * @param applied the cutoff that holds already; 0/0 for none
     * @param atPitr the last LSN before the first commit that is younger than the PITR interval; null if no commit is known that
     *     is older
     */
    public record Inputs(
            Lsn last, Lsn durable, Lsn applied, @Nullable Lsn atPitr) {}

    /**
     * What is kept.
     *
     * @param space what the horizon allows to go, as GC takes it
     * @param time what the PITR interval allows to go
     * @param rule which of them decides
     */
    public record Plan(Lsn space, Lsn time, Rule rule) {
        /** From here on everything is kept. */
        public Lsn cutoff() {
            return Lsn.min(space, time);
        }

        /** For GC, which adds branch points and leases. */
        public GcInputs gcInputs() {
            return new GcInputs(space, time, List.of(), List.of());
        }
    }

    private RetentionPlanner() {}

    /** Plans. The cutoff is never before the one that holds, nor beyond what is durable. */
    public static Plan plan(Inputs inputs, Retention retention) {
        long horizon = retention.gcHorizon();
        Lsn last = inputs.last();
        Lsn space = Long.compareUnsigned(last.value(), horizon) > 0 ? last.minus(horizon) : Lsn.INVALID;
        Lsn time = retention.pitrInterval().isZero() ? last : inputs.atPitr();
        Rule rule;
        if (time == null) {
            rule = Rule.NOTHING_THAT_OLD;
        } else if (Lsn.min(space, time).isAfter(inputs.durable())) {
            rule = Rule.NOT_FLUSHED;
        } else if (!Lsn.min(space, time).isAfter(inputs.applied())) {
            rule = Rule.ALREADY;
        } else {
            rule = space.isBefore(time) || retention.pitrInterval().isZero() ? Rule.GC_HORIZON : Rule.PITR_INTERVAL;
        }
        return new Plan(bounded(space, inputs), bounded(time == null ? Lsn.INVALID : time, inputs), rule);
    }

    private static Lsn bounded(Lsn lsn, Inputs inputs) {
        return Lsn.max(inputs.applied(), Lsn.min(lsn, inputs.durable()));
    }
}
