package dev.palimpsest.storage.check;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.RemotePaths;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Checks one tenant. Used once, by one thread. */
final class TenantCheck {
    private final StoreReads reads;
    private final TenantId tenant;
    private final @Nullable DeepCheck deep;
    private final Findings findings;

    TenantCheck(StoreReads reads, TenantId tenant, @Nullable DeepCheck deep, Findings findings) {
        this.reads = reads;
        this.tenant = tenant;
        this.deep = deep;
        this.findings = findings;
    }

    TenantReport run() throws StorageException {
        SortedSet<TimelineId> listed = timelines();
        // After the listing: what is created in between is in the manifest, and what is deleted is not.
        Claims claims = new ClaimsReader(reads, tenant, findings).read(deep != null);
        SortedSet<TimelineId> all = new TreeSet<>(listed);
        if (claims.inForce() != null) {
            all.addAll(claims.inForce().keySet());
        }
        List<TimelineCheck> checks = new ArrayList<>();
        for (TimelineId timeline : all) {
            TimelineCheck check = new TimelineCheck(reads, tenant, timeline, deep, findings);
            check.run(claims);
            checks.add(check);
        }
        SortedMap<TimelineId, TimelineMetadata> metadata = new TreeMap<>();
        for (TimelineCheck check : checks) {
            TimelineMetadata known = check.metadata();
            if (known != null) {
                metadata.put(check.timeline(), known);
            }
        }
        Lineage lineage = new Lineage(metadata);
        for (TimelineCheck check : checks) {
            for (LayerFinding found : check.layerFindings()) {
                findings.add(new Finding(
                        Finding.Severity.PROBLEM,
                        found.layer().key().value(),
                        found.offset(),
                        found.reason(),
                        lineage.consequence(found.layer()),
                        tenant,
                        check.timeline()));
            }
        }
        for (Map.Entry<TimelineId, TimelineMetadata> entry : metadata.entrySet()) {
            TimelineMetadata.Ancestor point = entry.getValue().ancestor();
            // Of an ancestor whose index part cannot be read it was told already.
            boolean isToldAlready = point != null
                    && !metadata.containsKey(point.timeline())
                    && claims.inForce() != null
                    && claims.inForce().containsKey(point.timeline());
            if (point != null && !isToldAlready) {
                checkAncestor(entry.getKey(), point, metadata, lineage);
            }
        }
        return new TenantReport(
                tenant,
                claims.last(),
                claims.published(),
                claims.manifests(),
                checks.stream()
                        .filter(check -> !check.isGone())
                        .map(TimelineCheck::report)
                        .toList());
    }

    /** The timelines that are listed. */
    private SortedSet<TimelineId> timelines() throws StorageException {
        SortedSet<TimelineId> ids = new TreeSet<>();
        String prefix = RemotePaths.timelines(tenant, ShardIndex.UNSHARDED);
        StoreReads.Folder found = reads.list(ListRequest.one(prefix));
        for (ObjectInfo object : found.objects()) {
            findings.foreign(object.key().value());
        }
        for (String folder : found.folders()) {
            try {
                ids.add(TimelineId.parse(folder.substring(prefix.length(), folder.length() - 1)));
            } catch (IllegalArgumentException e) {
                findings.foreign(folder);
            }
        }
        return ids;
    }

    private void checkAncestor(
            TimelineId timeline,
            TimelineMetadata.Ancestor point,
            SortedMap<TimelineId, TimelineMetadata> metadata,
            Lineage lineage) {
        String folder = RemotePaths.timeline(tenant, ShardIndex.UNSHARDED, timeline);
        TimelineMetadata ancestor = metadata.get(point.timeline());
        if (ancestor == null) {
            findings.problem(
                    folder,
                    "branched off from timeline " + point.timeline() + ", of which there is no index part in force",
                    "no server can load this tenant; of the branch only what was written after " + point.lsn()
                            + " is here",
                    tenant,
                    timeline);
            return;
        }
        if (lineage.isItsOwnAncestor(timeline)) {
            findings.problem(folder, "is an ancestor of itself", "no server can load this tenant", tenant, timeline);
            return;
        }
        TimelineMetadata.Ancestor further = ancestor.ancestor();
        if (point.lsn().isBefore(further == null ? ancestor.initdbLsn() : further.lsn())) {
            findings.problem(
                    folder,
                    "branched off from timeline " + point.timeline() + " at " + point.lsn()
                            + ", but the history of that one begins at "
                            + (further == null ? ancestor.initdbLsn() : further.lsn()),
                    "what the branch had before " + point.lsn() + " cannot be read",
                    tenant,
                    timeline);
        } else if (point.lsn().isAfter(ancestor.diskConsistentLsn())) {
            findings.warning(
                    folder,
                    "branched off from timeline " + point.timeline() + " at " + point.lsn() + ", of which the store has"
                            + " everything up to " + ancestor.diskConsistentLsn() + " only",
                    "reads of the branch wait until its ancestor has followed its source that far again",
                    tenant,
                    timeline);
        }
    }

    /** Which index part a server takes where no manifest says it. */
    static Generation newest(List<Generation> indexParts) {
        return indexParts.stream().max(Generation::compareTo).orElse(Generation.NONE);
    }
}
