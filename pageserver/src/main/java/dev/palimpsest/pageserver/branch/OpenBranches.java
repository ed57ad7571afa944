package dev.palimpsest.pageserver.branch;

import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * The branches that are at work, which archived ones are not: always those of now, by name and by timeline, so that what is asked
 * of one of ten thousand does not go through all of them. Safe for use by many threads. A branch that is found by its timeline is
 * found by its name too: it comes by name first, and goes by timeline first.
 */
final class OpenBranches {
    private final Map<String, Branch> byName = new ConcurrentSkipListMap<>();
    private final Map<TimelineId, Branch> byTimeline = new ConcurrentHashMap<>();

    /** The one of this name. */
    @Nullable
    Branch get(String name) {
        return byName.get(name);
    }

    boolean contains(String name) {
        return byName.containsKey(name);
    }

    /** The one whose timeline has this ID. */
    @Nullable
    Branch of(TimelineId id) {
        return byTimeline.get(id);
    }

    /** The name of the one whose timeline it is; empty if it is none of the tenant's. */
    Optional<String> nameOf(TenantId tenant, TimelineId id) {
        return Optional.ofNullable(byTimeline.get(id))
                .filter(branch -> branch.tenantId().equals(tenant))
                .map(Branch::name);
    }

    /** The one that another came from; null if that was attached or made independent, or if its parent has no name. */
    @Nullable
    Branch parent(Branch branch) {
        Timeline.BranchPoint point = branch.timeline().branchPoint();
        if (point == null) {
            return null;
        }
        Branch parent = byTimeline.get(point.ancestor().id());
        return parent != null && parent.timeline() == point.ancestor() ? parent : null;
    }

    /** All of them, in the order of their names. */
    Collection<Branch> all() {
        return byName.values();
    }

    /** The names of all of them. */
    Set<String> names() {
        return byName.keySet();
    }

    boolean isEmpty() {
        return byName.isEmpty();
    }

    /** Many are counted each time. */
    int size() {
        return byName.size();
    }

    /** A branch comes, under a name that is free. */
    void add(Branch branch) {
        byName.put(branch.name(), branch);
        byTimeline.put(branch.timeline().id(), branch);
    }

    /** The same unless there is a branch of this name already: somebody else was as fast. */
    void addIfNew(Branch branch) {
        if (byName.putIfAbsent(branch.name(), branch) == null) {
            byTimeline.put(branch.timeline().id(), branch);
        }
    }

    /** A branch goes, if it is still the one of its name. */
    void remove(Branch branch) {
        byTimeline.remove(branch.timeline().id(), branch);
        byName.remove(branch.name(), branch);
    }
}
