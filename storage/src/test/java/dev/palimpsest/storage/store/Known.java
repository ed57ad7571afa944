package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;

/** What the model of a simulated store knows of a timeline. */
final class Known {
    final TimelineId id;
    final History history;
    /** The store has said that the timeline exists for good. */
    boolean created;
    /** The store has said that everything up to here is durable. */
    Lsn durable;

    Known(TimelineId id, History history, Lsn durable) {
        this.id = id;
        this.history = history;
        this.durable = durable;
    }
}
