package dev.palimpsest.storage.check;

import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TenantId;
import java.util.List;

/**
 * What was found of a tenant.
 *
 * @param id which
 * @param claimed the newest generation that was claimed; {@link Generation#NONE} if none was
 * @param published the generation of the manifest in force; {@link Generation#NONE} if there is none
 * @param manifests how many there are, the one in force and superseded ones
 * @param timelines by id
 */
public record TenantReport(
        TenantId id, Generation claimed, Generation published, long manifests, List<TimelineReport> timelines) {
    /** Keeps a copy of the list. */
    public TenantReport {
        timelines = List.copyOf(timelines);
    }
}
