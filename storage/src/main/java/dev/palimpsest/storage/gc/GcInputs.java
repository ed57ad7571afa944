package dev.palimpsest.storage.gc;

import dev.palimpsest.postgres.Lsn;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What of a timeline's history is retained: everything from the cutoff on, and single points below it.
 *
 * @param space history from here on is kept for the sake of its size, whatever its age
 * @param time history from here on is kept for the sake of its age (the PITR interval); null if it is not known yet, and then
 *     everything is kept
 * @param branchPoints where other timelines branched off, inclusive
 * @param leases LSNs below the cutoff that somebody may still read
 */
public record GcInputs(Lsn space, @Nullable Lsn time, Collection<Lsn> branchPoints, Collection<Lsn> leases) {
    /** Keeps copies of the collections. */
    public GcInputs {
        branchPoints = List.copyOf(branchPoints);
        leases = List.copyOf(leases);
    }

    /** Keeps everything from one LSN on, for whichever reason. */
    public static GcInputs keepFrom(Lsn cutoff) {
        return new GcInputs(cutoff, cutoff, List.of(), List.of());
    }

    /** The same with the branch points of a timeline. */
    public GcInputs withBranchPoints(Collection<Lsn> points) {
        return new GcInputs(space, time, points, leases);
    }

    /** The same with other leases. */
    public GcInputs withLeases(Collection<Lsn> lsns) {
        return new GcInputs(space, time, branchPoints, lsns);
    }

    /** The same, but keeping everything from {@code lsn} on at least. */
    public GcInputs notBeyond(Lsn lsn) {
        Lsn known = time;
        return new GcInputs(Lsn.min(space, lsn), known == null ? null : Lsn.min(known, lsn), branchPoints, leases);
    }

    /** Where readable history begins, apart from single points: the lesser of both limits; 0/0 if everything is kept. */
    public Lsn cutoff() {
        Lsn known = time;
        return known == null ? Lsn.INVALID : Lsn.min(space, known);
    }
}
