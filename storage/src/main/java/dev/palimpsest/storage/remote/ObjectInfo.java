package dev.palimpsest.storage.remote;

import java.util.Optional;

/**
 * What a store knows of an object without reading it.
 *
 * @param size in bytes
 * @param version empty if the store has no versions
 */
public record ObjectInfo(ObjectKey key, long size, Optional<ObjectVersion> version) {}
