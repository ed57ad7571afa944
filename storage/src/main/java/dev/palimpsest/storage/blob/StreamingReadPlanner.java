package dev.palimpsest.storage.blob;

import dev.palimpsest.storage.CorruptionException;
import org.jspecify.annotations.Nullable;

/**
 * Turns the entries of an index, one after the other, into reads of blobs that lie one after the other: for whoever goes
 * through a whole file. A read is complete when its blobs have reached a size or a number; the size is checked after a blob
 * was added, so that a read may become longer by one blob.
 *
 * <p>Reads nothing. Not safe for use by many threads.
 */
public final class StreamingReadPlanner {
    private final PlannedBlobs blobs;
    private final int alignment;
    private final int maxReadBytes;
    private final int maxBlobs;

    /**
     * @param resource the file, for errors
     * @param dataStart where its first blob may begin
     * @param dataEnd where its last blob must have ended, exclusive: where its index begins
     * @param alignment bytes that reads are aligned to, at least 1
     * @param maxReadBytes when a read is complete: size of its blobs in bytes
     * @param maxBlobs when a read is complete: number of its blobs
     */
    public StreamingReadPlanner(
            String resource, long dataStart, long dataEnd, int alignment, int maxReadBytes, int maxBlobs) {
        if (alignment < 1 || maxReadBytes < 1 || maxBlobs < 1) {
            throw new IllegalArgumentException("reads of up to " + maxReadBytes + " bytes and " + maxBlobs
                    + " blobs with an alignment of " + alignment);
        }
        this.blobs = new PlannedBlobs(resource, dataStart, dataEnd);
        this.alignment = alignment;
        this.maxReadBytes = maxReadBytes;
        this.maxBlobs = maxBlobs;
    }

    /**
     * Tells the next entry.
     *
     * @param tag what the caller will know the blob by
     * @param lsn the entry's LSN, for the caller
     * @param offset where the blob's header is
     * @return a plan of one read if one is complete, without this entry; else null
     * @throws CorruptionException if it lies outside of the blobs or not behind the entry before
     */
    public @Nullable ReadPlan add(int tag, long lsn, long offset) throws CorruptionException {
        blobs.add(tag, lsn, offset, VectoredReadPlanner.Flag.NONE);
        int count = blobs.count();
        return count > 0 && (count >= maxBlobs || offset - blobs.start(0) >= maxReadBytes) ? take() : null;
    }

    /**
     * Ends a range of entries.
     *
     * @param offset where its last blob has ended: where the next entry of the index says that its blob begins, or the
     *     end of all blobs if there is no next entry
     * @return a plan of one read for what was told and is in no plan yet; null if there is nothing
     * @throws CorruptionException if that is not behind the last entry
     */
    public @Nullable ReadPlan endRange(long offset) throws CorruptionException {
        blobs.end(offset);
        return blobs.count() > 0 ? take() : null;
    }

    private ReadPlan take() {
        return blobs.take(alignment, new int[] {0, blobs.count()});
    }
}
