package dev.palimpsest.storage.remote;

import java.util.Optional;

/**
 * Which keys to list.
 *
 * @param prefix how the keys start: empty for all, otherwise a key cut anywhere, mostly after a {@code /}
 * @param depth whether to descend
 * @param limit at most how many objects and folders a page has together, 1 to {@link #MAX_LIMIT}
 * @param after where the page starts: empty for the first, otherwise {@link Listing#next} of the page before
 */
public record ListRequest(String prefix, Depth depth, int limit, Optional<String> after) {
    /** The most a page can have. */
    public static final int MAX_LIMIT = 1000;

    /** Whether keys with a {@code /} after the prefix are listed. */
    public enum Depth {
        /** Every key with the prefix. */
        ALL,
        /** Keys without a {@code /} after the prefix, and of the others only the folder: up to and with that {@code /}. */
        ONE
    }

    /**
     * @throws IllegalArgumentException if no key can start with {@code prefix}, or the limit is out of its range
     */
    public ListRequest {
        ObjectKey.checkStart(prefix);
        if (limit < 1 || limit > MAX_LIMIT) {
            throw new IllegalArgumentException("a page of a listing has 1 to " + MAX_LIMIT + " entries, not " + limit);
        }
    }

    /** The first page of all keys with a prefix. */
    public static ListRequest all(String prefix) {
        return new ListRequest(prefix, Depth.ALL, MAX_LIMIT, Optional.empty());
    }

    /** The first page of objects and folders right below a prefix. */
    public static ListRequest one(String prefix) {
        return new ListRequest(prefix, Depth.ONE, MAX_LIMIT, Optional.empty());
    }

    /** The same with other pages. */
    public ListRequest withLimit(int limit) {
        return new ListRequest(prefix, depth, limit, after);
    }

    /** The page that starts at {@code next}. */
    public ListRequest withAfter(String next) {
        return new ListRequest(prefix, depth, limit, Optional.of(next));
    }
}
