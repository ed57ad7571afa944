package dev.palimpsest.storage.file;

import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Remembers for the paths of open files whether this process deleted or replaced what was there since the file was
 * opened. An inode number and even a time of birth may come again within one tick of the kernel's clock; this may not.
 * Safe for use by many threads.
 */
final class PathChanges {
    private final ConcurrentHashMap<Path, Watch> watches = new ConcurrentHashMap<>();

    /** One path, as long as somebody has it open. */
    static final class Watch {
        private final Path path;
        private final AtomicInteger changes = new AtomicInteger();
        /** Changed inside of {@link ConcurrentHashMap#compute} only. */
        private int users;

        private Watch(Path path) {
            this.path = path;
        }

        /** How often what is at the path was deleted or replaced. */
        int changes() {
            return changes.get();
        }
    }

    /** Begins to remember. */
    Watch watch(Path path) {
        Path name = path.toAbsolutePath().normalize();
        return watches.compute(name, (p, existing) -> {
            Watch watch = existing == null ? new Watch(p) : existing;
            watch.users++;
            return watch;
        });
    }

    /** Ends {@link #watch}; once for each. */
    void forget(Watch watch) {
        watches.compute(watch.path, (path, existing) -> --watch.users == 0 ? null : watch);
    }

    /** To be called before what is at the path is deleted or replaced. */
    void change(Path path) {
        add(path, 1);
    }

    /** To be called when that failed. */
    void undoChange(Path path) {
        add(path, -1);
    }

    private void add(Path path, int delta) {
        Watch watch = watches.get(path.toAbsolutePath().normalize());
        if (watch != null) {
            watch.changes.addAndGet(delta);
        }
    }
}
