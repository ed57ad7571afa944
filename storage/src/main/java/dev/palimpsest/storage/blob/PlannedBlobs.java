package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import java.util.Arrays;

/**
 * The blobs that are to be read, gathered from index entries. An entry says where its blob begins; where that ends is known
 * only with the next entry, so the last one waits for it.
 */
final class PlannedBlobs {
    private static final long NOTHING = -1;
    /** As many as most reads of one page have in a layer. */
    private static final int FEW = 4;

    private final String resource;
    private final long dataEnd;
    private int[] tags = {};
    private long[] lsns = {};
    private long[] starts = {};
    private long[] ends = {};
    private int count;

    private int waitingTag;
    private long waitingLsn;
    private long waitingStart = NOTHING;
    private VectoredReadPlanner.Flag waitingFlag = VectoredReadPlanner.Flag.IGNORE;
    /** Nothing begins before it. */
    private long lowest;

    PlannedBlobs(String resource, long dataStart, long dataEnd) {
        if (dataStart < 0 || dataEnd < dataStart) {
            throw new IllegalArgumentException("no blobs can be from " + dataStart + " to " + dataEnd);
        }
        this.resource = resource;
        this.lowest = dataStart;
        this.dataEnd = dataEnd;
    }

    /** Ends the entry that waits and lets this one wait. */
    void add(int tag, long lsn, long offset, VectoredReadPlanner.Flag flag) throws CorruptionException {
        if (offset >= dataEnd) {
            throw new CorruptionException(
                    resource, offset, "the index has a blob there, but blobs end before " + dataEnd);
        }
        end(offset);
        waitingTag = tag;
        waitingLsn = lsn;
        waitingStart = offset;
        waitingFlag = flag;
    }

    /** Ends the entry that waits, if any, at {@code offset}. */
    void end(long offset) throws CorruptionException {
        if (offset < lowest || offset > dataEnd || offset == waitingStart) {
            throw new CorruptionException(
                    resource,
                    offset,
                    "the index has a blob that begins or ends there, expected after " + Math.max(lowest, waitingStart)
                            + " and not behind " + dataEnd);
        }
        lowest = offset;
        if (waitingStart == NOTHING) {
            return;
        }
        switch (waitingFlag) {
            case NONE -> keep(offset);
            case REPLACE_ALL -> {
                while (count > 0 && tags[count - 1] == waitingTag) {
                    count--;
                }
                keep(offset);
            }
            case IGNORE -> {}
        }
        waitingStart = NOTHING;
    }

    private void keep(long end) {
        if (count == tags.length) {
            int capacity = Math.max(FEW, 2 * count);
            tags = Arrays.copyOf(tags, capacity);
            lsns = Arrays.copyOf(lsns, capacity);
            starts = Arrays.copyOf(starts, capacity);
            ends = Arrays.copyOf(ends, capacity);
        }
        tags[count] = waitingTag;
        lsns[count] = waitingLsn;
        starts[count] = waitingStart;
        ends[count] = end;
        count++;
    }

    boolean isWaiting() {
        return waitingStart != NOTHING;
    }

    int count() {
        return count;
    }

    long start(int blob) {
        return starts[blob];
    }

    long end(int blob) {
        return ends[blob];
    }

    /** Forgets the blobs that have ended, having handed them out. */
    ReadPlan take(int alignment, int[] firstBlobs) {
        ReadPlan plan = new ReadPlan(alignment, firstBlobs, tags, lsns, starts, ends);
        tags = new int[0];
        lsns = new long[0];
        starts = new long[0];
        ends = new long[0];
        count = 0;
        return plan;
    }
}
