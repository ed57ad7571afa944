package dev.palimpsest.storage.remote;

import java.util.List;
import java.util.Optional;

/**
 * A page of a listing.
 *
 * @param objects in the order of their keys
 * @param folders the folders, each ending in {@code /}, in their order; empty unless asked for
 * @param next where the next page starts, for {@link ListRequest#withAfter}; empty if this is the last
 */
public record Listing(List<ObjectInfo> objects, List<String> folders, Optional<String> next) {}
