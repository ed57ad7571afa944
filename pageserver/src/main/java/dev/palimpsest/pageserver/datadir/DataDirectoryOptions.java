package dev.palimpsest.pageserver.datadir;

import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How a data directory is to be written. Immutable; a method {@code with…} gives another one.
 *
 * @param timeline the PostgreSQL timeline that begins there, unsigned; later than the cluster's own
 * @param tablespaces where tablespaces go: absolute paths by OID (unsigned). What is not named lies within the data
 *     directory, in {@code pg_tblspc} itself
 * @param settings values for {@code postgresql.conf} by name, which win over all others
 * @param hostBasedAuthentication what {@code pg_hba.conf} holds; null for what it held before, or, where that is not known
 *     (Debian keeps it in {@code /etc}), peer authentication locally and passwords over the loopback address
 * @param readers how many pieces of relations are read at once, 1 to 64; each needs 2 MiB
 * @param manifest whether there is a {@code backup_manifest}
 */
public record DataDirectoryOptions(
        int timeline,
        SortedMap<Integer, String> tablespaces,
        Map<String, String> settings,
        @Nullable String hostBasedAuthentication,
        int readers,
        BackupManifest manifest) {
    private static final int DEFAULT_READERS = 2;
    private static final int MAX_READERS = 64;

    /** @throws IllegalArgumentException if a location is not absolute or named twice, or the readers are out of range */
    public DataDirectoryOptions {
        tablespaces = Collections.unmodifiableSortedMap(new TreeMap<>(tablespaces));
        settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
        for (String location : tablespaces.values()) {
            if (!location.startsWith("/")) {
                throw new IllegalArgumentException("the location of a tablespace is not absolute: " + location);
            }
        }
        if (new HashSet<>(tablespaces.values()).size() < tablespaces.size()) {
            throw new IllegalArgumentException("two tablespaces share a location: " + tablespaces);
        }
        if (readers < 1 || readers > MAX_READERS) {
            throw new IllegalArgumentException("1 to " + MAX_READERS + " readers are possible, not " + readers);
        }
    }

    /** All tablespaces within the data directory, no other settings, two readers. */
    public static DataDirectoryOptions onTimeline(int timeline) {
        return new DataDirectoryOptions(
                timeline, new TreeMap<>(), Map.of(), null, DEFAULT_READERS, BackupManifest.OMITTED);
    }

    /** With these locations of tablespaces. */
    public DataDirectoryOptions withTablespaces(SortedMap<Integer, String> locations) {
        return new DataDirectoryOptions(timeline, locations, settings, hostBasedAuthentication, readers, manifest);
    }

    /** With these settings. */
    public DataDirectoryOptions withSettings(Map<String, String> values) {
        return new DataDirectoryOptions(timeline, tablespaces, values, hostBasedAuthentication, readers, manifest);
    }

    /** With this {@code pg_hba.conf}. */
    public DataDirectoryOptions withHostBasedAuthentication(String content) {
        return new DataDirectoryOptions(timeline, tablespaces, settings, content, readers, manifest);
    }

    /** With so many readers. */
    public DataDirectoryOptions withReaders(int count) {
        return new DataDirectoryOptions(timeline, tablespaces, settings, hostBasedAuthentication, count, manifest);
    }

    /** With or without a {@code backup_manifest}. */
    public DataDirectoryOptions withManifest(BackupManifest wanted) {
        return new DataDirectoryOptions(timeline, tablespaces, settings, hostBasedAuthentication, readers, wanted);
    }
}
