package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.datadir.BootPoint;
import dev.palimpsest.pageserver.datadir.DataDirectoryOptions;
import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.datadir.DirectorySink;
import dev.palimpsest.pageserver.endpoint.DirectoryTree;
import dev.palimpsest.pageserver.endpoint.PostgresProcess;
import dev.palimpsest.pageserver.endpoint.PostgresPrograms;
import dev.palimpsest.pageserver.endpoint.ServerUser;
import dev.palimpsest.pageserver.relation.TimelineCluster;
import dev.palimpsest.pageserver.upstream.ConnectionSettings;
import dev.palimpsest.pageserver.upstream.ReplicationConnection;
import dev.palimpsest.pageserver.upstream.UpstreamException;
import dev.palimpsest.pageserver.upstream.WalReservation;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.pageserver.walreceiver.WalReceiver;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.Hold;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The PostgreSQLs that run on branches. Each has a directory named by its timeline:
 *
 * <pre>
 *   data/                 the data directory
 *   tablespaces/OID/      the tablespaces
 *   endpoint.properties   port, programs, where it was booted
 *   server.log
 * </pre>
 *
 * <p>The directory is there from the first start until a stop at which the branch has got all of the WAL; then it is
 * deleted, and the next start makes a new one. So what is not in the branch yet is never lost: an endpoint that crashed is
 * started on the directory it had.
 */
final class Endpoints {
    private static final Logger LOG = LoggerFactory.getLogger(Endpoints.class);
    private static final String SLOT = "palimpsest";
    private static final Duration DRAIN = Duration.ofMinutes(2);
    private static final Duration CONNECT = Duration.ofSeconds(30);
    private static final long DRAIN_STEP_MILLIS = 100;
    private static final long NANOS_A_MILLI = 1_000_000;
    /** The longest path of a Unix domain socket is 107 bytes; {@code /.s.PGSQL.65535} comes after the directory's. */
    private static final int MAX_SOCKET_DIRECTORY = 90;

    private final Path directory;
    private final @Nullable Path binaries;
    private final DataDirectoryWriter writer;
    private final Map<String, String> environment;

    Endpoints(Path directory, @Nullable Path binaries, DataDirectoryWriter writer, Map<String, String> environment) {
        this.directory = directory.toAbsolutePath();
        this.binaries = binaries;
        this.writer = writer;
        this.environment = environment;
    }

    /** What is kept of an endpoint, beside its data directory. */
    private record Kept(int port, Path bin, String socket, Lsn bootedAt, int timeline, Lsn start) {
        void write(Path file) throws IOException {
            Properties properties = new Properties();
            properties.setProperty("port", String.valueOf(port));
            properties.setProperty("bin", bin.toString());
            properties.setProperty("socket", socket);
            properties.setProperty("bootedAt", bootedAt.toString());
            properties.setProperty("timeline", Integer.toUnsignedString(timeline));
            properties.setProperty("start", start.toString());
            try (var out = Files.newBufferedWriter(file)) {
                properties.store(out, null);
            }
        }

        static @Nullable Kept read(Path file) throws IOException {
            if (!Files.exists(file)) {
                return null;
            }
            Properties properties = new Properties();
            try (var in = Files.newBufferedReader(file)) {
                properties.load(in);
            }
            return new Kept(
                    Integer.parseInt(properties.getProperty("port")),
                    Path.of(properties.getProperty("bin")),
                    properties.getProperty("socket"),
                    Lsn.parse(properties.getProperty("bootedAt")),
                    Integer.parseUnsignedInt(properties.getProperty("timeline")),
                    Lsn.parse(properties.getProperty("start")));
        }
    }

    private Path home(Branch branch) {
        return directory.resolve(branch.timeline().id().toString());
    }

    private static Path data(Path home) {
        return home.resolve("data");
    }

    private @Nullable Kept kept(Branch branch) throws BranchException {
        try {
            return Kept.read(home(branch).resolve("endpoint.properties"));
        } catch (IOException | RuntimeException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED,
                    "what is kept of the endpoint of " + branch.name() + " cannot be read",
                    e);
        }
    }

    List<EndpointView> list(List<Branch> branches) {
        List<EndpointView> views = new ArrayList<>();
        for (Branch branch : branches) {
            try {
                Kept kept = kept(branch);
                if (kept != null) {
                    views.add(view(branch, kept, null));
                }
            } catch (BranchException e) {
                LOG.warn("{}", e.getMessage());
            }
        }
        return views;
    }

    private EndpointView view(Branch branch, Kept kept, @Nullable String problem) {
        Path data = data(home(branch));
        long pid = PostgresProcess.pid(data);
        return new EndpointView(
                branch.name(),
                kept.port,
                data.toString(),
                kept.bin.toString(),
                branch.timeline().pgVersion(),
                pid != 0,
                pid,
                kept.bootedAt,
                problem != null ? problem : pid == 0 ? "it crashed, or was stopped by hand: start it again" : null);
    }

    /** Makes the branch follow its source. */
    interface Follow {
        void begin() throws StorageException;
    }

    EndpointView start(Branch branch, int port, @Nullable Path preferred, RequestContext context, Follow follow)
            throws BranchException, StorageException {
        Path home = home(branch);
        try {
            Kept kept = kept(branch);
            if (kept != null && PostgresProcess.pid(data(home)) != 0) {
                throw new BranchException(
                        BranchException.Kind.CONFLICT,
                        "an endpoint runs on branch " + branch.name() + " already, on port " + kept.port);
            }
            PostgresVersion version = PostgresVersion.ofMajor(branch.timeline().pgVersion());
            ServerUser owner = ServerUser.ifRoot();
            if (kept == null) {
                String user = user(branch, context);
                PostgresPrograms programs = programs(version, preferred);
                long begin = System.nanoTime();
                kept = make(branch, home, programs, port == 0 ? freePort() : port, owner, context);
                long made = System.nanoTime();
                begin(branch, kept, user, owner, context);
                LOG.info(
                        "endpoint of {}: data directory as of {} made in {} ms, PostgreSQL running and followed {} ms later",
                        branch.name(),
                        kept.bootedAt,
                        (made - begin) / NANOS_A_MILLI,
                        (System.nanoTime() - made) / NANOS_A_MILLI);
            } else {
                LOG.info("endpoint of {}: starting again on what it had when it ended", branch.name());
                process(branch, kept, owner).start();
            }
            follow.begin();
            return view(branch, kept, null);
        } catch (IOException | UpstreamException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED,
                    "no endpoint could be started on branch " + branch.name() + ": " + e.getMessage(),
                    e);
        }
    }

    /** Starts it the first time. If that fails nothing is left of it: the branch has all there was. */
    private void begin(Branch branch, Kept kept, String user, @Nullable ServerUser owner, RequestContext context)
            throws IOException, UpstreamException, StorageException, BranchException {
        boolean begun = false;
        try {
            process(branch, kept, owner).start();
            beginToFollow(branch, kept, user, context);
            begun = true;
        } finally {
            if (!begun) {
                remove(branch);
            }
        }
    }

    /** As whom its WAL is taken back. */
    private static String user(Branch branch, RequestContext context) throws BranchException, StorageException {
        String user = LoginRole.of(branch.reader(branch.timeline().lastRecordLsn(), context));
        if (user == null) {
            throw new BranchException(
                    BranchException.Kind.UNAVAILABLE,
                    "no role of branch " + branch.name()
                            + " may both log in and replicate, so what an endpoint writes could not be taken back");
        }
        return user;
    }

    private PostgresPrograms programs(PostgresVersion version, @Nullable Path preferred) throws IOException {
        List<Path> first = new ArrayList<>();
        if (preferred != null) {
            first.add(preferred);
        }
        if (binaries != null) {
            first.add(binaries);
        }
        return PostgresPrograms.find(version, first, directory.resolveSibling("postgresql"), environment);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private PostgresProcess process(Branch branch, Kept kept, @Nullable ServerUser owner) {
        Path home = home(branch);
        return new PostgresProcess(
                new PostgresPrograms(PostgresVersion.ofMajor(branch.timeline().pgVersion()), kept.bin),
                data(home),
                home.resolve("server.log"),
                owner);
    }

    private Kept make(
            Branch branch,
            Path home,
            PostgresPrograms programs,
            int port,
            @Nullable ServerUser owner,
            RequestContext context)
            throws IOException, StorageException {
        DirectoryTree.delete(home);
        Files.createDirectories(home);
        makePassable(home);
        own(home, owner);
        String socket = socketDirectory(home, owner);
        Lsn lsn = branch.timeline().lastRecordLsn();
        BootPoint boot;
        try (Hold _ = branch.timeline().hold(lsn)) {
            boot = write(branch, home, lsn, socket, port, owner, context);
        }
        Kept kept = new Kept(port, programs.bin(), socket, lsn, boot.timeline(), boot.checkpoint());
        kept.write(home.resolve("endpoint.properties"));
        return kept;
    }

    /** Writes the data directory of an endpoint, as of an LSN. */
    private BootPoint write(
            Branch branch,
            Path home,
            Lsn lsn,
            String socket,
            int port,
            @Nullable ServerUser owner,
            RequestContext context)
            throws StorageException {
        TimelineCluster cluster = new TimelineCluster(branch.reader(lsn, context));
        TreeMap<Integer, String> tablespaces = new TreeMap<>(Integer::compareUnsigned);
        for (int oid : cluster.tablespaces().keySet()) {
            tablespaces.put(
                    oid,
                    home.resolve("tablespaces")
                            .resolve(Integer.toUnsignedString(oid))
                            .toString());
        }
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("port", String.valueOf(port));
        settings.put("listen_addresses", "127.0.0.1");
        settings.put("unix_socket_directories", socket);
        DataDirectoryOptions options = branch.bootOptions(cluster)
                .withTablespaces(tablespaces)
                .withSettings(settings)
                .withHostBasedAuthentication(authentication(cluster));
        try (DirectorySink sink = new DirectorySink(
                data(home),
                owner == null ? null : new DirectorySink.Owner(owner.uid(), owner.gid()),
                DirectorySink.Durability.NONE)) {
            return writer.write(cluster, options, sink, (_, _) -> {}, context.cancellation());
        }
    }

    /** Whoever reaches the socket, which lies in a directory of the server's user, may log in; others as on the original. */
    private static String authentication(TimelineCluster cluster) throws StorageException {
        byte[] original = cluster.files().get("pg_hba.conf");
        return "# Palimpsest reaches the endpoint by its socket, which only the user it runs as can.\n"
                + "local all all trust\nlocal replication all trust\n"
                + (original == null
                        ? "host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n"
                        : new String(original, StandardCharsets.UTF_8));
    }

    private static String socketDirectory(Path home, @Nullable ServerUser owner) throws IOException {
        Path socket = home.resolve("s");
        if (socket.toString().length() > MAX_SOCKET_DIRECTORY) {
            socket = Files.createTempDirectory("palimpsest");
        } else {
            Files.createDirectory(socket);
        }
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rwx------"));
        own(socket, owner);
        return socket.toString();
    }

    private static void own(Path path, @Nullable ServerUser owner) throws IOException {
        if (owner != null) {
            Files.setAttribute(path, "unix:uid", owner.uid(), LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(path, "unix:gid", owner.gid(), LinkOption.NOFOLLOW_LINKS);
        }
    }

    /** Lets the server's user through the directories above, without letting it list them. */
    private void makePassable(Path home) throws IOException {
        if (ServerUser.ifRoot() == null) {
            return;
        }
        for (Path above : List.of(home, directory, directory.resolveSibling("."))) {
            var permissions = Files.getPosixFilePermissions(above);
            permissions.addAll(PosixFilePermissions.fromString("--x--x--x"));
            Files.setPosixFilePermissions(above, permissions);
        }
    }

    /** The slot keeps the WAL from the checkpoint on that the endpoint booted from. */
    private void beginToFollow(Branch branch, Kept kept, String user, RequestContext context)
            throws UpstreamException, StorageException {
        String connection = "host=" + kept.socket + " port=" + kept.port + " user='"
                + user.replace("\\", "\\\\").replace("'", "\\'") + "'";
        ConnectionSettings settings = ConnectionSettings.parse(connection, environment);
        try (ReplicationConnection open = ReplicationConnection.connect(settings)) {
            long system = open.identifySystem().systemIdentifier();
            open.createPhysicalSlot(SLOT, WalReservation.AT_CREATION);
            branch.update(
                    branch.record()
                            .onPgTimeline(kept.timeline)
                            .following(new BranchRecord.Source(
                                    connection, SLOT, Long.toUnsignedString(system), kept.start.toString(), true)),
                    context);
        }
    }

    EndpointView stop(Branch branch, RequestContext context) throws BranchException, StorageException {
        Kept kept = kept(branch);
        if (kept == null) {
            throw new BranchException(BranchException.Kind.NOT_FOUND, "no endpoint is on branch " + branch.name());
        }
        try {
            Path home = home(branch);
            PostgresProcess process = process(branch, kept, ServerUser.ifRoot());
            if (PostgresProcess.pid(data(home)) == 0) {
                throw new BranchException(
                        BranchException.Kind.UNAVAILABLE,
                        "the endpoint of " + branch.name() + " does not run, and ended before the branch had all of its"
                                + " WAL: start it again, then stop it");
            }
            awaitStreaming(branch);
            process.requestStop();
            drain(branch, process, context);
            branch.update(branch.record().following(null), context);
            EndpointView last = new EndpointView(
                    branch.name(),
                    kept.port,
                    data(home).toString(),
                    kept.bin.toString(),
                    branch.timeline().pgVersion(),
                    false,
                    0,
                    kept.bootedAt,
                    null);
            DirectoryTree.delete(home);
            return last;
        } catch (IOException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED,
                    "the endpoint of " + branch.name() + " could not be stopped: " + e.getMessage(),
                    e);
        }
    }

    /** A server that shuts down sends the rest of its WAL only to those who receive already. */
    private static void awaitStreaming(Branch branch) throws BranchException {
        long deadline = System.nanoTime() + CONNECT.toNanos();
        WalReceiver receiver = branch.receiver();
        while (receiver != null
                && receiver.state().phase() != FollowState.Phase.STREAMING
                && System.nanoTime() < deadline) {
            pause();
        }
    }

    private static void pause() throws BranchException {
        try {
            Thread.sleep(DRAIN_STEP_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BranchException(BranchException.Kind.UNAVAILABLE, "interrupted", e);
        }
    }

    /**
     * A server that shuts down waits until we say that we have its last WAL durably, which a flush makes true. If it ended
     * before we had all of it, since we were just connecting, it is started and stopped again.
     */
    private static void drain(Branch branch, PostgresProcess process, RequestContext context)
            throws BranchException, StorageException, IOException {
        long deadline = System.nanoTime() + DRAIN.toNanos();
        while (true) {
            WalReceiver receiver = branch.receiver();
            branch.timeline().freezeAndFlush(context);
            if (PostgresProcess.pid(process.data()) == 0) {
                if (hasAll(branch, process.data())) {
                    if (receiver != null) {
                        receiver.close();
                    }
                    branch.timeline().freezeAndFlush(context);
                    branch.setReceiver(null);
                    return;
                }
                LOG.info("endpoint of {}: it ended before all of its WAL was here; once more", branch.name());
                process.start();
                awaitStreaming(branch);
                process.requestStop();
            }
            if (System.nanoTime() > deadline) {
                throw new BranchException(
                        BranchException.Kind.UNAVAILABLE,
                        "the endpoint of " + branch.name() + " is shutting down, but the branch has not got all of its"
                                + " WAL after " + DRAIN.toSeconds() + " s: it is at "
                                + branch.timeline().lastRecordLsn()
                                + (receiver == null ? "" : ", " + receiver.state()));
            }
            pause();
        }
    }

    /** Whether the last record of a server that has shut down, its checkpoint, is on the branch. */
    private static boolean hasAll(Branch branch, Path data) throws IOException {
        try {
            ControlFile control = ControlFile.parse(Files.readAllBytes(data.resolve(ControlFile.PATH)));
            return control.state() == ClusterState.SHUT_DOWN
                    && branch.timeline().lastRecordLsn().isAfter(control.checkPointLocation());
        } catch (MalformedFileException e) {
            throw new IOException(e);
        }
    }

    /** Ends the endpoint at once, if there is one, and deletes its directory: the branch is going away. */
    void remove(Branch branch) throws BranchException {
        Kept kept = kept(branch);
        Path home = home(branch);
        try {
            if (kept != null && PostgresProcess.pid(data(home)) != 0) {
                process(branch, kept, ServerUser.ifRoot()).kill();
            }
            DirectoryTree.delete(home);
        } catch (IOException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED,
                    "the endpoint of " + branch.name() + " could not be removed: " + e.getMessage(),
                    e);
        }
    }
}
