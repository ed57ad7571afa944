package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import java.util.Arrays;

/**
 * Turns the index entries of the blobs that somebody wants into as few reads as make sense. Two blobs are brought by one
 * read if no whole chunk of the file lies between them and the read does not become longer than a limit; a blob that is
 * longer than the limit has a read of its own. A chunk is a unit of aligned I/O; reads begin and end at chunks.
 *
 * <p>Used in this order: {@link #add} for the entries of a range of keys in the order of the index, {@link #endRange}, the
 * same for the next range, and {@link #finish}. The entry after the last one wanted must be told too, with
 * {@link Flag#IGNORE} or as the end of the range, as only it says where the last one ends.
 *
 * <p>Reads nothing. Not safe for use by many threads.
 */
public final class VectoredReadPlanner {
    /** How long a read may become by default, in bytes. */
    public static final int DEFAULT_MAX_READ_BYTES = 130 * 1024;

    /** The chunks that I/O is aligned to by default, in bytes. */
    public static final int DEFAULT_ALIGNMENT = 512;

    /** What to do with an entry's blob. */
    public enum Flag {
        /** Read it. */
        NONE,
        /** Read it, and none of those that were told before with the same tag. */
        REPLACE_ALL,
        /** Do not read it; the entry only says where the one before ends. */
        IGNORE
    }

    private final PlannedBlobs blobs;
    private final int alignment;
    private final int maxReadBytes;

    /**
     * @param resource the file, for errors
     * @param dataStart where its first blob may begin
     * @param dataEnd where its last blob must have ended, exclusive: where its index begins
     * @param alignment bytes of a chunk, at least 1
     * @param maxReadBytes how long a read of more than one blob may become, in bytes
     */
    public VectoredReadPlanner(String resource, long dataStart, long dataEnd, int alignment, int maxReadBytes) {
        if (alignment < 1 || maxReadBytes < 1) {
            throw new IllegalArgumentException(
                    "reads of up to " + maxReadBytes + " bytes with an alignment of " + alignment);
        }
        this.blobs = new PlannedBlobs(resource, dataStart, dataEnd);
        this.alignment = alignment;
        this.maxReadBytes = maxReadBytes;
    }

    /**
     * Tells the next entry.
     *
     * @param tag what the caller will know the blob's key by; all entries of a key have the same
     * @param lsn the entry's LSN, for the caller
     * @param offset where the blob's header is
     * @throws CorruptionException if it lies outside of the blobs or not behind the entry before
     */
    public void add(int tag, long lsn, long offset, Flag flag) throws CorruptionException {
        blobs.add(tag, lsn, offset, flag);
    }

    /**
     * Ends a range of keys.
     *
     * @param offset where its last blob has ended: where the next entry of the index says that its blob begins, or the
     *     end of all blobs if there is no next entry
     * @throws CorruptionException if that is not behind the last entry
     */
    public void endRange(long offset) throws CorruptionException {
        blobs.end(offset);
    }

    /**
     * The plan for all that was told. The planner can then be used for what lies behind it.
     *
     * @throws IllegalStateException if a range was not ended
     */
    public ReadPlan finish() {
        if (blobs.isWaiting()) {
            throw new IllegalStateException("the last range of keys was not ended");
        }
        int count = blobs.count();
        int[] firstBlobs = new int[count + 1];
        int reads = 0;
        long startChunk = 0;
        long endChunk = 0;
        for (int i = 0; i < count; i++) {
            long blobStartChunk = blobs.start(i) / alignment;
            long blobEndChunk = Math.ceilDiv(blobs.end(i), (long) alignment);
            // Blobs ascend and do not overlap, so this one's first chunk is the last one of the read or comes after it.
            boolean joins =
                    reads > 0 && blobStartChunk <= endChunk && (blobEndChunk - startChunk) * alignment <= maxReadBytes;
            if (!joins) {
                firstBlobs[reads++] = i;
                startChunk = blobStartChunk;
            }
            endChunk = blobEndChunk;
        }
        firstBlobs[reads] = count;
        return blobs.take(alignment, Arrays.copyOf(firstBlobs, reads + 1));
    }
}
