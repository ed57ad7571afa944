package dev.palimpsest.storage.check;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.TimelineMetadata;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was found of a timeline.
 *
 * @param id which
 * @param generation of the index part in force; null if the timeline is in no manifest
 * @param metadata where it begins and how far it reaches; null if the index part could not be read
 * @param extension what the index part keeps for the server, a JSON object; null if nothing
 * @param deleting whether its deletion is decided
 * @param layers how many the index part names
 * @param layerBytes how large those are together, as the index part says
 * @param verified how many of them were read, every block
 * @param withoutChecksums how many of those have none, as Neon writes them
 * @param supersededIndexParts index parts of earlier lives
 * @param orphans what nobody names, by reason
 */
public record TimelineReport(
        TimelineId id,
        @Nullable Generation generation,
        @Nullable TimelineMetadata metadata,
        @Nullable String extension,
        boolean deleting,
        long layers,
        long layerBytes,
        long verified,
        long withoutChecksums,
        long supersededIndexParts,
        List<Orphans> orphans) {
    /** Keeps a copy of the list. */
    public TimelineReport {
        orphans = List.copyOf(orphans);
    }
}
