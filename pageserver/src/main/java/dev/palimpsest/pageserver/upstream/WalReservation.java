package dev.palimpsest.pageserver.upstream;

/** From when on a new slot keeps WAL. */
public enum WalReservation {
    /** From the redo point of the last checkpoint on, at once. */
    AT_CREATION,
    /** From the first position that a receiver reports on. */
    AT_FIRST_USE
}
