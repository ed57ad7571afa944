package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.datadir.BackupManifest;
import dev.palimpsest.pageserver.datadir.BootPoint;
import dev.palimpsest.pageserver.datadir.DataDirectorySink;
import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.files.PrivateFiles;
import dev.palimpsest.pageserver.pageservice.ServedTimelines;
import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.pageserver.relation.TimelineCluster;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.pageserver.tenant.TenantDefaults;
import dev.palimpsest.pageserver.tenant.Tenants;
import dev.palimpsest.pageserver.upstream.ConnectionSettings;
import dev.palimpsest.pageserver.upstream.Problem;
import dev.palimpsest.pageserver.upstream.SourceChecks;
import dev.palimpsest.pageserver.walreceiver.WalReceiver;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every branch of a server. Safe for use by many threads. */
public final class Branches implements BranchService, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Branches.class);

    private final EmbeddedStore store;
    private final DataDirectoryWriter directories;
    private final Sources sources;
    private final Endpoints endpoints;
    private final java.time.Clock clock;
    private final Cancellation cancellation = new Cancellation();
    private final RequestContext context;
    private final SecureRandom random = new SecureRandom();
    private final ReentrantLock names = new ReentrantLock();
    private final OpenBranches branches = new OpenBranches();
    private final Attachments attachments;
    private final Adoptions adoptions;
    private final BranchUpkeep upkeep;
    private final ArchivedBranches archive = new ArchivedBranches();
    private final Departures departures;
    private final Tenants tenants;
    private final BranchLayers layers;

    /**
     * Loads every branch that the store has, and goes on following what was followed. Returns when every tenant was looked at.
     *
     * @param directory the server's, for what is kept besides layers: endpoints and passwords
     * @param binaries where PostgreSQL's programs are looked for first; null for the usual places only
     * @param environment the process's, for connection strings
     * @param retention what of their history is kept
     */
    public static Branches open(
            EmbeddedStore store,
            DataDirectoryWriter directories,
            Path directory,
            @Nullable Path binaries,
            Map<String, String> environment,
            java.time.Clock clock,
            RetentionSettings retention)
            throws StorageException, IOException {
        Branches all = new Branches(store, directories, directory, binaries, environment, clock, retention);
        all.tenants.startAndWait();
        return all;
    }

    /** The same, but nothing is loaded before somebody {@linkplain Tenants#start starts} its tenants. */
    public Branches(
            EmbeddedStore store,
            DataDirectoryWriter directories,
            Path directory,
            @Nullable Path binaries,
            Map<String, String> environment,
            java.time.Clock clock,
            RetentionSettings retention)
            throws IOException {
        this.store = store;
        this.directories = directories;
        this.sources = new Sources(new Secrets(directory.resolve("secrets")), Map.copyOf(environment));
        this.clock = clock;
        this.context = new RequestContext(TaskKind.LIFECYCLE, Clock.NEVER, cancellation);
        AttachTarget target = new AttachTarget();
        this.attachments =
                new Attachments(sources, target, new PrivateFiles(directory.resolve("attaching")), context, clock);
        this.adoptions = new Adoptions(target, clock);
        this.upkeep = new BranchUpkeep(branches, archive, store, retention, this::tenants, clock, context);
        this.endpoints = new Endpoints(directory.resolve("endpoints"), binaries, directories, environment);
        this.layers = new BranchLayers(branches, archive, clock, context);
        this.departures = new Departures(branches, archive, endpoints, sources, upkeep, context);
        this.tenants = new Tenants(
                store,
                new BranchesOfTenants(
                        branches, archive, names, attachments, endpoints, sources, upkeep, this::follow, context),
                new TenantDefaults(store.timelineConfig(), store.compactionSettings(), retention),
                directory.resolve("locations"));
    }

    @Override
    public Tenants tenants() {
        return tenants;
    }

    private Branch branch(String name) throws BranchException {
        Branch branch = branches.get(name);
        if (branch == null && archive.get(name) == null) {
            awaitAllLookedAt();
            branch = branches.get(name);
        }
        if (branch == null) {
            throw archive.missing(name, branches.isEmpty(), tenants.notServing());
        }
        return branch;
    }

    /** A name is known to be free, or not to be there, only when all tenants have told theirs. */
    private void awaitAllLookedAt() throws BranchException {
        if (!tenants.awaitAllLookedAt()) {
            throw new BranchException(
                    BranchException.Kind.UNAVAILABLE, "tenants are still being loaded, try again in a moment");
        }
    }

    private Branch readable(String name) throws BranchException {
        Branch branch = branch(name);
        if (!branch.isReadable()) {
            throw new BranchException(
                    BranchException.Kind.UNAVAILABLE,
                    "branch " + name + " cannot be read yet: it is at "
                            + branch.timeline().lastRecordLsn() + ", and is consistent from "
                            + branch.record().readableFrom() + " on");
        }
        return branch;
    }

    /** What can be read of them over the page service. */
    public ServedTimelines served() {
        return new ServedBranches(branches, archive, tenants, directories, upkeep, clock);
    }

    @Override
    public List<BranchView> list() {
        tenants.awaitAllLookedAt();
        return Stream.concat(branches.all().stream().map(this::view), archive.views(branches).stream())
                .sorted(Comparator.comparing(BranchView::name))
                .toList();
    }

    private BranchView view(Branch branch) {
        Branch parent = branches.parent(branch);
        return branch.view(
                parent == null ? null : parent.name(), history(branch).first(), clock.instant(), upkeep);
    }

    @Override
    public BranchView view(String name) throws BranchException {
        if (!branches.contains(name)) {
            awaitAllLookedAt();
        }
        ArchivedBranches.Archived archived = archive.get(name);
        Optional<BranchView> view = archived == null ? Optional.empty() : archive.view(archived, branches);
        return view.isPresent() ? view.get() : view(branch(name));
    }

    @Override
    public Optional<String> nameOf(TenantId tenant, TimelineId timeline) {
        return branches.nameOf(tenant, timeline).or(() -> archive.nameOf(tenant, timeline));
    }

    private void checkFree(String name) throws BranchException {
        awaitAllLookedAt();
        if (branches.contains(name)
                || archive.get(name) != null
                || attachments.isRunning(name)
                || adoptions.isRunning(name)) {
            throw new BranchException(BranchException.Kind.CONFLICT, "there is a branch " + name + " already");
        }
    }

    /**
     * Begins to attach a PostgreSQL. Checks it first: what stands in the way is in the exception, all of it.
     *
     * @param name of the new branch: 1 to 63 letters, digits, {@code -}, {@code _} and {@code .}, not beginning with a dot or dash
     * @param connection a connection string as libpq's
     * @param slot the physical slot to make; null for {@code palimpsest_NAME}
     */
    @Override
    public AttachProgress attach(String name, String connection, @Nullable String slot) throws BranchException {
        BranchName.check(name);
        ConnectionSettings settings = sources.settings(connection);
        String slotName = slot != null ? slot : BranchName.slot(name);
        checkFree(name);
        List<String> warnings = new ArrayList<>();
        List<String> errors = new ArrayList<>();
        for (Problem problem : SourceChecks.check(settings, slotName)) {
            (problem.severity() == Problem.Severity.ERROR ? errors : warnings).add(problem.message());
        }
        if (!errors.isEmpty()) {
            throw new BranchException(BranchException.Kind.INVALID, String.join("\n", errors));
        }
        names.lock();
        try {
            checkFree(name);
            return attachments.begin(name, connection, settings, slotName, warnings);
        } finally {
            names.unlock();
        }
    }

    /** What an attachment asks of us. */
    private final class AttachTarget implements Attachment.Target {
        @Override
        public Branch create(String name, @Nullable String connection, BranchRecord record, int pgVersion, Lsn start)
                throws StorageException {
            TenantId tenantId = TenantId.parse(randomId());
            TimelineId timelineId = TimelineId.parse(randomId());
            BranchRecord safe = connection == null ? record : sources.secrets().keep(timelineId, connection, record);
            TenantTimelines tenant = store.tenant(tenantId, context);
            tenants.made(tenant);
            Timeline timeline = tenant.create(timelineId, start, pgVersion, state(safe), context);
            Branch branch = new Branch(tenant, timeline, safe);
            branches.add(branch);
            return branch;
        }

        @Override
        public void follow(Branch branch) throws StorageException {
            Branches.this.follow(branch);
        }

        @Override
        public void undo(Branch branch) throws StorageException {
            branches.remove(branch);
            branch.tenant().delete(branch.timeline().id(), RequestContext.of(TaskKind.LIFECYCLE));
            sources.secrets().forget(branch.timeline().id());
        }
    }

    private String randomId() {
        byte[] id = new byte[16];
        random.nextBytes(id);
        return HexFormat.of().formatHex(id);
    }

    private static IndexPart.State state(BranchRecord record) {
        return IndexPart.State.NONE
                .withRelSizeMigration(IndexPart.RelSizeMigration.MIGRATED)
                .withExtension(record.encode());
    }

    private void follow(Branch branch) throws StorageException {
        BranchRecord record = branch.record();
        BranchRecord.Source source = record.source();
        WalReceiver following = branch.receiver();
        if (following != null) {
            following.connectNow();
            return;
        }
        if (source == null) {
            return;
        }
        ConnectionSettings settings;
        try {
            settings = sources.settings(branch, source);
        } catch (BranchException e) {
            throw new InvalidRequestException(
                    "the connection string of branch " + branch.name() + " is no good any more: " + e.getMessage(), e);
        }
        branch.setReceiver(WalReceiver.start(
                branch.timeline(),
                branch.lengths(),
                new WalReceiver.Source(
                        branch.name(),
                        settings,
                        source.slot(),
                        Long.parseUnsignedLong(source.systemIdentifier()),
                        record.pgTimeline(),
                        source.startLsn()),
                timeline -> switched(branch, timeline)));
    }

    /** Keeps that the source goes on in another timeline. */
    private void switched(Branch branch, int timeline) throws StorageException {
        LOG.info("branch {} goes on in timeline {} of its source", branch.name(), Integer.toUnsignedString(timeline));
        branch.update(branch.record().onPgTimeline(timeline), context);
    }

    @Override
    public AttachProgress attachProgress(String name) throws BranchException {
        tenants.awaitAllLookedAt(); // what was cut short begins anew then
        AttachProgress attaching = attachments.progress(name);
        AttachProgress progress = attaching != null ? attaching : adoptions.progress(name);
        if (progress == null) {
            throw new BranchException(
                    BranchException.Kind.NOT_FOUND, "nobody is attaching or adopting a branch " + name);
        }
        return progress;
    }

    @Override
    public List<AttachProgress> attachments() {
        tenants.awaitAllLookedAt();
        return Stream.concat(attachments.unfinished().stream(), adoptions.running().stream())
                .toList();
    }

    @Override
    public AttachProgress adopt(String name, Moment to, RetentionOverride retention, InputStream archive)
            throws BranchException {
        BranchName.check(name);
        Adoption adoption;
        names.lock();
        try {
            checkFree(name);
            adoption = adoptions.begin(name, to, retention);
        } finally {
            names.unlock();
        }
        return adoptions.run(adoption, archive);
    }

    /**
     * Makes a branch that shares its history up to a moment with another; with the one that this came from, if the moment is
     * before it left that. Durable on return.
     */
    @Override
    public BranchView create(String name, String from, Moment at) throws BranchException {
        return create(name, TimelineId.parse(randomId()), from, at);
    }

    @Override
    public BranchView create(String name, TimelineId id, String from, Moment at) throws BranchException {
        BranchName.check(name);
        History history = history(readable(from));
        Lsn lsn = history.resolve(at);
        Branch parent = history.at(lsn);
        names.lock();
        try (Hold _ = parent.timeline().hold(lsn)) {
            checkFree(name);
            ClusterReader reader = parent.reader(lsn, context);
            BranchRecord record = BranchRecord.branched(
                    name, clock.instant(), lsn, reader.checkPoint().timeline());
            Timeline timeline = parent.tenant().branch(id, parent.timeline().id(), lsn, state(record), context);
            Branch branch = new Branch(parent.tenant(), timeline, record);
            branches.add(branch);
            return view(branch);
        } catch (StorageException e) {
            if (branches.get(parent.name()) != parent) {
                throw archive.missing(parent.name()); // since a moment ago
            }
            throw failed("branch " + name + " cannot be made", e);
        } finally {
            names.unlock();
        }
    }

    static BranchException failed(String what, StorageException e) {
        return new BranchException(
                e instanceof InvalidRequestException ? BranchException.Kind.INVALID : BranchException.Kind.FAILED,
                what + ": " + e.getMessage(),
                e);
    }

    /**
     * Deletes a branch that none other comes from; its endpoint is stopped and its slot on the source dropped, if that can be
     * reached.
     *
     * @return what was left undone, for people; empty if nothing
     */
    @Override
    public List<String> delete(String name) throws BranchException {
        List<String> undone = attachments.cancel(name);
        if (undone != null) {
            return undone;
        }
        adoptions.refuseIfRunning(name);
        return departures.delete(name);
    }

    @Override
    public List<String> detach(String name) throws BranchException {
        return departures.detach(branch(name));
    }

    @Override
    public List<String> archive(String name, boolean force) throws BranchException {
        adoptions.refuseIfRunning(name);
        if (attachments.isRunning(name)) {
            throw new BranchException(BranchException.Kind.CONFLICT, "branch " + name + " is being attached");
        }
        return departures.archive(name, force);
    }

    @Override
    public BranchView unarchive(String name) throws BranchException {
        departures.unarchive(name);
        return view(name);
    }

    @Override
    public List<ArchivedView> archived() {
        return archive.list();
    }

    @Override
    public Lsn resolve(String name, Moment moment) throws BranchException {
        Branch branch = readable(name);
        return history(branch).resolve(moment);
    }

    private History history(Branch branch) {
        return new History(branch, branches, context);
    }

    @Override
    public @Nullable Instant timeOf(String name, Lsn lsn) throws BranchException {
        Branch branch = readable(name);
        try {
            return history(branch).timeOf(lsn);
        } catch (StorageException e) {
            throw failed("the time of " + lsn + " on branch " + name + " cannot be found", e);
        }
    }

    @Override
    public LayerService layers() {
        return layers;
    }

    @Override
    public UpkeepService upkeep() {
        return upkeep;
    }

    /** Begins to collect garbage by itself, if the settings say so; close the result before the store. */
    public AutoCloseable startGc(PrometheusRegistry metrics) {
        BranchGauges.register(branches, archive::size, clock, metrics);
        tenants.register(metrics);
        return upkeep.start(metrics);
    }

    @Override
    public long relationBytes(String name, Moment at) throws BranchException {
        Branch branch = readable(name);
        Lsn lsn = resolve(name, at);
        try (Hold _ = branch.timeline().hold(lsn)) {
            return new TimelineCluster(branch.reader(lsn, context)).relationBytes();
        } catch (StorageException e) {
            throw failed("the size of branch " + name + " cannot be read", e);
        }
    }

    /**
     * Writes a data directory that PostgreSQL starts from.
     *
     * @param sink is completed, and left to the caller to close
     */
    @Override
    public BootPoint restore(String name, Moment at, BackupManifest manifest, DataDirectorySink sink)
            throws BranchException {
        Branch branch = readable(name);
        Lsn lsn = resolve(name, at);
        try (Hold _ = branch.timeline().hold(lsn)) {
            TimelineCluster cluster = new TimelineCluster(branch.reader(lsn, context));
            return directories.write(
                    cluster, branch.bootOptions(cluster).withManifest(manifest), sink, (_, _) -> {}, cancellation);
        } catch (StorageException e) {
            throw failed("branch " + name + " cannot be restored as of " + lsn, e);
        }
    }

    /**
     * A page of a relation as of a moment, 8192 bytes.
     *
     * @param relation {@code TABLESPACE/DATABASE/FILE} as PostgreSQL's tools print it, or {@code base/DATABASE/FILE} as {@code
     *     pg_relation_filepath} does, with {@code _vm}, {@code _fsm} or {@code _init} for other forks
     */
    @Override
    public byte[] page(String name, String relation, long block, Moment at) throws BranchException {
        Branch branch = readable(name);
        return PageLookup.page(branch.reader(resolve(name, at), context), relation, block);
    }

    @Override
    public List<PageVersion> pageHistory(String name, String relation, long block, Moment at) throws BranchException {
        Branch branch = readable(name);
        return PageLookup.history(branch.timeline(), resolve(name, at), relation, block, context);
    }

    @Override
    public DirectoryComparison.Result verify(String name, Path directory, PageComparison.Server server)
            throws BranchException {
        return Verification.run(readable(name), directory, server, context);
    }

    /**
     * Boots a PostgreSQL at the end of a branch, or starts the one that is there again; its WAL goes into the branch.
     *
     * @param port on the loopback address; 0 for a free one
     * @param binaries the directory with {@code postgres}; null to look for one
     */
    @Override
    public EndpointView startEndpoint(String name, int port, @Nullable Path binaries) throws BranchException {
        Branch branch = readable(name);
        branch.lifecycle.lock();
        try {
            BranchRecord.Source source = branch.record().source();
            if (source != null && !source.endpoint()) {
                throw new BranchException(
                        BranchException.Kind.CONFLICT,
                        "branch " + name + " follows " + source.connection()
                                + ": nobody else may write to it. Make a branch from it, and start the endpoint there");
            }
            return endpoints.start(branch, port, binaries, context, () -> follow(branch));
        } catch (StorageException e) {
            throw failed("no endpoint can be started on branch " + name, e);
        } finally {
            branch.lifecycle.unlock();
        }
    }

    @Override
    public EndpointView stopEndpoint(String name) throws BranchException {
        Branch branch = branch(name);
        branch.lifecycle.lock();
        try {
            return endpoints.stop(branch, context);
        } catch (StorageException e) {
            throw failed("the endpoint of branch " + name + " cannot be stopped", e);
        } finally {
            branch.lifecycle.unlock();
        }
    }

    @Override
    public List<EndpointView> endpoints() {
        return endpoints.list(List.copyOf(branches.all()));
    }

    @Override
    public void close() {
        tenants.close();
        attachments.close();
        adoptions.close();
        for (Branch branch : branches.all()) {
            branch.lifecycle.lock();
            try {
                BranchRecord.Source source = branch.record().source();
                if (source != null && source.endpoint()) {
                    endpoints.stop(branch, context);
                }
            } catch (BranchException | StorageException e) {
                LOG.warn("the endpoint of branch {} goes on: {}", branch.name(), e.getMessage());
            } finally {
                branch.lifecycle.unlock();
            }
        }
        for (Branch branch : branches.all()) {
            WalReceiver receiver = branch.receiver();
            if (receiver != null) {
                receiver.close();
            }
            try {
                branch.timeline().freezeAndFlush(context);
            } catch (StorageException e) {
                LOG.warn("branch {} is not flushed: {}", branch.name(), e.getMessage());
            }
        }
        cancellation.cancel();
    }
}
