package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * At which LSNs a history must stay readable: ascending, disjoint spans. Immutable.
 *
 * @param spans ascending; each begins above the end of the one before
 */
public record RetainedHistory(List<Span> spans) {
    /**
     * LSNs from {@code from} to {@code to}, both inclusive.
     *
     * @param from the first
     * @param to the last, not before the first
     */
    public record Span(Lsn from, Lsn to) {
        /** @throws IllegalArgumentException if it would be empty */
        public Span {
            if (to.isBefore(from)) {
                throw new IllegalArgumentException("empty span of LSNs: " + from + " to " + to);
            }
        }

        /** One LSN. */
        public static Span at(Lsn lsn) {
            return new Span(lsn, lsn);
        }
    }

    /** Nothing. */
    public static final RetainedHistory NONE = new RetainedHistory(List.of());

    /** @throws IllegalArgumentException if the spans are not ascending, or overlap */
    public RetainedHistory {
        spans = List.copyOf(spans);
        for (int i = 1; i < spans.size(); i++) {
            if (!spans.get(i).from.isAfter(spans.get(i - 1).to)) {
                throw new IllegalArgumentException("spans out of order: " + spans);
            }
        }
    }

    /** Any spans, in any order, overlapping or not. */
    public static RetainedHistory of(Collection<Span> any) {
        List<Span> merged = new ArrayList<>();
        any.stream()
                .sorted(Comparator.comparing(Span::from).thenComparing(Span::to))
                .forEach(span -> {
                    Span last = merged.isEmpty() ? null : merged.getLast();
                    if (last == null || span.from.isAfter(last.to)) {
                        merged.add(span);
                    } else {
                        merged.set(merged.size() - 1, new Span(last.from, Lsn.max(last.to, span.to)));
                    }
                });
        return new RetainedHistory(merged);
    }

    /** Single LSNs, in any order. */
    public static RetainedHistory at(Collection<Lsn> lsns) {
        return of(lsns.stream().map(Span::at).toList());
    }

    /** Both. */
    public RetainedHistory and(RetainedHistory other) {
        List<Span> both = new ArrayList<>(spans);
        both.addAll(other.spans);
        return of(both);
    }

    /** The first LSN from {@code lsn} on that is retained; null if there is none. */
    public @Nullable Lsn first(Lsn lsn) {
        for (Span span : spans) {
            if (!span.to.isBefore(lsn)) {
                return Lsn.max(span.from, lsn);
            }
        }
        return null;
    }

    /**
     * What of it matters to a history that begins at one LSN and is compacted up to another, both inclusive. The last is always
     * retained, since everything above builds upon it.
     */
    public RetainedHistory between(Lsn first, Lsn last) {
        List<Span> within = new ArrayList<>(List.of(Span.at(last)));
        for (Span span : spans) {
            if (!span.to.isBefore(first) && !span.from.isAfter(last)) {
                within.add(new Span(Lsn.max(span.from, first), Lsn.min(span.to, last)));
            }
        }
        return of(within);
    }
}
