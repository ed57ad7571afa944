package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.ArchivedView;
import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.BrokenJob;
import dev.palimpsest.pageserver.branch.EndpointView;
import dev.palimpsest.pageserver.branch.LayerService;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.branch.PageVersion;
import dev.palimpsest.pageserver.branch.UpkeepService;
import dev.palimpsest.pageserver.datadir.BackupManifest;
import dev.palimpsest.pageserver.datadir.BootPoint;
import dev.palimpsest.pageserver.datadir.DataDirectorySink;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Branches that exist only as what is said of them. A commit is at every LSN that is a multiple of 0x1000, a second apart,
 * the one at 0/1000 at {@link #EPOCH}; the first that can be read is 0/2000. Public for the tests of commands too.
 */
public final class FakeBranches implements BranchService {
    public static final String TENANT = "000102030405060708090a0b0c0d0e0f";
    public static final String TIMELINE = "ffeeddccbbaa99887766554433221100";
    public static final Instant EPOCH = Instant.parse("2026-11-20T10:00:00Z");
    public static final Lsn FIRST = new Lsn(0x2000);
    public static final Lsn LAST = new Lsn(0x8123);

    private static final long STEP = 0x1000;

    private final SortedMap<String, BranchView> branches = new TreeMap<>();
    private final Map<String, Deque<AttachProgress>> attaching = new LinkedHashMap<>();
    private final SortedMap<String, EndpointView> endpoints = new TreeMap<>();

    private FakeLayers layers = new FakeLayers(this);

    /** What every call that changes or compares something was, in order. */
    public final List<String> calls = new ArrayList<>();

    /** What {@link #page} gives. */
    public byte[] page = new byte[8192];

    /** Those that the branches are of, and others. */
    private final FakeTenants tenants = new FakeTenants(this);

    /** What {@link #verify} finds. */
    public List<String> differences = List.of();

    /** What {@link #delete} leaves. */
    public List<String> left = List.of();

    /** What {@link #withProd} says keeps failing. */
    public List<BrokenJob> brokenJobs = List.of();

    /** Files of the data directory that {@link #restore} writes, by path; the control file comes last by itself. */
    public final SortedMap<String, byte[]> files = new TreeMap<>();

    /** Thrown by {@link #restore} after the files, before the control file. */
    public @Nullable BranchException failAfterFiles;

    /** Thrown by {@link #detach}, if set. */
    public @Nullable BranchException refusal;

    /** After how many bytes {@link #adopt} finds damage; negative for never. */
    public int adoptReads = -1;

    /** What {@link #adopt} does after the first byte. */
    public Runnable inAdopt = () -> {};

    /** Counted down when {@link #adopt} found that there is no more, before the end. */
    public final CountDownLatch adoptBrokeOff = new CountDownLatch(1);

    /** Thrown by every call that concerns a branch, if set. */
    public @Nullable RuntimeException bug;

    /** A branch that follows a source, 291 bytes behind it. */
    public synchronized FakeBranches withProd() {
        FollowState follow = new FollowState(
                FollowState.Phase.STREAMING, null, LAST, LAST.plus(291), EPOCH.plusSeconds(60), EPOCH.plusSeconds(7));
        branches.put(
                "prod",
                new BranchView(
                        "prod",
                        TENANT,
                        TIMELINE,
                        17,
                        BranchView.Phase.READY,
                        null,
                        null,
                        EPOCH,
                        FIRST,
                        LAST,
                        new Lsn(0x7800),
                        new Lsn(0x7000),
                        new Lsn(0x1800),
                        3,
                        12_345_678,
                        2_345_678,
                        new BranchView.Downloads(1, 2, 3_000_000, 500_000),
                        "host=db user=rep",
                        follow,
                        291,
                        1.5,
                        brokenJobs,
                        null));
        return this;
    }

    @Override
    public FakeTenants tenants() {
        return tenants;
    }

    /** Forgets all that was made and done, and begins {@link #withProd}. */
    public synchronized void reset() {
        branches.clear();
        attaching.clear();
        endpoints.clear();
        calls.clear();
        layers = new FakeLayers(this);
        refusal = null;
        tenants.reset();
        withProd();
    }

    /** The next answers about attaching a branch; the last stays. */
    public synchronized void attachAnswers(String name, AttachProgress... progress) {
        attaching.put(name, new ArrayDeque<>(List.of(progress)));
    }

    private BranchView find(String name) throws BranchException {
        if (bug != null) {
            throw bug;
        }
        BranchView branch = branches.get(name);
        if (branch == null) {
            throw new BranchException(BranchException.Kind.NOT_FOUND, "there is no branch " + name);
        }
        return branch;
    }

    @Override
    public synchronized List<BranchView> list() {
        return List.copyOf(branches.values());
    }

    @Override
    public synchronized BranchView view(String name) throws BranchException {
        return find(name);
    }

    @Override
    public synchronized Optional<String> nameOf(TenantId tenant, TimelineId timeline) {
        return branches.values().stream()
                .filter(branch -> branch.tenant().equals(tenant.toString())
                        && branch.timeline().equals(timeline.toString()))
                .map(BranchView::name)
                .findFirst();
    }

    @Override
    public synchronized AttachProgress attach(String name, String connection, @Nullable String slot)
            throws BranchException {
        calls.add("attach " + name + " to " + connection + " by " + slot);
        if (branches.containsKey(name)) {
            throw new BranchException(BranchException.Kind.CONFLICT, "there is a branch " + name + " already");
        }
        if (!attaching.containsKey(name)) {
            throw new BranchException(BranchException.Kind.INVALID, "wal_level is minimal\nthe user may not replicate");
        }
        return attachProgress(name);
    }

    @Override
    public synchronized long relationBytes(String name, Moment at) throws BranchException {
        find(name);
        return 1L << 20;
    }

    @Override
    public synchronized List<AttachProgress> attachments() {
        return attaching.values().stream()
                .map(Deque::peek)
                .filter(progress -> progress != null && (!progress.done() || progress.failure() != null))
                .toList();
    }

    @Override
    public synchronized AttachProgress attachProgress(String name) throws BranchException {
        Deque<AttachProgress> answers = attaching.get(name);
        if (answers == null) {
            throw new BranchException(BranchException.Kind.NOT_FOUND, "nobody is attaching a branch " + name);
        }
        return answers.size() > 1 ? answers.removeFirst() : answers.getFirst();
    }

    @Override
    public BranchView create(String name, String from, Moment at) throws BranchException {
        return create(name, TimelineId.parse("0000000000000000000000000000000" + branches.size()), from, at);
    }

    @Override
    public synchronized BranchView create(String name, TimelineId timeline, String from, Moment at)
            throws BranchException {
        Lsn lsn = resolve(from, at);
        calls.add("create " + name + " from " + from + " at " + at);
        if (branches.containsKey(name)) {
            throw new BranchException(BranchException.Kind.CONFLICT, "there is a branch " + name + " already");
        }
        BranchView made = new BranchView(
                name,
                TENANT,
                timeline.toString(),
                17,
                BranchView.Phase.READY,
                from,
                lsn,
                EPOCH.plusSeconds(100),
                lsn,
                lsn,
                lsn,
                lsn,
                Lsn.INVALID,
                0,
                0,
                0,
                BranchView.Downloads.NONE,
                null,
                null,
                -1,
                -1,
                List.of(),
                null);
        branches.put(name, made);
        return made;
    }

    @Override
    public synchronized List<String> delete(String name) throws BranchException {
        find(name);
        for (BranchView other : branches.values()) {
            if (name.equals(other.parent())) {
                throw new BranchException(BranchException.Kind.CONFLICT, other.name() + " came from " + name);
            }
        }
        calls.add("delete " + name);
        branches.remove(name);
        return left;
    }

    @Override
    public synchronized List<String> detach(String name) throws BranchException {
        BranchView branch = find(name);
        if (branch.parent() == null) {
            throw new BranchException(BranchException.Kind.INVALID, "branch " + name + " has no ancestor");
        }
        notArchived(branch);
        if (refusal != null) {
            throw refusal;
        }
        calls.add("detach " + name);
        List<String> moved = branches.values().stream()
                .filter(other ->
                        branch.parent().equals(other.parent()) && !other.name().equals(name))
                .map(BranchView::name)
                .toList();
        branches.put(name, changed(branch, branch.phase(), null));
        branches.replaceAll(
                (other, view) -> moved.contains(other) ? changed(view, BranchView.Phase.READY, name) : view);
        return moved;
    }

    private static BranchView changed(BranchView branch, BranchView.Phase phase, @Nullable String parent) {
        return new BranchView(
                branch.name(),
                branch.tenant(),
                branch.timeline(),
                branch.pgVersion(),
                phase,
                parent,
                parent == null ? null : branch.branchedAt(),
                branch.created(),
                branch.readableFrom(),
                branch.lastRecordLsn(),
                branch.diskConsistentLsn(),
                branch.remoteConsistentLsn(),
                branch.gcCutoffLsn(),
                branch.layers(),
                branch.layerBytes(),
                branch.residentBytes(),
                branch.downloads(),
                branch.source(),
                branch.follow(),
                branch.lagBytes(),
                branch.lagSeconds(),
                branch.brokenJobs(),
                branch.historyCompaction());
    }

    @Override
    public synchronized List<String> archive(String name, boolean force) throws BranchException {
        BranchView branch = find(name);
        if (branch.source() != null && !force) {
            throw new BranchException(BranchException.Kind.CONFLICT, "branch " + name + " follows " + branch.source());
        }
        calls.add("archive " + name);
        branches.put(name, changed(branch, BranchView.Phase.ARCHIVED, branch.parent()));
        return left;
    }

    static void notArchived(BranchView branch) throws BranchException {
        if (branch.phase() == BranchView.Phase.ARCHIVED) {
            throw new BranchException(BranchException.Kind.CONFLICT, "branch " + branch.name() + " is archived");
        }
    }

    @Override
    public synchronized BranchView unarchive(String name) throws BranchException {
        BranchView parent = branches.get(String.valueOf(find(name).parent()));
        if (parent != null) {
            notArchived(parent);
        }
        BranchView branch =
                changed(find(name), BranchView.Phase.READY, find(name).parent());
        calls.add("unarchive " + name);
        branches.put(name, branch);
        return branch;
    }

    @Override
    public synchronized List<ArchivedView> archived() {
        return branches.values().stream()
                .filter(branch -> branch.phase() == BranchView.Phase.ARCHIVED)
                .map(branch -> new ArchivedView(
                        branch.name(),
                        branch.tenant(),
                        branch.timeline(),
                        branch.parent() == null ? null : TIMELINE,
                        branch.branchedAt(),
                        EPOCH))
                .toList();
    }

    @Override
    public synchronized Lsn resolve(String name, Moment moment) throws BranchException {
        BranchView branch = find(name);
        Lsn lsn = switch (moment) {
            case Moment.Latest() -> branch.lastRecordLsn();
            case Moment.AtLsn(Lsn at) -> at;
            case Moment.AtTime(Instant time) ->
                Lsn.min(
                        branch.lastRecordLsn(),
                        new Lsn(Math.max(0, (time.getEpochSecond() - EPOCH.getEpochSecond() + 2) * STEP - 8)));
        };
        if (lsn.isBefore(branch.readableFrom()) || lsn.isAfter(branch.lastRecordLsn())) {
            throw new BranchException(
                    BranchException.Kind.INVALID, moment + " is not in the history of branch " + name);
        }
        return lsn;
    }

    @Override
    public synchronized @Nullable Instant timeOf(String name, Lsn lsn) throws BranchException {
        resolve(name, new Moment.AtLsn(lsn));
        return lsn.value() == FIRST.value() ? null : EPOCH.plusSeconds(lsn.value() / STEP - 1);
    }

    @Override
    public LayerService layers() {
        return layers;
    }

    @Override
    public UpkeepService upkeep() {
        return new FakeUpkeep(this);
    }

    @Override
    public AttachProgress adopt(String name, Moment to, RetentionOverride retention, InputStream archive)
            throws BranchException {
        synchronized (this) {
            if (branches.containsKey(name)) {
                throw new BranchException(BranchException.Kind.CONFLICT, "there is a branch " + name + " already");
            }
        }
        int bytes;
        try {
            bytes = archive.readNBytes(1).length;
            inAdopt.run();
            bytes += archive.readNBytes(adoptReads < 0 ? Integer.MAX_VALUE : adoptReads).length;
        } catch (IOException e) {
            adoptBrokeOff.countDown();
            throw new BranchException(BranchException.Kind.FAILED, "it broke off: " + e.getMessage(), e);
        }
        synchronized (this) {
            calls.add("adopt " + name + " to " + to + (retention.isNone() ? "" : " keeping " + retention));
            AttachProgress progress = new AttachProgress(
                    name,
                    "replaying WAL",
                    bytes,
                    bytes,
                    1,
                    FIRST,
                    LAST,
                    LAST,
                    List.of(),
                    true,
                    adoptReads < 0 ? null : "it is damaged");
            attaching.put(name, new ArrayDeque<>(List.of(progress)));
            if (adoptReads >= 0) {
                throw new BranchException(BranchException.Kind.INVALID, "it is damaged");
            }
            return progress;
        }
    }

    @Override
    public BootPoint restore(String name, Moment at, BackupManifest manifest, DataDirectorySink sink)
            throws BranchException {
        Lsn lsn = resolve(name, at);
        try {
            sink.directory("global");
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                int slash = file.getKey().lastIndexOf('/');
                if (slash > 0 && !file.getKey().startsWith("global/")) {
                    sink.directory(file.getKey().substring(0, slash));
                }
                write(sink, file.getKey(), file.getValue());
            }
            if (failAfterFiles != null) {
                throw failAfterFiles;
            }
            write(sink, "global/pg_control", ("control at " + lsn).getBytes(StandardCharsets.UTF_8));
            if (manifest == BackupManifest.INCLUDED) {
                write(sink, "backup_manifest", "{}".getBytes(StandardCharsets.UTF_8));
            }
            sink.complete();
        } catch (StorageException e) {
            throw new BranchException(BranchException.Kind.FAILED, String.valueOf(e.getMessage()), e);
        }
        return new BootPoint(2, new Lsn(0x1000028), new Lsn(0x1000100));
    }

    private static void write(DataDirectorySink sink, String path, byte[] content) throws StorageException {
        sink.startFile(path, content.length);
        sink.write(content, 0, content.length);
        sink.endFile();
    }

    @Override
    public synchronized byte[] page(String name, String relation, long block, Moment at) throws BranchException {
        calls.add("page " + relation + " " + block + " at " + resolve(name, at));
        return page.clone();
    }

    @Override
    public synchronized List<PageVersion> pageHistory(String name, String relation, long block, Moment at)
            throws BranchException {
        Lsn lsn = resolve(name, at);
        return List.of(
                new PageVersion(lsn, "Heap/INSERT: xid 740, off 3", 61, false),
                new PageVersion(FIRST, "image", 8192, true));
    }

    @Override
    public synchronized DirectoryComparison.Result verify(String name, Path directory, PageComparison.Server server)
            throws BranchException {
        notArchived(find(name));
        calls.add("verify " + name + " against " + directory + " of a " + server);
        return new DirectoryComparison.Result(12, 3456, differences);
    }

    @Override
    public synchronized EndpointView startEndpoint(String name, int port, @Nullable Path binaries)
            throws BranchException {
        BranchView branch = find(name);
        if (branch.source() != null) {
            throw new BranchException(BranchException.Kind.CONFLICT, "branch " + name + " follows " + branch.source());
        }
        calls.add("start " + name + " on port " + port + " with " + binaries);
        EndpointView endpoint = new EndpointView(
                name, port == 0 ? 54321 : port, "/srv/endpoints/" + name, "/usr/bin", 17, true, 4711, LAST, null);
        endpoints.put(name, endpoint);
        return endpoint;
    }

    @Override
    public synchronized EndpointView stopEndpoint(String name) throws BranchException {
        notArchived(find(name));
        EndpointView running = endpoints.remove(name);
        if (running == null) {
            throw new BranchException(BranchException.Kind.NOT_FOUND, "branch " + name + " has no endpoint");
        }
        calls.add("stop " + name);
        return new EndpointView(
                name, running.port(), running.directory(), running.binaries(), 17, false, 0, LAST, null);
    }

    @Override
    public synchronized List<EndpointView> endpoints() {
        return List.copyOf(endpoints.values());
    }
}
