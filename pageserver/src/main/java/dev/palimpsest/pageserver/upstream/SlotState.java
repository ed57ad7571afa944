package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import org.jspecify.annotations.Nullable;

/** What READ_REPLICATION_SLOT knows of a slot. */
public sealed interface SlotState {
    /** The server is a PostgreSQL 14, which does not say. */
    record Unknown() implements SlotState {}

    /** There is no slot of the name. */
    record Absent() implements SlotState {}

    /**
     * There is a physical slot.
     *
     * @param restartLsn the WAL from here on is kept for it; null if it keeps none: never used, or lost
     * @param restartTimeline the PostgreSQL timeline of {@code restartLsn}, 0 if that is null
     */
    record Physical(@Nullable Lsn restartLsn, int restartTimeline) implements SlotState {}
}
