package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.ClusterContents;
import dev.palimpsest.pageserver.datadir.DataDirectoryWriter;
import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.DenseClusterKeys;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.testkit.PostgresBinaries;
import dev.palimpsest.testkit.PostgresServer;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.time.Clock;
import java.util.Map;

/** All branches of a directory, as a server has them. */
final class BranchHost implements AutoCloseable {
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.PAGE_SERVICE);

    private final PostgresRedo redo = new PostgresRedo();
    private final EmbeddedStore store;
    private final Branches branches;

    BranchHost(Path directory, int major) throws Exception {
        this(directory, major, RetentionSettings.DEFAULT, Clock.systemUTC());
    }

    BranchHost(Path directory, int major, RetentionSettings retention, Clock clock) throws Exception {
        // The servers' user must get to the endpoints' directories.
        for (Path above = directory; above != null && above.startsWith("/tmp/"); above = above.getParent()) {
            Files.setPosixFilePermissions(above, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        store = EmbeddedStore.open(
                directory, StoreSettings.DEFAULT, redo, new DenseClusterKeys(), new PrometheusRegistry());
        branches = Branches.open(
                store,
                new DataDirectoryWriter(new VirtualThreadTasks(new SystemClock()), new SystemClock()),
                directory,
                PostgresBinaries.of(major).home().resolve("bin"),
                Map.of("HOME", directory.toString()),
                clock,
                retention);
    }

    Branches branches() {
        return branches;
    }

    void attach(String name, PostgresServer primary) throws Exception {
        attach(name, "host=127.0.0.1 port=" + primary.port() + " user=" + PostgresServer.USER);
    }

    void attach(String name, String connection) throws Exception {
        AttachProgress progress = branches.attach(name, connection, null);
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!progress.done()) {
            assertThat(System.nanoTime()).as("%s", progress).isLessThan(deadline);
            Thread.sleep(10);
            progress = branches.attachProgress(name);
        }
        assertThat(progress.failure()).isNull();
    }

    void catchUp(String name, Lsn lsn) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (branches.view(name).lastRecordLsn().isBefore(lsn)) {
            assertThat(System.nanoTime()).as("%s", branches.view(name)).isLessThan(deadline);
            Thread.sleep(10);
        }
    }

    /** Waits until a branch receives. */
    void awaitStreaming(String name) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        FollowState follow = branches.view(name).follow();
        while (follow == null || follow.phase() != FollowState.Phase.STREAMING) {
            assertThat(System.nanoTime()).as("%s", follow).isLessThan(deadline);
            Thread.sleep(10);
            follow = branches.view(name).follow();
        }
    }

    /** Connects to an endpoint. */
    static ClusterContents.Connector on(EndpointView endpoint) {
        return database -> DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:" + endpoint.port() + "/" + database + "?user=" + PostgresServer.USER);
    }

    /** Reads a branch as of an LSN. */
    ClusterReader reader(String name, Lsn lsn) throws BranchException, StorageException {
        BranchView view = branches.view(name);
        Timeline timeline =
                store.tenant(TenantId.parse(view.tenant()), CONTEXT).timeline(TimelineId.parse(view.timeline()));
        return new ClusterReader(timeline, lsn, CONTEXT);
    }

    @Override
    public void close() throws StorageException {
        branches.close();
        store.close();
        redo.close();
    }
}
