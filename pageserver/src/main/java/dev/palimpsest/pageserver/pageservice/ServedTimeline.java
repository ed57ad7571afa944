package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.timeline.Timeline;

/**
 * A timeline to read from.
 *
 * @param readableFrom the first LSN at which it is consistent, inclusive; {@link Lsn#MAX} as long as that is not known
 * @param lengths how long its relations are
 */
public record ServedTimeline(Timeline timeline, Lsn readableFrom, RelationLengths lengths) {}
