package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Tasks;
import java.time.Instant;

/**
 * Writes data directories that an unmodified PostgreSQL boots from in a moment: they look as if the cluster had been shut
 * down cleanly at one LSN, so that nothing is recovered. The server finds one record of WAL, a shutdown checkpoint at the
 * start of the first segment that begins at or after that LSN, on a PostgreSQL timeline of its own, whose history says where
 * it left the original's.
 *
 * <p>Transactions that were in progress count as aborted, prepared ones come back prepared, unlogged relations are empty.
 * Pages get checksums if the cluster has them. {@code BootConfiguration} says what becomes of the configuration. Replication
 * slots, statistics and temporary files are not carried along.
 *
 * <p>Safe for use by several threads at once.
 */
public final class DataDirectoryWriter {
    private final Tasks tasks;
    private final Clock clock;

    /**
     * @param tasks who reads relations beside the caller
     * @param clock for the time of the checkpoint
     */
    public DataDirectoryWriter(Tasks tasks, Clock clock) {
        this.tasks = tasks;
        this.clock = clock;
    }

    /**
     * Gives everything to {@code sink} and completes it; closing it is left to the caller.
     *
     * @return where the WAL of a server begins that boots from it
     * @throws InvalidRequestException if the timeline is not later than the cluster's, or already has a history
     * @throws CorruptionException if the cluster contradicts itself; the message says where
     * @throws StorageException if something cannot be read or written; for blocks, naming the relation and which
     */
    public BootPoint write(
            ClusterAt cluster,
            DataDirectoryOptions options,
            DataDirectorySink sink,
            WriteProgress progress,
            Cancellation cancellation)
            throws StorageException {
        ControlFile control = control(cluster);
        Instant now = clock.now();
        DataDirectoryPlan plan = DataDirectoryPlan.of(cluster, control, options, now);
        switch (options.manifest()) {
            case OMITTED ->
                new DataDirectoryFiles(cluster, plan, sink).write(tasks, options.readers(), progress, cancellation);
            case INCLUDED -> {
                ManifestSink listed = new ManifestSink(sink, now);
                new DataDirectoryFiles(cluster, plan, listed).write(tasks, options.readers(), progress, cancellation);
                listed.finish(plan.version(), plan.control().systemIdentifier(), plan.wal());
            }
        }
        sink.complete();
        return new BootPoint(options.timeline(), plan.wal().lsn(), plan.wal().end());
    }

    /**
     * Gives a sink what Neon's compute starts from, see {@link ComputeDirectoryFiles}, and completes it; closing it is left to
     * the caller.
     *
     * @throws InvalidRequestException if there is something in a tablespace, which a compute cannot have
     * @throws CorruptionException if the cluster contradicts itself; the message says where
     */
    public void writeForCompute(
            ClusterAt cluster, PreviousRecord previous, DataDirectorySink sink, Cancellation cancellation)
            throws StorageException {
        ControlFile control = control(cluster);
        new ComputeDirectoryFiles(
                        cluster, control, DataDirectoryPlan.counters(cluster.checkPoint()), sink, tasks, cancellation)
                .write(previous);
        sink.complete();
    }

    private static ControlFile control(ClusterAt cluster) throws StorageException {
        try {
            return ControlFile.parse(cluster.controlFile());
        } catch (MalformedFileException e) {
            throw new CorruptionException(ControlFile.PATH, 0, String.valueOf(e.getMessage()), e);
        }
    }
}
