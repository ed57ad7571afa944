package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.layer.LayerExtent;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToLongFunction;

/** Decides which L0 layers are compacted together. */
public final class L0Planner {
    /** Whether to compact. */
    public enum Trigger {
        /** Once there are as many L0 layers as the settings say. */
        THRESHOLD,
        /** As soon as there is any. */
        ALWAYS
    }

    /**
     * What to compact.
     *
     * @param inputs L0 layers, oldest first, each beginning where the one before ends; empty if there is nothing to do
     * @param moreLeft whether there are more L0 layers beyond them, in the same run or after a gap
     */
    public record Plan<L extends LayerExtent>(List<L> inputs, boolean moreLeft) {
        /** Keeps a copy of the list. */
        public Plan {
            inputs = List.copyOf(inputs);
        }
    }

    private L0Planner() {}

    /**
     * Takes the oldest layer and those that follow it without a gap of LSNs, as long as the sizes of all but the first stay
     * below the limit. Older layers come first so that everything below the L0 layers that are left is compacted. A gap ends
     * the run: the layers made of it say of every LSN between its ends that they have all there is, and in the gap may be what
     * was flushed as L1 layers. A run between gaps will not grow any more, so it is compacted however short it is.
     *
     * @param layers the L0 layers, in any order
     * @param size of a layer's file in bytes
     */
    public static <L extends LayerExtent> Plan<L> plan(
            List<L> layers, ToLongFunction<L> size, CompactionSettings settings, Trigger trigger) {
        if (layers.isEmpty() || (trigger == Trigger.THRESHOLD && layers.size() < settings.l0Threshold())) {
            return new Plan<>(List.of(), false);
        }
        List<L> ordered = new ArrayList<>(layers);
        ordered.sort(Comparator.<L, Lsn>comparing(LayerExtent::lsnStart).thenComparing(LayerExtent::lsnEnd));
        List<L> inputs = new ArrayList<>(List.of(ordered.getFirst()));
        long additional = 0;
        for (L next : ordered.subList(1, ordered.size())) {
            if (!next.lsnStart().equals(inputs.getLast().lsnEnd())) {
                return new Plan<>(inputs, true);
            }
            if (additional >= settings.maxInputBytes()) {
                return new Plan<>(inputs, true);
            }
            inputs.add(next);
            additional += size.applyAsLong(next);
        }
        return new Plan<>(inputs, false);
    }
}
