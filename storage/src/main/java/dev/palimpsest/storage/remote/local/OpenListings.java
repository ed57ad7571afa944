package dev.palimpsest.storage.remote.local;

import dev.palimpsest.storage.remote.local.DirectoryWalk.Item;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/**
 * What the last pages of some listings have left of the directories that they read, for the pages after them: so a directory is
 * read once for a listing and not once for each of its pages. A listing that nobody goes on with is forgotten when others come;
 * a page of which nothing is known any more reads its directories again. Safe for use by many threads.
 */
final class OpenListings {
    /** How many are remembered. */
    private static final int MOST = 4;

    private final Deque<Open> open = new ArrayDeque<>();

    private record Open(String last, Map<String, List<Item>> rest) {}

    /**
     * Remembers a listing.
     *
     * @param last where its page has ended
     * @param rest for each directory that the page has ended in, by the name of its folder, what comes after, in order
     */
    synchronized void put(String last, Map<String, List<Item>> rest) {
        open.addLast(new Open(last, rest));
        if (open.size() > MOST) {
            open.removeFirst();
        }
    }

    /** What was remembered of a listing whose page has ended there; it is forgotten with that. */
    synchronized Map<String, List<Item>> take(String last) {
        for (Open one : open) {
            if (one.last.equals(last)) {
                open.remove(one);
                return one.rest;
            }
        }
        return Map.of();
    }
}
