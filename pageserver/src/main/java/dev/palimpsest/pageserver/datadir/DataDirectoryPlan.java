package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.pageserver.datadir.SlruFiles.CommitTimestampRange;
import dev.palimpsest.pageserver.datadir.SlruFiles.SlruFile;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.postgres.datadir.ShutdownWal;
import dev.palimpsest.postgres.datadir.TimelineHistory;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.SlruKind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Everything that is going to be in a data directory but the contents of relations, SLRUs and relation maps. Made before
 * anything is written, so that what cannot work fails at once.
 *
 * @param version which PostgreSQL it is
 * @param control the control file
 * @param wal the segment that the server starts from
 * @param tablespaces the tablespaces elsewhere, by OID
 * @param databases the databases in every tablespace
 * @param slruFiles the files of SLRUs
 * @param smallFiles paths and contents: configuration, histories, prepared transactions, replication origins
 */
record DataDirectoryPlan(
        PostgresVersion version,
        ControlFile control,
        ShutdownWal wal,
        SortedMap<Integer, String> tablespaces,
        List<DatabaseFiles> databases,
        List<SlruFile> slruFiles,
        SortedMap<String, byte[]> smallFiles) {
    private static final int DEFAULT_REPLICATION_SLOTS = 10;

    /** A database in a tablespace, its directory and the files of its relations. */
    record DatabaseFiles(ClusterAt.Database database, String directory, List<RelationFile> relations) {}

    static DataDirectoryPlan of(ClusterAt cluster, ControlFile control, DataDirectoryOptions options, Instant now)
            throws StorageException {
        PostgresVersion version = cluster.version();
        if (control.version() != version) {
            throw new CorruptionException(
                    ControlFile.PATH, 0, "it is of " + control.version() + ", and the cluster of " + version);
        }
        SortedMap<String, byte[]> original = cluster.files();
        CheckPoint counters = counters(cluster.checkPoint());
        checkTimeline(options.timeline(), counters.timeline(), original);

        List<SlruFile> slruFiles = new ArrayList<>();
        slruFiles.addAll(SlruFiles.commitLog(cluster.slruSegments(SlruKind.XACT), counters)
                .files());
        slruFiles.addAll(SlruFiles.multixactMembers(cluster.slruSegments(SlruKind.MULTIXACT_MEMBERS), counters)
                .files());
        slruFiles.addAll(SlruFiles.multixactOffsets(cluster.slruSegments(SlruKind.MULTIXACT_OFFSETS), counters)
                .files());
        SlruFiles timestamps = SlruFiles.commitTimestamps(
                control.trackCommitTimestamp() ? cluster.slruSegments(SlruKind.COMMIT_TIMESTAMPS) : List.of(),
                counters);
        slruFiles.addAll(timestamps.files());

        ShutdownWal wal = wal(cluster.lsn(), control, options.timeline(), counters, timestamps.range(counters), now);
        SortedMap<String, byte[]> small = smallFiles(cluster, control, options, counters, original);
        return new DataDirectoryPlan(
                version,
                controlFile(control, wal),
                wal,
                tablespaces(cluster, options),
                databases(cluster),
                slruFiles,
                small);
    }

    /** A next transaction id that was rounded up may have come to lie on one of the special ones. */
    static CheckPoint counters(CheckPoint c) {
        long nextXid = TransactionId.isNormal((int) c.nextXid())
                ? c.nextXid()
                : (c.nextXid() & ~0xFFFFFFFFL) + TransactionId.FIRST_NORMAL;
        return new CheckPoint(
                c.redo(),
                c.timeline(),
                c.previousTimeline(),
                c.fullPageWrites(),
                c.walLevel(),
                nextXid,
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
                c.oldestActiveXid());
    }

    private static void checkTimeline(int wanted, int current, SortedMap<String, byte[]> files)
            throws InvalidRequestException {
        String number = Integer.toUnsignedString(wanted);
        if (Integer.compareUnsigned(wanted, current) <= 0) {
            throw new InvalidRequestException("a server cannot continue on PostgreSQL timeline " + number
                    + ": the cluster is on " + Integer.toUnsignedString(current) + " already; choose a later one");
        }
        if (files.containsKey(TimelineHistory.path(wanted))) {
            throw new InvalidRequestException("PostgreSQL timeline " + number + " was used before: the cluster has "
                    + TimelineHistory.path(wanted) + "; choose a later one");
        }
    }

    private static ShutdownWal wal(
            Lsn lsn, ControlFile control, int timeline, CheckPoint c, CommitTimestampRange timestamps, Instant now) {
        WalSegment segment = ShutdownWal.segmentFrom(lsn, timeline, control.walSegmentSize());
        boolean saysLevel = control.version().isAtLeast(PostgresVersion.V17);
        CheckPoint checkPoint = new CheckPoint(
                ShutdownWal.lsnIn(segment),
                timeline,
                timeline,
                1,
                saysLevel ? control.walLevel() : null,
                c.nextXid(),
                c.nextOid(),
                c.nextMulti(),
                c.nextMultiOffset(),
                c.oldestXid(),
                c.oldestXidDb(),
                c.oldestMulti(),
                c.oldestMultiDb(),
                now.getEpochSecond(),
                timestamps.oldest(),
                timestamps.newest(),
                TransactionId.INVALID);
        return ShutdownWal.of(control.version(), control.systemIdentifier(), segment, checkPoint);
    }

    private static ControlFile controlFile(ControlFile original, ShutdownWal wal) {
        return original.withState(ClusterState.SHUT_DOWN)
                .withTime(wal.checkPoint().time())
                .withCheckPoint(wal.lsn(), wal.checkPoint())
                .withoutRecoveryTarget();
    }

    private static SortedMap<Integer, String> tablespaces(ClusterAt cluster, DataDirectoryOptions options)
            throws StorageException {
        SortedMap<Integer, String> elsewhere = new TreeMap<>(Integer::compareUnsigned);
        for (int oid : cluster.tablespaces().keySet()) {
            String location = options.tablespaces().get(oid);
            if (location != null) {
                elsewhere.put(oid, location);
            }
        }
        return elsewhere;
    }

    private static List<DatabaseFiles> databases(ClusterAt cluster) throws StorageException {
        List<DatabaseFiles> databases = new ArrayList<>();
        for (ClusterAt.Database database : cluster.databases()) {
            List<ClusterAt.Relation> relations = cluster.relations(database.spcNode(), database.dbNode());
            try {
                databases.add(new DatabaseFiles(
                        database,
                        DataDirectoryLayout.databaseDirectory(cluster.version(), database.spcNode(), database.dbNode()),
                        RelationFile.of(cluster.version(), relations)));
            } catch (IllegalArgumentException e) {
                throw new CorruptionException("the list of databases", 0, String.valueOf(e.getMessage()), e);
            }
        }
        return databases;
    }

    private static SortedMap<String, byte[]> smallFiles(
            ClusterAt cluster,
            ControlFile control,
            DataDirectoryOptions options,
            CheckPoint counters,
            SortedMap<String, byte[]> original)
            throws StorageException {
        for (String path : original.keySet()) {
            if (!CarriedFiles.isValidPath(path)) {
                throw new CorruptionException("the cluster's files", 0, "not a path in a data directory: " + path);
            }
        }
        SortedMap<Long, byte[]> prepared = cluster.preparedTransactions();
        SortedMap<Integer, Lsn> origins = cluster.replicationOrigins();
        boolean originsApart = cluster.version().isAtLeast(PostgresVersion.V18);
        List<BootConfiguration.Least> least = List.of(
                new BootConfiguration.Least("max_prepared_transactions", prepared.size(), 0),
                new BootConfiguration.Least(
                        originsApart ? "max_active_replication_origins" : "max_replication_slots",
                        origins.size(),
                        DEFAULT_REPLICATION_SLOTS));
        SortedMap<String, byte[]> files = new TreeMap<>(BootConfiguration.of(
                CarriedFiles.of(original),
                recordedSettings(control),
                options.settings(),
                least,
                options.hostBasedAuthentication()));
        int parent = counters.timeline();
        files.put(
                TimelineHistory.path(options.timeline()),
                TimelineHistory.ofChild(
                        original.getOrDefault(TimelineHistory.path(parent), new byte[0]),
                        parent,
                        cluster.lsn(),
                        "branched by Palimpsest"));
        files.put(DataDirectoryLayout.VERSION_FILE, DataDirectoryLayout.versionFile(cluster.version()));
        files.putAll(TransactionFiles.of(cluster.version(), counters.nextXid(), prepared, origins));
        return files;
    }

    private static Map<String, String> recordedSettings(ControlFile control) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("wal_level", control.walLevel().toString());
        settings.put("wal_log_hints", control.walLogHints() ? "on" : "off");
        settings.put("max_connections", Integer.toString(control.maxConnections()));
        settings.put("max_worker_processes", Integer.toString(control.maxWorkerProcesses()));
        settings.put("max_wal_senders", Integer.toString(control.maxWalSenders()));
        settings.put("max_prepared_transactions", Integer.toString(control.maxPreparedTransactions()));
        settings.put("max_locks_per_transaction", Integer.toString(control.maxLocksPerTransaction()));
        settings.put("track_commit_timestamp", control.trackCommitTimestamp() ? "on" : "off");
        return settings;
    }
}
