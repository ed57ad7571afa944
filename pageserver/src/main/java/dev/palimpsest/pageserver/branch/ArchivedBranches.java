package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.tenant.TenantBranches;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.timeline.ArchivedTimeline;
import dev.palimpsest.storage.timeline.TenantTimelines;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The branches in the archive: of each there is nothing here but a record. Safe for use by many threads. */
final class ArchivedBranches {
    private static final Logger LOG = LoggerFactory.getLogger(ArchivedBranches.class);

    private final Map<String, Archived> byName = new ConcurrentSkipListMap<>();
    private final Map<TimelineId, Archived> byTimeline = new ConcurrentHashMap<>();

    /** One of them. What the tenant says of the timeline is asked anew each time: its ancestor may change. */
    record Archived(TenantTimelines tenant, TimelineId id, BranchRecord record) {
        @Nullable
        ArchivedTimeline timeline() {
            return tenant.archived(id).orElse(null);
        }
    }

    /** What a tenant has archived. */
    static List<Archived> of(TenantTimelines tenant) throws CorruptionException {
        List<Archived> all = new ArrayList<>();
        for (ArchivedTimeline timeline : tenant.archived()) {
            String json = timeline.extension();
            if (json == null) {
                LOG.warn(
                        "archived timeline {} of tenant {} has no name, and is left alone",
                        timeline.id(),
                        tenant.tenant());
                continue;
            }
            BranchRecord record = BranchRecord.decode(json, "index part of timeline " + timeline.id());
            all.add(new Archived(tenant, timeline.id(), record));
        }
        return all;
    }

    void add(Archived one) {
        byName.put(one.record().name(), one);
        byTimeline.put(one.id(), one);
    }

    /** Those of a tenant are not here any more. */
    void removeAll(TenantId tenant) {
        byName.values().removeIf(one -> one.tenant().tenant().equals(tenant));
        byTimeline.values().removeIf(one -> one.tenant().tenant().equals(tenant));
    }

    /** What there is of each tenant that has archived something. */
    Map<TenantId, TenantBranches.Size> sizes() {
        Map<TenantId, TenantBranches.Size> sizes = new TreeMap<>();
        for (Archived one : byName.values()) {
            ArchivedTimeline timeline = one.timeline();
            if (timeline != null) {
                sizes.merge(
                        one.tenant().tenant(),
                        new TenantBranches.Size(1, timeline.layerBytes(), 0),
                        TenantBranches.Size::plus);
            }
        }
        return sizes;
    }

    int size() {
        return byName.size();
    }

    void remove(String name) {
        Archived gone = byName.remove(name);
        if (gone != null) {
            byTimeline.remove(gone.id(), gone);
        }
    }

    @Nullable
    Archived get(String name) {
        return byName.get(name);
    }

    /** Why a branch is not among those that are at work: it is archived, or there is none. */
    BranchException missing(String name) {
        return missing(name, false, List.of());
    }

    /**
     * The same.
     *
     * @param noneAtWork whether there are no branches at work
     * @param notServing tenants that may have the branch and do not serve it now, with the reason
     */
    BranchException missing(String name, boolean noneAtWork, List<String> notServing) {
        return byName.containsKey(name)
                ? new BranchException(
                        BranchException.Kind.CONFLICT,
                        "branch " + name + " is archived; take it back with: palimpsest branch unarchive " + name)
                : new BranchException(
                        BranchException.Kind.NOT_FOUND,
                        "there is no branch " + name + (noneAtWork ? "; nothing is attached yet" : "")
                                + notServing.stream()
                                        .map(problem -> "; " + problem)
                                        .collect(Collectors.joining()));
    }

    /** The names of those that left a timeline. */
    List<String> from(TimelineId ancestor) {
        return byName.values().stream()
                .filter(one -> ancestor.equals(ancestor(one)))
                .map(one -> one.record().name())
                .toList();
    }

    private static @Nullable TimelineId ancestor(Archived one) {
        ArchivedTimeline timeline = one.timeline();
        TimelineMetadata.Ancestor at = timeline == null ? null : timeline.ancestor();
        return at == null ? null : at.timeline();
    }

    /** The name of the one whose timeline it is; empty if it is none of the tenant's. */
    Optional<String> nameOf(TenantId tenant, TimelineId id) {
        return Optional.ofNullable(byTimeline.get(id))
                .filter(one -> one.tenant().tenant().equals(tenant))
                .map(one -> one.record().name());
    }

    /** The one whose timeline it is. */
    @Nullable
    Archived of(TimelineId id) {
        return byTimeline.get(id);
    }

    /** All of them, as Neon's API shows them. */
    List<ArchivedView> list() {
        return byName.values().stream()
                .flatMap(one -> {
                    ArchivedTimeline timeline = one.timeline();
                    if (timeline == null) {
                        return Stream.empty(); // it is being taken back, or deleted
                    }
                    TimelineMetadata.Ancestor at = timeline.ancestor();
                    return Stream.of(new ArchivedView(
                            one.record().name(),
                            one.tenant().tenant().toString(),
                            one.id().toString(),
                            at == null ? null : at.timeline().toString(),
                            at == null ? null : at.lsn(),
                            timeline.archivedAt()));
                })
                .toList();
    }

    /** All of them, as branches. */
    List<BranchView> views(OpenBranches branches) {
        return byName.values().stream()
                .map(one -> view(one, branches))
                .flatMap(Optional::stream)
                .toList();
    }

    /** One of them as a branch; empty if it is being taken back, or deleted. */
    Optional<BranchView> view(Archived one, OpenBranches branches) {
        ArchivedTimeline timeline = one.timeline();
        if (timeline == null) {
            return Optional.empty();
        }
        TimelineMetadata.Ancestor at = timeline.ancestor();
        BranchRecord record = one.record();
        return Optional.of(new BranchView(
                record.name(),
                one.tenant().tenant().toString(),
                one.id().toString(),
                timeline.pgVersion(),
                BranchView.Phase.ARCHIVED,
                at == null ? null : name(at.timeline(), branches),
                at == null ? null : at.lsn(),
                record.createdAt(),
                Lsn.max(firstReadable(one, branches), timeline.gcCutoffLsn()),
                timeline.diskConsistentLsn(),
                timeline.diskConsistentLsn(),
                timeline.diskConsistentLsn(),
                timeline.gcCutoffLsn(),
                timeline.layers(),
                timeline.layerBytes(),
                0,
                BranchView.Downloads.NONE,
                null,
                null,
                -1,
                -1,
                List.of(),
                null));
    }

    private @Nullable String name(TimelineId id, OpenBranches branches) {
        Archived archived = of(id);
        if (archived != null) {
            return archived.record().name();
        }
        Branch branch = branches.of(id);
        return branch == null ? null : branch.name();
    }

    /** Where the history begins of the one that all the others came from. */
    private Lsn firstReadable(Archived one, OpenBranches branches) {
        TimelineId above = ancestor(one);
        if (above == null) {
            return one.record().readableFromLsn();
        }
        Archived archived = of(above);
        if (archived != null) {
            return firstReadable(archived, branches);
        }
        Branch branch = branches.of(above);
        BranchRecord first =
                branch == null ? one.record() : History.origin(branch, branches).record();
        return first.readableFromLsn();
    }
}
