package dev.palimpsest.storage.index;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * All that is durable of a timeline, apart from the layers themselves: which layers there are, how far they reach, and the
 * timeline's circumstances. Immutable. {@link IndexPartCodec} owns its bytes.
 *
 * @param layers the layers by name
 * @param metadata where the timeline begins and how far it reaches
 * @param lineage what became of its ancestors
 * @param state its circumstances
 */
public record IndexPart(
        SortedMap<String, LayerMetadata> layers, TimelineMetadata metadata, Lineage lineage, State state) {
    /** Keeps a copy of the layers. */
    public IndexPart {
        layers = Collections.unmodifiableSortedMap(new TreeMap<>(layers));
    }

    /** A timeline of which nothing is known but its layers and its extent. */
    public static IndexPart of(Map<String, LayerMetadata> layers, TimelineMetadata metadata) {
        return new IndexPart(new TreeMap<>(layers), metadata, Lineage.NONE, State.NONE);
    }

    /** The same with other layers, another extent and other ancestors: what a flush, a compaction or a GC leads to. */
    public IndexPart with(
            Map<String, LayerMetadata> otherLayers, TimelineMetadata otherMetadata, Lineage otherLineage) {
        return new IndexPart(new TreeMap<>(otherLayers), otherMetadata, otherLineage, state);
    }

    /** The same in other circumstances. */
    public IndexPart with(State otherState) {
        return new IndexPart(layers, metadata, lineage, otherState);
    }

    /**
     * Former ancestors.
     *
     * @param reparentingHistoryTruncated whether there were more
     * @param reparentingHistory the ancestors it was moved away from, oldest first
     * @param originalAncestor the one it was cut loose from; null if it never was
     */
    public record Lineage(
            boolean reparentingHistoryTruncated,
            List<TimelineId> reparentingHistory,
            @Nullable OriginalAncestor originalAncestor) {
        /** No former ancestors. */
        public static final Lineage NONE = new Lineage(false, List.of(), null);

        /** How many former ancestors are kept. */
        private static final int MAX_HISTORY = 100;

        /** Keeps a copy of the list. */
        public Lineage {
            reparentingHistory = List.copyOf(reparentingHistory);
        }

        /** The same, cut loose from its ancestor. */
        public Lineage cutLoose(OriginalAncestor from) {
            return new Lineage(reparentingHistoryTruncated, reparentingHistory, from);
        }

        /** The same, moved from one ancestor to another that has the same history up to its branch point. */
        public Lineage movedAwayFrom(TimelineId ancestor) {
            List<TimelineId> history = new ArrayList<>(reparentingHistory);
            history.add(ancestor);
            boolean tooMany = history.size() > MAX_HISTORY;
            return new Lineage(
                    reparentingHistoryTruncated || tooMany,
                    tooMany ? history.subList(1, history.size()) : history,
                    originalAncestor);
        }
    }

    /** The ancestor that a timeline was cut loose from, where it had branched off, and when it was cut. */
    public record OriginalAncestor(TimelineId timeline, Lsn lsn, Instant detachedAt) {}

    /**
     * What applies to a timeline for a time. Each is null if it does not apply, or is not known.
     *
     * @param deletedAt since when its deletion is decided
     * @param archivedAt since when it is archived
     * @param importPgdata the import it came from, a JSON object that is Neon's business; kept as it was read
     * @param gcBlocking why its layers may not be removed
     * @param lastAuxFilePolicy how auxiliary files were last written
     * @param relSizeMigration which relation directory counts
     * @param l2Lsn not used any more; kept as it was read
     * @param gcCompactedLsn up to where history was last compacted
     * @param markedInvisibleAt since when it does not count for synthetic sizes
     * @param relSizeMigratedAt from which LSN on only relation directory version 2 counts
     * @param extension what Palimpsest itself adds: the JSON object {@code palimpsest}. Nothing yet; kept as it was read,
     *     so that a server that goes back to this version loses nothing of what a newer one wrote
     */
    public record State(
            @Nullable Instant deletedAt,
            @Nullable Instant archivedAt,
            @Nullable String importPgdata,
            @Nullable GcBlocking gcBlocking,
            @Nullable AuxFilePolicy lastAuxFilePolicy,
            @Nullable RelSizeMigration relSizeMigration,
            @Nullable Lsn l2Lsn,
            @Nullable Lsn gcCompactedLsn,
            @Nullable Instant markedInvisibleAt,
            @Nullable Lsn relSizeMigratedAt,
            @Nullable String extension) {
        /** Nothing special. */
        public static final State NONE = new State(null, null, null, null, null, null, null, null, null, null, null);

        /** The same with its deletion decided. */
        public State deletedAt(Instant instant) {
            return new State(
                    instant,
                    archivedAt,
                    importPgdata,
                    gcBlocking,
                    lastAuxFilePolicy,
                    relSizeMigration,
                    l2Lsn,
                    gcCompactedLsn,
                    markedInvisibleAt,
                    relSizeMigratedAt,
                    extension);
        }

        /** The same, archived or, if null, not. */
        public State archivedAt(@Nullable Instant instant) {
            return new State(
                    deletedAt,
                    instant,
                    importPgdata,
                    gcBlocking,
                    lastAuxFilePolicy,
                    relSizeMigration,
                    l2Lsn,
                    gcCompactedLsn,
                    markedInvisibleAt,
                    relSizeMigratedAt,
                    extension);
        }

        /** The same with GC blocked for this or, if null, for no reason. */
        public State withGcBlocking(@Nullable GcBlocking blocking) {
            return new State(
                    deletedAt,
                    archivedAt,
                    importPgdata,
                    blocking,
                    lastAuxFilePolicy,
                    relSizeMigration,
                    l2Lsn,
                    gcCompactedLsn,
                    markedInvisibleAt,
                    relSizeMigratedAt,
                    extension);
        }

        /** The same with its history compacted up to an LSN. */
        public State gcCompactedTo(Lsn lsn) {
            return new State(
                    deletedAt,
                    archivedAt,
                    importPgdata,
                    gcBlocking,
                    lastAuxFilePolicy,
                    relSizeMigration,
                    l2Lsn,
                    lsn,
                    markedInvisibleAt,
                    relSizeMigratedAt,
                    extension);
        }

        /** The same with another JSON object of Palimpsest's own. */
        public State withExtension(@Nullable String json) {
            return new State(
                    deletedAt,
                    archivedAt,
                    importPgdata,
                    gcBlocking,
                    lastAuxFilePolicy,
                    relSizeMigration,
                    l2Lsn,
                    gcCompactedLsn,
                    markedInvisibleAt,
                    relSizeMigratedAt,
                    json);
        }

        /** The same with another relation directory that counts. */
        public State withRelSizeMigration(@Nullable RelSizeMigration migration) {
            return new State(
                    deletedAt,
                    archivedAt,
                    importPgdata,
                    gcBlocking,
                    lastAuxFilePolicy,
                    migration,
                    l2Lsn,
                    gcCompactedLsn,
                    markedInvisibleAt,
                    relSizeMigratedAt,
                    extension);
        }
    }

    /** Why GC is blocked, and since when. */
    public record GcBlocking(Instant startedAt, Set<GcBlockingReason> reasons) {
        /** What is there already, or nothing, and one reason more. */
        public static GcBlocking with(@Nullable GcBlocking blocking, GcBlockingReason reason, Instant now) {
            if (blocking == null) {
                return new GcBlocking(now, Set.of(reason));
            }
            Set<GcBlockingReason> all = EnumSet.of(reason);
            all.addAll(blocking.reasons);
            return new GcBlocking(blocking.startedAt, all);
        }

        /** What is there but for one reason; null if there is no other. */
        public static @Nullable GcBlocking without(@Nullable GcBlocking blocking, GcBlockingReason reason) {
            if (blocking == null) {
                return null;
            }
            Set<GcBlockingReason> others = EnumSet.noneOf(GcBlockingReason.class);
            others.addAll(blocking.reasons);
            others.remove(reason);
            return others.isEmpty() ? null : new GcBlocking(blocking.startedAt, others);
        }

        /** Keeps a copy of the reasons, in the order of their declaration. */
        public GcBlocking {
            Set<GcBlockingReason> ordered = EnumSet.noneOf(GcBlockingReason.class);
            ordered.addAll(reasons);
            reasons = Collections.unmodifiableSet(ordered);
        }
    }

    /** Why GC may be blocked. */
    public enum GcBlockingReason {
        /** Somebody asked for it. */
        MANUAL("Manual"),
        /** A timeline is being cut loose from its ancestor. */
        DETACH_ANCESTOR("DetachAncestor");

        private final String text;

        GcBlockingReason(String text) {
            this.text = text;
        }

        /** How it is written in the index part. */
        @Override
        public String toString() {
            return text;
        }
    }

    /** How auxiliary files are kept. */
    public enum AuxFilePolicy {
        /** All in one value. */
        V1("v1"),
        /** A key for each hash. */
        V2("v2"),
        /** Both, and compared. */
        CROSS_VALIDATION("cross-validation");

        private final String text;

        AuxFilePolicy(String text) {
            this.text = text;
        }

        /** How it is written in the index part. */
        @Override
        public String toString() {
            return text;
        }
    }

    /** Which of the two relation directories counts. */
    public enum RelSizeMigration {
        /** Version 1. */
        LEGACY("legacy"),
        /** Version 1, while both are written. */
        MIGRATING("migrating"),
        /** Version 2, from an LSN on. */
        MIGRATED("migrated");

        private final String text;

        RelSizeMigration(String text) {
            this.text = text;
        }

        /** How it is written in the index part. */
        @Override
        public String toString() {
            return text;
        }
    }

    /** What holds of every index part that was ever published. */
    public enum Invariant {
        /** A branch point is a position. */
        ANCESTOR_LSN_IS_VALID(index -> {
            TimelineMetadata.Ancestor ancestor = index.metadata.ancestor();
            return ancestor == null || ancestor.lsn().isValid();
        }),
        /** A branch has what its ancestor has, from the start. */
        DISK_CONSISTENT_LSN_NOT_BELOW_ANCESTOR_LSN(index -> {
            TimelineMetadata.Ancestor ancestor = index.metadata.ancestor();
            return ancestor == null || !index.diskConsistentLsn().isBefore(ancestor.lsn());
        }),
        /** The previous record is not after the last one. Equal it is after an LSN was set twice. */
        PREV_RECORD_LSN_NOT_ABOVE_DISK_CONSISTENT_LSN(index -> {
            Lsn prev = index.metadata.prevRecordLsn();
            return prev == null || !prev.isAfter(index.diskConsistentLsn());
        }),
        /** GC keeps what is needed to read at the last flushed LSN. Before the first flush both stand for the start. */
        GC_CUTOFF_NOT_ABOVE_DISK_CONSISTENT_LSN(
                index -> !index.diskConsistentLsn().isValid()
                        || !index.metadata.latestGcCutoffLsn().isAfter(index.diskConsistentLsn())),
        /** History begins before it is flushed. */
        INITDB_LSN_NOT_ABOVE_DISK_CONSISTENT_LSN(
                index -> !index.diskConsistentLsn().isValid()
                        || !index.metadata.initdbLsn().isAfter(index.diskConsistentLsn())),
        /** What was flushed is somewhere: here, in an ancestor, or still to be imported; or it is being deleted. */
        FLUSHED_DATA_IS_SOMEWHERE(index -> !index.layers.isEmpty()
                || index.metadata.ancestor() != null
                || !index.diskConsistentLsn().isValid()
                || index.state.importPgdata != null
                || index.state.deletedAt != null);

        @SuppressWarnings("ImmutableEnumChecker") // the lambdas capture nothing
        private final Predicate<IndexPart> holds;

        Invariant(Predicate<IndexPart> holds) {
            this.holds = holds;
        }
    }

    /** The last LSN, inclusive, of which everything is in the layers or in the ancestor. */
    public Lsn diskConsistentLsn() {
        return metadata.diskConsistentLsn();
    }

    /** The invariants that do not hold; empty if all is well. */
    public List<Invariant> violations() {
        List<Invariant> violations = new ArrayList<>();
        for (Invariant invariant : Invariant.values()) {
            if (!invariant.holds.test(this)) {
                violations.add(invariant);
            }
        }
        return violations;
    }

    /**
     * To be called before an index part is published.
     *
     * @throws IllegalStateException if an invariant does not hold; names it
     */
    public void validate() {
        List<Invariant> violations = violations();
        if (!violations.isEmpty()) {
            throw new IllegalStateException("this must not become an index part: " + violations + " with "
                    + layers.size() + " layers, " + metadata);
        }
    }
}
