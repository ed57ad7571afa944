package dev.palimpsest.storage.blob;

/**
 * Which reads of a file bring which blobs. Reads are in the order of their offsets, and so are the blobs of each; no blob
 * is in two. Immutable.
 */
public final class ReadPlan {
    private final int alignment;
    /** Of each read its first blob; and at the end the number of blobs. */
    private final int[] firstBlobs;

    private final int[] tags;
    private final long[] lsns;
    private final long[] starts;
    private final long[] ends;

    /** Takes ownership of the arrays, which may be longer than the plan needs, all but {@code firstBlobs}. */
    ReadPlan(int alignment, int[] firstBlobs, int[] tags, long[] lsns, long[] starts, long[] ends) {
        this.alignment = alignment;
        this.firstBlobs = firstBlobs;
        this.tags = tags;
        this.lsns = lsns;
        this.starts = starts;
        this.ends = ends;
    }

    /** How many reads. */
    public int reads() {
        return firstBlobs.length - 1;
    }

    /** How many blobs in all reads. */
    public int blobs() {
        return firstBlobs[firstBlobs.length - 1];
    }

    /** Where a read begins, in bytes; a multiple of the alignment. */
    public long readStart(int read) {
        return Math.floorDiv(starts[firstBlobs[read]], (long) alignment) * alignment;
    }

    /** Where a read ends, exclusive, in bytes; a multiple of the alignment. */
    public long readEnd(int read) {
        return Math.ceilDiv(ends[firstBlobs[read + 1] - 1], (long) alignment) * alignment;
    }

    /** The first blob of a read. */
    public int firstBlob(int read) {
        return firstBlobs[read];
    }

    /** The blob after the last one of a read. */
    public int endBlob(int read) {
        return firstBlobs[read + 1];
    }

    /** What the caller said of a blob. */
    public int tag(int blob) {
        return tags[blob];
    }

    /** The LSN that the caller gave with a blob. */
    public long lsn(int blob) {
        return lsns[blob];
    }

    /** Where a blob's header is. */
    public long blobStart(int blob) {
        return starts[blob];
    }

    /** Where the blob must have ended, exclusive. It may end before: what follows the last one is zeros. */
    public long blobEnd(int blob) {
        return ends[blob];
    }
}
