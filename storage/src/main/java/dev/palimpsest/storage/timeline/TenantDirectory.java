package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.file.Disk;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The local files of one tenant, all of which the object store has or a crash may take: {@code
 * tenants/TENANT/timelines/TIMELINE/FILE} in the server's directory.
 */
record TenantDirectory(Disk disk, TenantId tenant, Path root) {
    private static final Logger LOG = LoggerFactory.getLogger(TenantDirectory.class);

    /** @param workDirectory the server's directory */
    static TenantDirectory in(Path workDirectory, Disk disk, TenantId tenant) {
        return new TenantDirectory(
                disk, tenant, workDirectory.resolve("tenants").resolve(tenant.toString()));
    }

    private Path timelines() {
        return root.resolve("timelines");
    }

    Path of(TimelineId timeline) {
        return timelines().resolve(timeline.toString());
    }

    void create() throws DiskException {
        disk.createDirectories(timelines());
    }

    /**
     * Deletes the directories of timelines that there are not. Durable on return, as are the names of those that stay.
     *
     * @return those that have no directory
     */
    Set<TimelineId> deleteUnknown(Collection<TimelineId> known) throws DiskException {
        Map<String, TimelineId> missing = new TreeMap<>();
        known.forEach(id -> missing.put(id.toString(), id));
        for (Disk.Entry entry : disk.list(timelines())) {
            boolean isUnknown = missing.remove(entry.name()) == null;
            if (isUnknown && entry.kind() == Disk.Kind.DIRECTORY) {
                LOG.info("tenant {}: deleting {}, which no index part knows", tenant, entry.name());
                deleteTree(timelines().resolve(entry.name()));
            }
        }
        disk.syncDirectory(timelines());
        return new TreeSet<>(missing.values());
    }

    /** Deletes what is here of a timeline. Durable on return. */
    void delete(TimelineId timeline) throws DiskException {
        disk.createDirectories(of(timeline));
        deleteTree(of(timeline));
        disk.syncDirectory(timelines());
    }

    /** Deletes all that is here of the tenant; nobody may use it. Durable on return. */
    void deleteAll() throws DiskException {
        disk.createDirectories(root);
        deleteTree(root);
        disk.syncDirectory(root.resolveSibling(""));
    }

    private void deleteTree(Path directory) throws DiskException {
        for (Disk.Entry entry : disk.list(directory)) {
            Path inside = directory.resolve(entry.name());
            if (entry.kind() == Disk.Kind.DIRECTORY) {
                deleteTree(inside);
            } else {
                disk.delete(inside);
            }
        }
        disk.deleteDirectory(directory);
    }
}
