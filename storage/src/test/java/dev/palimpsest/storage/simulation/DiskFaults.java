package dev.palimpsest.storage.simulation;

/**
 * How a disk misbehaves: the probability of each fault at each call, 0 to 1, and its size.
 *
 * @param failingWrites of writes, with EIO, before, in the middle of or after writing
 * @param failingSyncs of file and directory syncs; of a file, what was not synced may be lost, and a later sync that succeeds
 *     does not bring it back
 * @param failingReads of reads, with EIO
 * @param failingChanges of opening, creating, renaming, deleting and listing, before or after it has happened
 * @param slowCalls of calls, so that other tasks overtake
 * @param slowNanos how long a slow call takes at most
 * @param capacity bytes that all files together may have; more is ENOSPC, in the middle of a write
 */
public record DiskFaults(
        double failingWrites,
        double failingSyncs,
        double failingReads,
        double failingChanges,
        double slowCalls,
        long slowNanos,
        long capacity) {
    /** None: a disk that fails only when the power does, and has room. */
    public static final DiskFaults NONE = new DiskFaults(0, 0, 0, 0, 0, 1, Long.MAX_VALUE);

    /** None but slow calls: one in twenty takes up to 20 ms. */
    public static final DiskFaults SLOW = NONE.withSlow(0.05, 20_000_000);

    /** The same with failing writes and syncs. */
    public DiskFaults withFailingWrites(double writes, double syncs) {
        return new DiskFaults(writes, syncs, failingReads, failingChanges, slowCalls, slowNanos, capacity);
    }

    /** The same with failing reads. */
    public DiskFaults withFailingReads(double reads) {
        return new DiskFaults(failingWrites, failingSyncs, reads, failingChanges, slowCalls, slowNanos, capacity);
    }

    /** The same with failing changes of names. */
    public DiskFaults withFailingChanges(double changes) {
        return new DiskFaults(failingWrites, failingSyncs, failingReads, changes, slowCalls, slowNanos, capacity);
    }

    /** The same with slow calls. */
    public DiskFaults withSlow(double calls, long atMostNanos) {
        return new DiskFaults(failingWrites, failingSyncs, failingReads, failingChanges, calls, atMostNanos, capacity);
    }

    /** The same with this room, in bytes. */
    public DiskFaults withCapacity(long bytes) {
        return new DiskFaults(failingWrites, failingSyncs, failingReads, failingChanges, slowCalls, slowNanos, bytes);
    }
}
