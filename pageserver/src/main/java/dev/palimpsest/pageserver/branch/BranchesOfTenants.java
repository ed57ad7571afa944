package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.tenant.TenantBranches;
import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.pageserver.walreceiver.WalReceiver;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes up the branches of tenants that come, and lets go of those of tenants that go. Safe for use by many threads. */
final class BranchesOfTenants implements TenantBranches {
    private static final Logger LOG = LoggerFactory.getLogger(BranchesOfTenants.class);

    private final OpenBranches branches;
    private final ArchivedBranches archive;
    private final ReentrantLock names;
    private final Attachments attachments;
    private final Endpoints endpoints;
    private final Sources sources;
    private final BranchUpkeep upkeep;
    private final Following following;
    private final RequestContext context;

    /** Begins to follow what a branch follows. */
    @FunctionalInterface
    interface Following {
        void follow(Branch branch) throws StorageException;
    }

    /**
     * @param branches those of tenants that come are put in, those of tenants that go are taken out
     * @param names held by whoever gives a branch a name
     */
    BranchesOfTenants(
            OpenBranches branches,
            ArchivedBranches archive,
            ReentrantLock names,
            Attachments attachments,
            Endpoints endpoints,
            Sources sources,
            BranchUpkeep upkeep,
            Following following,
            RequestContext context) {
        this.branches = branches;
        this.archive = archive;
        this.names = names;
        this.attachments = attachments;
        this.endpoints = endpoints;
        this.sources = sources;
        this.upkeep = upkeep;
        this.following = following;
        this.context = context;
    }

    @Override
    public void adopt(TenantTimelines tenant, RequestContext running) throws StorageException {
        List<Branch> found = new ArrayList<>();
        for (Timeline timeline : tenant.all()) {
            String json = timeline.indexPart().state().extension();
            if (json == null) {
                LOG.warn("timeline {} of tenant {} has no name, and is left alone", timeline.id(), tenant.tenant());
                continue;
            }
            BranchRecord record = BranchRecord.decode(json, "index part of timeline " + timeline.id());
            Branch branch = new Branch(tenant, timeline, record);
            if (record.attaching()) {
                giveUp(branch, running);
            } else {
                found.add(branch);
            }
        }
        List<ArchivedBranches.Archived> archived = ArchivedBranches.of(tenant);
        names.lock();
        try {
            for (Branch branch : found) {
                checkFree(branch.name(), tenant.tenant());
            }
            for (ArchivedBranches.Archived one : archived) {
                checkFree(one.record().name(), tenant.tenant());
            }
            found.forEach(branches::add);
            archived.forEach(archive::add);
        } finally {
            names.unlock();
        }
        boolean done = false;
        try {
            for (Branch branch : found) {
                if (branch.record().source() != null) {
                    following.follow(branch);
                }
            }
            done = true;
        } finally {
            if (!done) {
                letGo(tenant.tenant());
            }
        }
    }

    private void giveUp(Branch branch, RequestContext running) throws StorageException {
        String name = branch.name();
        if (!attachments.isIntended(name)) {
            LOG.warn("making {} was cut short; it is removed, attach or adopt it again", name);
            sources.dropSlot(branch);
        }
        branch.tenant().delete(branch.timeline().id(), running);
        sources.secrets().forget(branch.timeline().id());
    }

    private void checkFree(String name, TenantId tenant) throws InvalidRequestException {
        Branch branch = branches.get(name);
        ArchivedBranches.Archived archived = archive.get(name);
        TenantId owner = branch != null
                ? branch.tenantId()
                : archived == null ? null : archived.tenant().tenant();
        if (owner != null) {
            throw new InvalidRequestException("it has a branch " + name + " as tenant " + owner
                    + " has, and on one server names differ: detach or delete one of both, and reset tenant " + tenant);
        }
    }

    private List<Branch> of(TenantId tenant) {
        return branches.all().stream()
                .filter(branch -> branch.tenantId().equals(tenant))
                .toList();
    }

    @Override
    public void checkMayGo(TenantId tenant) throws TenantException {
        for (Branch branch : of(tenant)) {
            if (branch.record().attaching()) {
                throw new TenantException(
                        TenantException.Kind.CONFLICT,
                        "branch " + branch.name() + " of tenant " + tenant
                                + " is being attached: wait for that, or delete it");
            }
        }
    }

    @Override
    public void flush(TenantTimelines tenant, RequestContext running) throws StorageException {
        for (Timeline timeline : tenant.all()) {
            timeline.freezeAndFlush(running);
        }
    }

    @Override
    public void letGo(TenantId tenant) {
        for (Branch branch : of(tenant)) {
            branch.lifecycle.lock();
            try {
                stopEndpoint(branch);
                stopFollowing(branch);
                branches.remove(branch);
                upkeep.forget(branch);
            } finally {
                branch.lifecycle.unlock();
            }
        }
        archive.removeAll(tenant);
    }

    private void stopEndpoint(Branch branch) {
        BranchRecord.Source source = branch.record().source();
        if (source != null && source.endpoint()) {
            try {
                endpoints.stop(branch, context);
            } catch (BranchException | StorageException e) {
                LOG.warn("the endpoint of branch {} goes on: {}", branch.name(), e.getMessage());
            }
        }
    }

    static void stopFollowing(Branch branch) {
        WalReceiver receiver = branch.receiver();
        if (receiver != null) {
            receiver.close();
            branch.setReceiver(null);
        }
    }

    @Override
    public void forget(TenantId tenant) {
        for (Branch branch : of(tenant)) {
            branch.lifecycle.lock();
            try {
                BranchRecord.Source source = branch.record().source();
                stopFollowing(branch);
                endpoints.remove(branch);
                if (source != null && !source.endpoint()) {
                    sources.dropSlot(branch); // says itself what stays
                }
            } catch (BranchException e) {
                LOG.warn("the endpoint of branch {} stays: {}", branch.name(), e.getMessage());
            } finally {
                branch.lifecycle.unlock();
            }
            sources.secrets().forget(branch.timeline().id());
        }
        letGo(tenant);
    }

    @Override
    public Map<TenantId, Size> sizes() {
        Map<TenantId, Size> sizes = new TreeMap<>();
        for (Branch branch : branches.all()) {
            Timeline timeline = branch.timeline();
            long bytes = timeline.layers()
                    .historicLayers()
                    .mapToLong(layer -> ((PersistentLayer) layer).size())
                    .sum();
            sizes.merge(branch.tenantId(), new Size(1, bytes, timeline.residentBytes()), Size::plus);
        }
        archive.sizes().forEach((tenant, size) -> sizes.merge(tenant, size, Size::plus));
        return sizes;
    }

    @Override
    public void allLookedAt() {
        attachments.resume(branches.names());
    }
}
