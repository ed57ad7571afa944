package dev.palimpsest.storage.s3;

/** Which conditions of puts the store decides itself. One that ignores them answers as if they held, so it matters. */
public enum ConditionalPuts {
    /** Whatever the store is found to do when it is opened, by writing and deleting a small object. */
    PROBE,
    /** Both: if there is no such object, and if it is there in a version. */
    ALL,
    /** Only: if there is no such object. */
    IF_ABSENT,
    /** None. */
    NONE
}
