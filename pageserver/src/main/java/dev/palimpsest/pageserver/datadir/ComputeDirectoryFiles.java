package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.pageserver.datadir.SlruFiles.SlruFile;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.control.RelationMap;
import dev.palimpsest.postgres.datadir.ContinuedWal;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.postgres.datadir.TimelineHistory;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Tasks;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * The files of the data directory that Neon's compute starts from: everything as of one LSN but the pages of relations, which it asks
 * the page service for. It finds no checkpoint in the WAL and goes on writing at the LSN. In this order:
 *
 * <ol>
 *   <li>empty directories; {@code pg_hba.conf}, which lets everybody in from the same machine, and two empty files;
 *   <li>the commit log, multixacts' members and their offsets;
 *   <li>of each database its directory, {@code PG_VERSION} and relation map, and of its unlogged relations the init fork, which
 *       is the main fork too;
 *   <li>histories of PostgreSQL timelines, prepared transactions, replication origins;
 *   <li>{@code neon.signal} and {@code zenith.signal}, which say where the record before the LSN ended;
 *   <li>the control file: shut down, with a checkpoint that begins recovery at the LSN, at no place in the WAL; and the segment
 *       of WAL with the LSN, see {@link ContinuedWal}. They are last, so that nothing starts from an archive that was cut off.
 * </ol>
 *
 * <p>Neon's clusters are always on PostgreSQL timeline 1; one that was attached may be on a later one, which it then stays on.
 * Source of the format: Neon's pageserver.
 *
 * @param counters of the cluster, as a server can have them
 * @param sink where to
 * @param tasks who reads init forks beside the caller
 */
record ComputeDirectoryFiles(
        ClusterAt cluster,
        ControlFile control,
        CheckPoint counters,
        DataDirectorySink sink,
        Tasks tasks,
        Cancellation cancellation) {
    private static final List<String> DIRECTORIES = List.of(
            "pg_commit_ts",
            "pg_dynshmem",
            "pg_notify",
            "pg_serial",
            "pg_snapshots",
            "pg_subtrans",
            "pg_twophase",
            "pg_multixact",
            "pg_multixact/members",
            "pg_multixact/offsets",
            "base",
            "base/1",
            "pg_replslot",
            "pg_tblspc",
            "pg_stat",
            "pg_stat_tmp",
            "pg_xact",
            "pg_logical",
            "pg_logical/snapshots",
            "pg_logical/mappings");
    private static final String HOST_BASED_AUTHENTICATION = """
            # TYPE  DATABASE     USER  ADDRESS       METHOD
            local   all          all                 trust
            host    all          all   127.0.0.1/32  trust
            host    all          all   ::1/128       trust
            local   replication  all                 trust
            host    replication  all   127.0.0.1/32  trust
            host    replication  all   ::1/128       trust
            """;
    private static final List<String> SIGNALS = List.of("neon.signal", "zenith.signal");
    private static final int READERS = 2;

    /**
     * Gives everything to the sink, without completing it.
     *
     * @throws InvalidRequestException if there is something in a tablespace, which a compute cannot have
     * @throws CorruptionException if the cluster contradicts itself; the message says where
     */
    void write(PreviousRecord previous) throws StorageException {
        List<ClusterAt.Database> databases = databases();
        sink.directory("global");
        sink.directory("pg_wal/archive_status");
        if (cluster.version().isAtLeast(PostgresVersion.V17)) {
            sink.directory("pg_wal/summaries");
        }
        for (String directory : DIRECTORIES) {
            sink.directory(directory);
        }
        file("pg_hba.conf", text(HOST_BASED_AUTHENTICATION));
        file("pg_ident.conf", new byte[0]);
        file("postgresql.auto.conf", new byte[0]);
        slrus();
        for (ClusterAt.Database database : databases) {
            database(database);
        }
        transactions();
        for (String signal : SIGNALS) {
            file(
                    signal,
                    text("PREV LSN: "
                            + switch (previous) {
                                case PreviousRecord.At(Lsn lsn) -> lsn.toString();
                                case PreviousRecord.None() -> "none";
                                case PreviousRecord.Unknown() -> "invalid";
                            }));
        }
        file(ControlFile.PATH, controlFile().encode());
        wal();
    }

    /** Those to send; what cannot be sent is refused before anything is. */
    private List<ClusterAt.Database> databases() throws StorageException {
        List<ClusterAt.Database> databases = new ArrayList<>();
        for (ClusterAt.Database database : cluster.databases()) {
            int spc = database.spcNode();
            if (spc == DataDirectoryLayout.GLOBAL_TABLESPACE || spc == DataDirectoryLayout.DEFAULT_TABLESPACE) {
                databases.add(database);
            } else if (database.hasRelationMap()
                    || !cluster.relations(spc, database.dbNode()).isEmpty()) {
                throw new InvalidRequestException("no base backup for a compute as of " + cluster.lsn()
                        + ": database " + Integer.toUnsignedString(database.dbNode()) + " has relations in tablespace "
                        + Integer.toUnsignedString(spc) + ", and computes have no tablespaces; fullbackup has them");
            }
        }
        return databases;
    }

    private void slrus() throws StorageException {
        List<SlruFile> files = new ArrayList<>();
        files.addAll(SlruFiles.commitLog(cluster.slruSegments(SlruKind.XACT), counters)
                .files());
        files.addAll(SlruFiles.multixactMembers(cluster.slruSegments(SlruKind.MULTIXACT_MEMBERS), counters)
                .files());
        files.addAll(SlruFiles.multixactOffsets(cluster.slruSegments(SlruKind.MULTIXACT_OFFSETS), counters)
                .files());
        for (SlruFile file : files) {
            file.write(cluster, sink);
        }
    }

    private void database(ClusterAt.Database database) throws StorageException {
        boolean shared = database.spcNode() == DataDirectoryLayout.GLOBAL_TABLESPACE;
        String directory = shared ? "global" : "base/" + Integer.toUnsignedString(database.dbNode());
        if (shared) {
            file(DataDirectoryLayout.VERSION_FILE, versionFile());
        } else {
            sink.directory(directory);
        }
        if (database.hasRelationMap()) {
            if (!shared) {
                file(directory + "/" + DataDirectoryLayout.VERSION_FILE, versionFile());
            }
            String path = directory + "/" + DataDirectoryLayout.RELATION_MAP;
            byte[] map = cluster.relationMap(database.spcNode(), database.dbNode());
            try {
                RelationMap.parse(cluster.version(), map);
            } catch (MalformedFileException e) {
                throw new CorruptionException(path, 0, String.valueOf(e.getMessage()), e);
            }
            file(path, map);
        }
        List<ClusterAt.Relation> inits = cluster.relations(database.spcNode(), database.dbNode()).stream()
                .filter(relation -> relation.tag().forkNumber() == RelTag.INIT)
                .toList();
        RelationCopy.PageSeal seal =
                control.dataChecksumVersion() == 0 ? RelationCopy.PageSeal.NONE : RelationCopy.PageSeal.CHECKSUM;
        new RelationCopy(cluster, seal, tasks, READERS)
                .copy(RelationFile.of(cluster.version(), inits), sink, new WriteMeter((_, _) -> {}, 0), cancellation);
    }

    /** With the newline only as of 16, as there. */
    private byte[] versionFile() {
        String major = Integer.toString(cluster.version().major());
        return text(cluster.version().isAtLeast(PostgresVersion.V16) ? major + "\n" : major);
    }

    private void transactions() throws StorageException {
        for (Map.Entry<String, byte[]> file : cluster.files().entrySet()) {
            if (TimelineHistory.isPath(file.getKey())) {
                file(file.getKey(), file.getValue());
            }
        }
        SortedMap<String, byte[]> files = TransactionFiles.of(
                cluster.version(), counters.nextXid(), cluster.preparedTransactions(), cluster.replicationOrigins());
        byte[] origins = files.remove(DataDirectoryLayout.REPLICATION_ORIGINS);
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            file(file.getKey(), file.getValue());
        }
        if (origins != null) {
            file(DataDirectoryLayout.REPLICATION_ORIGINS, origins);
        }
    }

    private ControlFile controlFile() {
        CheckPoint c = counters;
        return control.withState(ClusterState.SHUT_DOWN)
                .withCheckPoint(
                        Lsn.INVALID,
                        new CheckPoint(
                                ContinuedWal.recordStart(cluster.lsn(), control.walSegmentSize()),
                                c.timeline(),
                                c.previousTimeline(),
                                c.fullPageWrites(),
                                c.walLevel(),
                                c.nextXid(),
                                c.nextOid(),
                                c.nextMulti(),
                                c.nextMultiOffset(),
                                c.oldestXid(),
                                c.oldestXidDb(),
                                c.oldestMulti(),
                                c.oldestMultiDb(),
                                c.time(),
                                c.oldestCommitTsXid(),
                                c.newestCommitTsXid(),
                                c.oldestActiveXid()))
                .withoutRecoveryTarget();
    }

    private void wal() throws StorageException {
        ContinuedWal wal = ContinuedWal.at(
                cluster.lsn(),
                cluster.version(),
                control.systemIdentifier(),
                counters.timeline(),
                control.walSegmentSize());
        byte[] beginning = wal.beginning();
        sink.startFile(
                DataDirectoryLayout.WAL + "/" + wal.segment().fileName(),
                wal.segment().size());
        sink.write(beginning, 0, beginning.length);
        sink.zeros(wal.segment().size() - beginning.length);
        sink.endFile();
    }

    private void file(String path, byte[] content) throws StorageException {
        sink.startFile(path, content.length);
        sink.write(content, 0, content.length);
        sink.endFile();
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
