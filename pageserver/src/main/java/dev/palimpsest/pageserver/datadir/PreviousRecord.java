package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.Lsn;

/** What is known of the record of WAL before the one that a compute is going to write first. */
public sealed interface PreviousRecord {
    /** Where it ended, as a timeline counts. */
    record At(Lsn lsn) implements PreviousRecord {}

    /** There is none: a branch begins there. */
    record None() implements PreviousRecord {}

    /** It is not known. */
    record Unknown() implements PreviousRecord {}
}
