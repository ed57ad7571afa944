package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.context.Gate;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Tasks;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * From which LSN on a timeline can be read, and who is reading: those who began in one epoch are inside a gate of their own, so
 * that GC can wait for all who began before a moment while newcomers go on in the next epoch.
 *
 * <p>Safe for use by many threads; a reader pays one atomic addition when it comes and one when it goes.
 */
final class ReadableHistory {
    /**
     * @param cutoff reads below it are refused
     * @param leased but for these
     * @param readers who came in during this epoch
     * @param past gates of epochs before it, of which some may still have readers
     */
    private record Epoch(Lsn cutoff, Set<Lsn> leased, Gate readers, List<Gate> past) {}

    private final String name;
    private final Tasks tasks;
    private final AtomicReference<Epoch> current;
    /** LSNs that somebody holds, and how many do. Guarded by itself, and so is the raising of the cutoff. */
    private final NavigableMap<Lsn, Integer> held = new TreeMap<>();

    ReadableHistory(String name, Lsn cutoff, Tasks tasks) {
        this.name = name;
        this.tasks = tasks;
        this.current = new AtomicReference<>(new Epoch(cutoff, Set.of(), newGate(), List.of()));
    }

    private Gate newGate() {
        return new Gate("reading " + name, tasks.newSignal());
    }

    /** Reads below this LSN are refused. */
    Lsn cutoff() {
        return current.get().cutoff;
    }

    /** Whether there is history at an LSN, as of now. */
    boolean isReadable(Lsn lsn) {
        Epoch epoch = current.get();
        return !lsn.isBefore(epoch.cutoff) || epoch.leased.contains(lsn);
    }

    /** Comes in to read at an LSN; null if it cannot be read any more. */
    Gate.@Nullable Guard enter(Lsn lsn) throws CancelledException {
        Gate.Guard guard = enterAnywhere();
        // Looked at when inside: a cutoff that is raised after this waits for this reader before anything goes.
        if (!isReadable(lsn)) {
            guard.close();
            return null;
        }
        return guard;
    }

    /** Comes in for what is retained whatever the cutoff: on behalf of a branch, at or below where it branched off. */
    Gate.Guard enterAnywhere() throws CancelledException {
        while (true) {
            Epoch epoch = current.get();
            try {
                return epoch.readers.enter();
            } catch (CancelledException e) {
                if (current.get().readers == epoch.readers) {
                    throw e;
                }
            }
        }
    }

    /** Holds an LSN: it stays readable, whatever the cutoff becomes, until as many have let go. False if it is not readable. */
    boolean hold(Lsn lsn) {
        synchronized (held) {
            // The cutoff does not rise between the look and the note.
            if (!isReadable(lsn)) {
                return false;
            }
            held.merge(lsn, 1, Integer::sum);
            return true;
        }
    }

    /** Ends one {@link #hold}; what only this one held goes when the cutoff is raised the next time. */
    void letGo(Lsn lsn) {
        synchronized (held) {
            held.computeIfPresent(lsn, (_, holders) -> holders == 1 ? null : holders - 1);
        }
    }

    /** The LSNs that are held, in ascending order. */
    List<Lsn> held() {
        synchronized (held) {
            return List.copyOf(held.keySet());
        }
    }

    /** LSNs that may be read, or come to be held, though they are or will be below the cutoff. */
    Set<Lsn> singles() {
        synchronized (held) {
            Set<Lsn> all = new HashSet<>(current.get().leased);
            all.addAll(held.keySet());
            return all;
        }
    }

    /**
     * From now on reads below {@code cutoff} are refused, but for those at LSNs that are leased or held. Never goes back.
     *
     * @return what may still be read below the cutoff
     */
    Set<Lsn> advance(Lsn cutoff, Collection<Lsn> leased) {
        synchronized (held) {
            Set<Lsn> kept = new HashSet<>(leased);
            kept.addAll(held.keySet());
            begin(cutoff, Set.copyOf(kept));
            return kept;
        }
    }

    /** Waits for all who came in before the call. */
    void awaitReaders(RequestContext context) throws CancelledException, DeadlineExceededException {
        for (Gate gate : begin(Lsn.INVALID, null)) {
            gate.close(context);
        }
    }

    /** Begins an epoch, with what was leased in the last if {@code leased} is null; returns the gates of those before it. */
    private List<Gate> begin(Lsn cutoff, @Nullable Set<Lsn> leased) {
        Gate readers = newGate();
        Epoch begun = current.updateAndGet(old -> {
            List<Gate> past = new ArrayList<>(old.past);
            past.removeIf(Gate::isClosed);
            past.add(old.readers);
            return new Epoch(
                    Lsn.max(old.cutoff, cutoff), leased == null ? old.leased : leased, readers, List.copyOf(past));
        });
        begun.past.getLast().closeToNewcomers();
        return begun.past;
    }
}
