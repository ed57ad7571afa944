package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.key.Key;

/** Walks over the keys of a frozen layer, in ascending order, and says what each has. Stands before the first. */
public interface FrozenKeys {
    /** Moves to the next key; returns false at the end. */
    boolean next();

    /** The key it stands on. */
    Key key();

    /** How many bytes its values take, with their headers. */
    long bytes();

    /** How many WAL records it has that need something older: those upon the last value that does not, or all. */
    int chain();

    /** Whether one of its values needs nothing older, so that what older layers have of the key is not read for the newest. */
    boolean startsAnew();
}
