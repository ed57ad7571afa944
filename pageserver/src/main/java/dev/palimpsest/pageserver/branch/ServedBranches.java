package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.datadir.PreviousRecord;
import dev.palimpsest.pageserver.datadir.TarSink;
import dev.palimpsest.pageserver.pageservice.ServedTimeline;
import dev.palimpsest.pageserver.pageservice.ServedTimelines;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.pageserver.relation.TimelineCluster;
import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.pageserver.tenant.Tenants;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.Hold;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The branches, as the page service sees them. */
final class ServedBranches implements ServedTimelines {
    private static final Logger LOG = LoggerFactory.getLogger(ServedBranches.class);

    private final OpenBranches branches;
    private final Tenants tenants;
    private final DataDirectoryWriter directories;
    private final ArchivedBranches archive;
    private final UpkeepService upkeep;
    private final Clock clock;

    ServedBranches(
            OpenBranches branches,
            ArchivedBranches archive,
            Tenants tenants,
            DataDirectoryWriter directories,
            UpkeepService upkeep,
            Clock clock) {
        this.branches = branches;
        this.archive = archive;
        this.tenants = tenants;
        this.directories = directories;
        this.upkeep = upkeep;
        this.clock = clock;
    }

    private Optional<Branch> branch(TimelineId timeline) {
        return Optional.ofNullable(branches.of(timeline));
    }

    private Branch known(TimelineId timeline) throws InvalidRequestException {
        return branch(timeline).orElseThrow(() -> new InvalidRequestException("timeline " + timeline + " is gone"));
    }

    @Override
    public Optional<ServedTimeline> find(TenantId tenant, TimelineId timeline) {
        return branch(timeline)
                .or(() -> isActive(tenant) ? branch(timeline) : Optional.empty())
                .filter(branch -> branch.tenantId().equals(tenant))
                .map(Branch::served);
    }

    /** Waits a few seconds for a tenant that is being loaded. */
    private boolean isActive(TenantId tenant) {
        try {
            tenants.awaitActive(tenant);
            return true;
        } catch (TenantException e) {
            LOG.debug("{}", e.getMessage());
            return false;
        }
    }

    @Override
    public boolean isArchived(TenantId tenant, TimelineId timeline) {
        ArchivedBranches.Archived archived = archive.of(timeline);
        return archived != null && archived.tenant().tenant().equals(tenant);
    }

    @Override
    public Optional<ThrottleSettings> throttle(TenantId tenant) {
        return tenants.throttles().own(tenant);
    }

    @Override
    public void writeDataDirectory(TimelineId timeline, Lsn lsn, OutputStream target, RequestContext context)
            throws StorageException {
        Branch branch = known(timeline);
        try (Hold _ = branch.timeline().hold(lsn);
                TarSink sink = new TarSink(_ -> new LeftOpen(target), clock.instant())) {
            TimelineCluster cluster = new TimelineCluster(branch.reader(lsn, context));
            directories.write(cluster, branch.bootOptions(cluster), sink, (_, _) -> {}, context.cancellation());
        }
    }

    @Override
    public void writeForCompute(
            TimelineId timeline, Lsn lsn, PreviousRecord previous, OutputStream target, RequestContext context)
            throws StorageException {
        Branch branch = known(timeline);
        try (Hold _ = branch.timeline().hold(lsn);
                TarSink sink = TarSink.likeNeons(new LeftOpen(target), clock.instant())) {
            directories.writeForCompute(
                    new TimelineCluster(branch.reader(lsn, context)), previous, sink, context.cancellation());
        }
    }

    @Override
    public Instant lease(TimelineId timeline, Lsn lsn) throws InvalidRequestException {
        try {
            return upkeep.lease(known(timeline).name(), lsn);
        } catch (BranchException e) {
            throw new InvalidRequestException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Closing an archive is not to close what it goes into. */
    private static final class LeftOpen extends FilterOutputStream {
        LeftOpen(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, length);
        }

        @Override
        public void close() throws IOException {
            flush();
        }
    }
}
