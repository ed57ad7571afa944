package dev.palimpsest.storage.eviction;

import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.layer.LayerKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Decides which layers leave the local disk: values in, a plan out.
 *
 * <p>First goes what was idle for too long. If limits are exceeded still, more goes until they are kept, in this order:
 *
 * <ol>
 *   <li>layers that newer images cover for every read point: reads of the present do not need them
 *   <li>others, but for what was read last of each timeline, up to {@link EvictionSettings#minResidentBytes}
 *   <li>that too
 * </ol>
 *
 * <p>Within each, first what was not read for the longest time, an image counting as read {@link EvictionSettings#imageGrace}
 * later than it was; at the same time larger layers first, so that fewer go; then in the order in which they were given.
 */
public final class EvictionPlanner {
    private EvictionPlanner() {}

    /**
     * A layer whose file is here.
     *
     * @param layer what the plan names it by
     * @param timeline on which it is
     * @param bytes the size of its file
     * @param kind delta or image
     * @param visible whether a read at a read point may need it
     * @param uploaded whether the object store has it; if not, it counts but stays
     * @param usedNanos when it was last used
     */
    public record Candidate<L>(
            L layer,
            TimelineId timeline,
            long bytes,
            LayerKind kind,
            boolean visible,
            boolean uploaded,
            long usedNanos) {}

    /**
     * What is known of the disk.
     *
     * @param usableBytes the room in the file system
     * @param nowNanos the time, as uses are noted
     */
    public record Situation(long usableBytes, long nowNanos) {}

    private enum Turn {
        COVERED,
        VISIBLE,
        LAST
    }

    private record Ranked<L>(Candidate<L> candidate, Turn turn, long countsAsUsedNanos) {}

    /**
     * Makes a plan.
     *
     * @param candidates all layers that are here
     */
    public static <L> EvictionPlan<L> plan(
            List<Candidate<L>> candidates, Situation situation, EvictionSettings settings) {
        Set<Candidate<L>> idle = idle(candidates, situation, settings);
        List<EvictionPlan.Step<L>> steps = new ArrayList<>();
        idle.forEach(candidate ->
                steps.add(new EvictionPlan.Step<>(candidate.layer(), candidate.bytes(), EvictionPlan.Reason.IDLE)));
        long local = candidates.stream().mapToLong(Candidate::bytes).sum();
        long freed = idle.stream().mapToLong(Candidate::bytes).sum();
        long missing =
                Math.max(local - settings.maxLocalBytes(), settings.minFreeBytes() - situation.usableBytes()) - freed;
        if (missing > 0) {
            List<Candidate<L>> staying = candidates.stream()
                    .filter(candidate -> !idle.contains(candidate))
                    .toList();
            for (Ranked<L> next : ranked(staying, settings)) {
                if (missing <= 0 || steps.size() >= settings.maxLayersPerRound()) {
                    break;
                }
                Candidate<L> candidate = next.candidate();
                steps.add(new EvictionPlan.Step<>(candidate.layer(), candidate.bytes(), EvictionPlan.Reason.PRESSURE));
                missing -= candidate.bytes();
            }
        }
        return new EvictionPlan<>(steps, Math.max(0, missing));
    }

    /** Those that were idle for too long, the longest first, and not more than may go at once. */
    private static <L> Set<Candidate<L>> idle(
            List<Candidate<L>> candidates, Situation situation, EvictionSettings settings) {
        return candidates.stream()
                .filter(candidate -> isIdle(candidate, situation, settings))
                .sorted(Comparator.comparingLong(Candidate::usedNanos))
                .limit(settings.maxLayersPerRound())
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private static boolean isIdle(Candidate<?> candidate, Situation situation, EvictionSettings settings) {
        Optional<Duration> limit = candidate.visible() ? settings.idle() : settings.idleCovered();
        return candidate.uploaded()
                && limit.isPresent()
                && situation.nowNanos() - candidate.usedNanos() >= limit.get().toNanos();
    }

    /** Those that may go, in the order in which they do. */
    private static <L> List<Ranked<L>> ranked(List<Candidate<L>> candidates, EvictionSettings settings) {
        Set<Candidate<L>> last = last(candidates, settings.minResidentBytes());
        List<Ranked<L>> ranked = new ArrayList<>();
        for (Candidate<L> candidate : candidates) {
            if (candidate.uploaded()) {
                Turn turn = last.contains(candidate) ? Turn.LAST : candidate.visible() ? Turn.VISIBLE : Turn.COVERED;
                ranked.add(new Ranked<>(candidate, turn, countsAsUsed(candidate, settings)));
            }
        }
        ranked.sort(Comparator.<Ranked<L>, Turn>comparing(Ranked::turn)
                .thenComparingLong(Ranked::countsAsUsedNanos)
                .thenComparing(Comparator.<Ranked<L>>comparingLong(
                                next -> next.candidate().bytes())
                        .reversed()));
        return ranked;
    }

    private static long countsAsUsed(Candidate<?> candidate, EvictionSettings settings) {
        return candidate.kind() == LayerKind.IMAGE
                ? candidate.usedNanos() + settings.imageGrace().toNanos()
                : candidate.usedNanos();
    }

    /** Of each timeline what was read last of the visible, as much as fits into so many bytes. */
    private static <L> Set<Candidate<L>> last(List<Candidate<L>> candidates, long bytesOfEach) {
        List<Candidate<L>> newestFirst =
                new ArrayList<>(candidates.stream().filter(Candidate::visible).toList());
        newestFirst.sort(Comparator.<Candidate<L>>comparingLong(Candidate::usedNanos)
                .reversed()
                .thenComparingInt(candidate -> candidate.kind() == LayerKind.IMAGE ? 0 : 1));
        Map<TimelineId, Long> taken = new HashMap<>();
        Set<Candidate<L>> last = new HashSet<>();
        for (Candidate<L> candidate : newestFirst) {
            long sum = taken.merge(candidate.timeline(), candidate.bytes(), Long::sum);
            if (sum <= bytesOfEach) {
                last.add(candidate);
            }
        }
        return last;
    }
}
