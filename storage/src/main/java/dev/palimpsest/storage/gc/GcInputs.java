package dev.palimpsest.storage.gc;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.compaction.RetainedHistory;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What of a timeline's history is retained: everything from the cutoff on, and some LSNs below it.
 *
 * @param space history from here on is kept for the sake of its size, whatever its age
 * @param time history from here on is kept for the sake of its age (the PITR interval); null if it is not known yet, and then
 *     everything is kept
 * @param branchPoints where other timelines branched off, inclusive
 * @param leases LSNs below the cutoff that somebody may still read
 * @param inherited what those that descend from the timeline read there
 */
public record GcInputs(
        Lsn space,
        @Nullable Lsn time,
        Collection<Lsn> branchPoints,
        Collection<Lsn> leases,
        RetainedHistory inherited) {
    /** Keeps copies of the collections. */
    public GcInputs {
        branchPoints = List.copyOf(branchPoints);
        leases = List.copyOf(leases);
    }

    /** Of a timeline of whose branches no more is known than where they branched off. */
    public GcInputs(Lsn space, @Nullable Lsn time, Collection<Lsn> branchPoints, Collection<Lsn> leases) {
        this(space, time, branchPoints, leases, RetainedHistory.NONE);
    }

    /** Keeps everything from one LSN on, for whichever reason. */
    public static GcInputs keepFrom(Lsn cutoff) {
        return new GcInputs(cutoff, cutoff, List.of(), List.of());
    }

    /** The same with the branch points of a timeline. */
    public GcInputs withBranchPoints(Collection<Lsn> points) {
        return new GcInputs(space, time, points, leases, inherited);
    }

    /** The same with other leases. */
    public GcInputs withLeases(Collection<Lsn> lsns) {
        return new GcInputs(space, time, branchPoints, lsns, inherited);
    }

    /** The same with what is read for the sake of those that descend from a timeline. */
    public GcInputs withInherited(RetainedHistory history) {
        return new GcInputs(space, time, branchPoints, leases, history);
    }

    /** The same, but keeping everything from {@code lsn} on at least. */
    public GcInputs notBeyond(Lsn lsn) {
        Lsn known = time;
        return new GcInputs(
                Lsn.min(space, lsn), known == null ? null : Lsn.min(known, lsn), branchPoints, leases, inherited);
    }

    /** Where readable history begins, apart from single points: the lesser of both limits; 0/0 if everything is kept. */
    public Lsn cutoff() {
        Lsn known = time;
        return known == null ? Lsn.INVALID : Lsn.min(space, known);
    }
}
