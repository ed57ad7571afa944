package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.TimelineMetadata;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Where a timeline comes from and how far it reaches: as readers see it, and as the next index part is to say it. Safe for use
 * by many threads.
 */
final class Descent {
    /**
     * What the next index part says besides layers, GC cutoff and circumstances. It moves before {@code disk_consistent_lsn}
     * does.
     */
    record Described(TimelineMetadata metadata, IndexPart.Lineage lineage) {}

    private final AtomicReference<Described> described;
    private volatile Timeline.@Nullable BranchPoint branchPoint;

    Descent(TimelineMetadata metadata, IndexPart.Lineage lineage, Timeline.@Nullable BranchPoint branchPoint) {
        this.described = new AtomicReference<>(new Described(metadata, lineage));
        this.branchPoint = branchPoint;
    }

    Described described() {
        return described.get();
    }

    /** Where what the timeline does not have itself is looked for; null if nowhere. */
    Timeline.@Nullable BranchPoint branchPoint() {
        return branchPoint;
    }

    /** Everything up to {@code lsn} is in layers. */
    void flushedTo(Lsn lsn, @Nullable Lsn previous) {
        described.updateAndGet(now -> new Described(now.metadata.flushedTo(lsn, previous), now.lineage));
    }

    /** The next index part names no ancestor. Everything that is inherited is in the layer map by now. Done once only. */
    void cutLoose(IndexPart.OriginalAncestor from) {
        described.updateAndGet(now -> now.metadata.ancestor() == null
                ? now
                : new Described(now.metadata.withAncestor(null), now.lineage.cutLoose(from)));
    }

    /** Whether the next index part names no ancestor, though readers may still look there. */
    boolean isCutLoose() {
        return described.get().metadata.ancestor() == null;
    }

    /** The next index part names another ancestor, which has the same up to the branch point. */
    void moveTo(TimelineMetadata.Ancestor other) {
        described.updateAndGet(now -> {
            TimelineMetadata.Ancestor ancestor = now.metadata.ancestor();
            return ancestor == null || ancestor.equals(other)
                    ? now
                    : new Described(now.metadata.withAncestor(other), now.lineage.movedAwayFrom(ancestor.timeline()));
        });
    }

    /** From now on readers look there. The index part in force says so already. */
    void setBranchPoint(Timeline.@Nullable BranchPoint next) {
        branchPoint = next;
    }
}
