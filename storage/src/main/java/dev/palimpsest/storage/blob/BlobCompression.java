package dev.palimpsest.storage.blob;

/** Whether a writer compresses its blobs. A reader needs not know: each blob says it. */
public sealed interface BlobCompression {
    /** Never. */
    record None() implements BlobCompression {}

    /**
     * As a zstd frame each, where that is smaller.
     *
     * @param level zstd's, 1 (fastest) to 22 (smallest)
     */
    record Zstd(int level) implements BlobCompression {
        /** Checks the level. */
        public Zstd {
            if (level < 1 || level > 22) {
                throw new IllegalArgumentException("zstd has levels 1 to 22, got " + level);
            }
        }
    }

    /** Never compress. */
    BlobCompression NONE = new None();
}
