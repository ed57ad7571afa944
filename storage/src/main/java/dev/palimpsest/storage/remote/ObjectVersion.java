package dev.palimpsest.storage.remote;

/**
 * Which content of a key: an ETag or a version number, as the store calls it. Only to be compared for equality, and only
 * with versions of the same key in the same store. Equal versions have equal content; equal content may have two versions.
 *
 * @param tag what the store calls it, not empty
 */
public record ObjectVersion(String tag) {
    /**
     * @throws IllegalArgumentException if {@code tag} is empty
     */
    public ObjectVersion {
        if (tag.isEmpty()) {
            throw new IllegalArgumentException("an object's version is not empty");
        }
    }
}
