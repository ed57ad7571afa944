package dev.palimpsest.postgres.datadir;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Where things are in a data directory. Paths are relative to it, with {@code /} between their parts.
 *
 * <pre>
 * PG_VERSION                                      the major version and a newline
 * global/pg_control                               the control file
 * global/                                         what all databases share (tablespace 1664, database 0)
 * base/DB/                                        a database in tablespace 1663
 * pg_tblspc/SPC/PG_17_202406281/DB/               a database in another tablespace; pg_tblspc/SPC may be a link
 *   PG_VERSION  pg_filenode.map                   where the database has its catalog
 *   REL[_fsm|_vm|_init][.SEGMENT]                 a fork of a relation in files of 131072 blocks, the first without number
 * </pre>
 */
public final class DataDirectoryLayout {
    /** {@code pg_default}, whose databases are in {@code base}. */
    public static final int DEFAULT_TABLESPACE = 1663;

    /** {@code pg_global}, which is {@code global}. */
    public static final int GLOBAL_TABLESPACE = 1664;

    /** Blocks in each file of a fork but the last: 1 GiB. */
    public static final int BLOCKS_PER_SEGMENT = 131072;

    /** The control file. */
    public static final String CONTROL_FILE = "global/pg_control";

    /** The file that says which major version a directory is of, in the data directory and with each catalog. */
    public static final String VERSION_FILE = "PG_VERSION";

    /** The name of the relation map in the directory of a database. */
    public static final String RELATION_MAP = "pg_filenode.map";

    /** Where the tablespaces are, by their OIDs. */
    public static final String TABLESPACES = "pg_tblspc";

    /** Where the WAL is. */
    public static final String WAL = "pg_wal";

    /** Where the state of prepared transactions is. */
    public static final String PREPARED_TRANSACTIONS = "pg_twophase";

    /** Where the progress of replication origins is. */
    public static final String REPLICATION_ORIGINS = "pg_logical/replorigin_checkpoint";

    private static final List<String> DIRECTORIES = List.of(
            "global",
            "base",
            WAL,
            "pg_wal/archive_status",
            "pg_commit_ts",
            "pg_dynshmem",
            "pg_logical",
            "pg_logical/mappings",
            "pg_logical/snapshots",
            "pg_multixact",
            "pg_multixact/members",
            "pg_multixact/offsets",
            "pg_notify",
            "pg_replslot",
            "pg_serial",
            "pg_snapshots",
            "pg_stat",
            "pg_stat_tmp",
            "pg_subtrans",
            TABLESPACES,
            PREPARED_TRANSACTIONS,
            "pg_xact");

    private DataDirectoryLayout() {}

    /** The directories that {@code initdb} makes, without those of databases; each after the one it lies in. */
    public static List<String> directories(PostgresVersion version) {
        List<String> directories = new ArrayList<>(DIRECTORIES);
        if (version.isAtLeast(PostgresVersion.V17)) {
            directories.add("pg_wal/summaries");
        }
        return directories;
    }

    /** What every {@link #VERSION_FILE} holds. */
    public static byte[] versionFile(PostgresVersion version) {
        return (version.major() + "\n").getBytes(StandardCharsets.US_ASCII);
    }

    /** The directory that a version keeps its databases in, within a tablespace: {@code PG_17_202406281}. */
    public static String tablespaceVersionDirectory(PostgresVersion version) {
        return "PG_" + version.major() + "_" + version.catalogVersion();
    }

    /** Where a tablespace is, other than {@link #DEFAULT_TABLESPACE} and {@link #GLOBAL_TABLESPACE}. */
    public static String tablespaceDirectory(int spcNode) {
        return TABLESPACES + "/" + Integer.toUnsignedString(spcNode);
    }

    /**
     * Where a database is in a tablespace.
     *
     * @throws IllegalArgumentException for a database in {@code pg_global}, or database 0 elsewhere
     */
    public static String databaseDirectory(PostgresVersion version, int spcNode, int dbNode) {
        if ((spcNode == GLOBAL_TABLESPACE) != (dbNode == 0)) {
            throw new IllegalArgumentException("there is no database " + Integer.toUnsignedString(dbNode)
                    + " in tablespace " + Integer.toUnsignedString(spcNode));
        }
        String database = Integer.toUnsignedString(dbNode);
        return switch (spcNode) {
            case GLOBAL_TABLESPACE -> "global";
            case DEFAULT_TABLESPACE -> "base/" + database;
            default -> tablespaceDirectory(spcNode) + "/" + tablespaceVersionDirectory(version) + "/" + database;
        };
    }

    /**
     * A file of a relation's fork.
     *
     * @param segment 0 for its first {@link #BLOCKS_PER_SEGMENT} blocks, and so on
     */
    public static String relationFile(PostgresVersion version, RelFileNode relation, ForkNumber fork, int segment) {
        String file = databaseDirectory(version, relation.spcNode(), relation.dbNode()) + "/"
                + Integer.toUnsignedString(relation.relNode()) + fork.suffix();
        return segment == 0 ? file : file + "." + segment;
    }
}
