package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.CorruptionException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@link LayerFileVerifier} found in a layer file. If there is damage, the counts are of what could be read.
 *
 * @param path the file
 * @param size its size in bytes
 * @param summary what it says of itself; null if that cannot be made out
 * @param protection whether its blocks have checksums
 * @param values entries of the index
 * @param images how many of the values are images
 * @param valueBytes size of all values as they were put, in bytes, without headers
 * @param storedBytes size of all blobs in the file, in bytes, with headers
 * @param indexBlocks blocks of the index
 * @param damage everything that is wrong, each with the offset in the file; at most {@link LayerFileVerifier#MAX_DAMAGE}
 */
public record LayerReport(
        Path path,
        long size,
        @Nullable LayerSummary summary,
        Protection protection,
        long values,
        long images,
        long valueBytes,
        long storedBytes,
        long indexBlocks,
        List<CorruptionException> damage) {
    /** Whether a file's blocks have checksums. */
    public enum Protection {
        /** All of them, and they were compared. */
        CHECKSUMS,
        /** None, as in files that Neon wrote: only what contradicts itself was found. */
        NONE,
        /** It cannot be made out. */
        UNKNOWN
    }

    /** Copies the list. */
    public LayerReport {
        damage = List.copyOf(damage);
    }

    /** Whether nothing was found to be wrong. */
    public boolean isSound() {
        return damage.isEmpty();
    }
}
