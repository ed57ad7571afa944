package dev.palimpsest.storage.eviction;

import java.util.List;

/**
 * What is to be evicted, in this order.
 *
 * @param steps the layers
 * @param missingBytes by how much limits are exceeded even after that; 0 if they are kept
 */
public record EvictionPlan<L>(List<Step<L>> steps, long missingBytes) {
    /** Copies the list. */
    public EvictionPlan {
        steps = List.copyOf(steps);
    }

    /** Why a layer goes. */
    public enum Reason {
        /** Nobody has read it for long. */
        IDLE,
        /** The disk, or what layers may take of it, is full. */
        PRESSURE
    }

    /** One layer that goes. */
    public record Step<L>(L layer, long bytes, Reason reason) {}

    /** How many bytes that frees. */
    public long bytes() {
        return steps.stream().mapToLong(Step::bytes).sum();
    }
}
