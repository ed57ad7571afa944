package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.postgres.datadir.TimelineHistory;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which of a cluster's other files go into a new data directory: those that PostgreSQL does not manage itself (configuration,
 * certificates, what administrators put there), and the histories of timelines. What PostgreSQL manages is made anew or
 * belongs to the server that ran there: backup labels and signal files, which would start a recovery; its process id; slots
 * and what logical decoding keeps for them; statistics; logs.
 */
final class CarriedFiles {
    private static final Set<String> MANAGED_FILES = Set.of(
            DataDirectoryLayout.VERSION_FILE,
            "backup_label",
            "backup_label.old",
            "backup_manifest",
            "current_logfiles",
            "postmaster.opts",
            "postmaster.pid",
            "recovery.signal",
            "standby.signal",
            "tablespace_map",
            "tablespace_map.old");
    private static final Set<String> MANAGED_DIRECTORIES = Set.of(
            "base",
            "global",
            "log",
            "pg_commit_ts",
            "pg_dynshmem",
            "pg_logical",
            "pg_multixact",
            "pg_notify",
            "pg_replslot",
            "pg_serial",
            "pg_snapshots",
            "pg_stat",
            "pg_stat_tmp",
            "pg_subtrans",
            DataDirectoryLayout.TABLESPACES,
            DataDirectoryLayout.PREPARED_TRANSACTIONS,
            DataDirectoryLayout.WAL,
            "pg_xact");

    private CarriedFiles() {}

    /** Those of {@code files} that are carried along. */
    static SortedMap<String, byte[]> of(SortedMap<String, byte[]> files) {
        SortedMap<String, byte[]> carried = new TreeMap<>();
        files.forEach((path, content) -> {
            if (isCarried(path)) {
                carried.put(path, content);
            }
        });
        return carried;
    }

    private static boolean isCarried(String path) {
        if (TimelineHistory.isPath(path)) {
            return true;
        }
        int slash = path.indexOf('/');
        return slash < 0 ? !MANAGED_FILES.contains(path) : !MANAGED_DIRECTORIES.contains(path.substring(0, slash));
    }

    /** Whether {@code path} stays within the data directory and is written as a sink wants it. */
    static boolean isValidPath(String path) {
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..") || part.indexOf('\0') >= 0) {
                return false;
            }
        }
        return true;
    }
}
