package dev.palimpsest.storage.file;

import java.util.concurrent.atomic.LongAdder;

/** What a {@link LocalDisk} has done since it was made. Each number grows only; read by any thread, not as one snapshot. */
public final class DiskCounters {
    final LongAdder reads = new LongAdder();
    final LongAdder bytesRead = new LongAdder();
    final LongAdder writes = new LongAdder();
    final LongAdder bytesWritten = new LongAdder();
    final LongAdder syncs = new LongAdder();
    final LongAdder bounces = new LongAdder();
    final LongAdder reopens = new LongAdder();
    final LongAdder evictions = new LongAdder();
    final LongAdder slotWaits = new LongAdder();
    final LongAdder interrupts = new LongAdder();

    DiskCounters() {}

    /** Calls of {@link ReadableFile#read} that read something. */
    public long reads() {
        return reads.sum();
    }

    /** Bytes that they read. */
    public long bytesRead() {
        return bytesRead.sum();
    }

    /** Calls of {@link WritableFile#write}. */
    public long writes() {
        return writes.sum();
    }

    /** Bytes that they wrote. */
    public long bytesWritten() {
        return bytesWritten.sum();
    }

    /** Syncs of files and directories that succeeded. */
    public long syncs() {
        return syncs.sum();
    }

    /** Transfers that went through an aligned buffer because they were not aligned. */
    public long bounces() {
        return bounces.sum();
    }

    /** How often a file had lost its descriptor when it was used, and was opened again. */
    public long reopens() {
        return reopens.sum();
    }

    /** How often a file lost its descriptor to another one. */
    public long evictions() {
        return evictions.sum();
    }

    /** How often an open had to wait because every descriptor was in use at that moment. */
    public long slotWaits() {
        return slotWaits.sum();
    }

    /** How often an interrupt closed a descriptor under its users, who opened it again. */
    public long interrupts() {
        return interrupts.sum();
    }
}
