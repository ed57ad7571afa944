package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import org.jspecify.annotations.Nullable;

/**
 * Has a file synced beside its writer, now and then, so that the device is busy while the rest is still being written and
 * little is left for the sync that counts. At most one such sync runs at a time, and the writer waits for none of them before
 * {@link #settle}: a device that cannot keep up gets fewer.
 *
 * <p>It makes nothing durable that anybody may rely on: only the sync at the end does. But a sync that failed here may have
 * been told to nobody else (the kernel reports an error once), so that {@link #settle} must be called, and must succeed, before
 * the file is taken for good. Used by the one thread that writes the file.
 */
final class WriteBack {
    private final Tasks tasks;
    private final WritableFile file;
    private final long interval;
    private long begun;
    private @Nullable Task running;

    /**
     * @param interval how many bytes are written between the beginnings of two syncs, at least
     */
    WriteBack(Tasks tasks, WritableFile file, long interval) {
        this.tasks = tasks;
        this.file = file;
        this.interval = interval;
    }

    /**
     * To be called after writes.
     *
     * @param end how many bytes the file has now
     * @throws DiskException if an earlier sync failed
     */
    void wrote(long end) throws DiskException {
        Task last = running;
        if (end - begun < interval || (last != null && !last.isDone())) {
            return;
        }
        settle();
        begun = end;
        running = tasks.startOnOwnThread("write back " + file.path(), file::sync);
    }

    /**
     * Waits for the sync that is running, if there is one.
     *
     * @throws DiskException if it failed: then nothing of the file may be relied on, whatever a later sync says
     */
    void settle() throws DiskException {
        Task last = running;
        if (last == null) {
            return;
        }
        abandon();
        Throwable failure = last.failure().orElse(null);
        if (failure instanceof DiskException e) {
            throw e;
        }
        if (failure != null) {
            throw new DiskException(
                    DiskException.Kind.FATAL, "sync", file.path().toString(), -1, -1, failure.toString(), failure);
        }
        running = null;
    }

    /** Waits for the sync that is running, if there is one, whatever becomes of it: for a file that nobody will use. */
    void abandon() {
        Task last = running;
        if (last != null) {
            last.join();
        }
    }
}
