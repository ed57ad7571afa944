package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.simulation.SimulatedNode.Directory;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Names that were changed and not synced. A journaling file system may have written any of the changes before a crash, but
 * changes of one name in their order, and a rename so that the file is under one of its names or, across directories, under
 * both, never under none.
 */
final class NameJournal {
    private final List<Operation> pending = new ArrayList<>();

    /** A name, and what it stands for from now on; null if it has gone. */
    record Change(
            Directory directory, String name, @Nullable SimulatedNode node) {
        private void apply() {
            if (node == null) {
                directory.durable.remove(name);
            } else {
                directory.durable.put(name, node);
            }
        }

        private boolean isOfSameName(Change other) {
            return directory == other.directory && name.equals(other.name);
        }
    }

    /** Changes that belong together; of a rename the new name first. */
    private record Operation(List<Change> changes) {}

    /** A change that is visible now and not durable. */
    void add(Change... changes) {
        pending.add(new Operation(new ArrayList<>(List.of(changes))));
    }

    /** Makes durable what was changed in a directory; of a rename out of it also the new name, so that a file never has none. */
    void sync(Directory directory) {
        for (int i = 0; i < pending.size(); i++) {
            List<Change> changes = pending.get(i).changes;
            int count = changes.size();
            while (count > 0 && changes.get(count - 1).directory != directory) {
                count--;
            }
            List<Change> durable = changes.subList(0, count);
            for (Change change : durable) {
                change.apply();
                // What came before in another directory must not come over it when that is synced.
                pending.subList(0, i).forEach(earlier -> earlier.changes.removeIf(change::isOfSameName));
            }
            durable.clear();
        }
        pending.removeIf(operation -> operation.changes.isEmpty());
    }

    /** Decides what became durable of all that is pending, and forgets it. */
    void crash(RandomGenerator random) {
        double kept = random.nextInt(5) / 4.0;
        List<Change> lost = new ArrayList<>();
        for (Operation operation : pending) {
            boolean keep = random.nextDouble() < kept;
            for (Change change : operation.changes) {
                keep = keep && lost.stream().noneMatch(change::isOfSameName);
            }
            boolean isAcross = operation.changes.size() == 2
                    && operation.changes.get(0).directory != operation.changes.get(1).directory;
            for (Change change : operation.changes) {
                if (keep) {
                    change.apply();
                    keep = !isAcross || random.nextDouble() < 0.75;
                } else {
                    lost.add(change);
                }
            }
        }
        pending.clear();
    }
}
