package dev.palimpsest.postgres.page;

/**
 * A page is not as it must be for what is to be done with it: its header contradicts itself, a line pointer is missing
 * or of the wrong kind, there is no room, or an offset points outside it. The message names the place in the page; which
 * page it is, the caller knows.
 */
public final class PageException extends Exception {
    private static final long serialVersionUID = 1L;

    /** With what was expected of the page and what was found. */
    public PageException(String problem) {
        super(problem);
    }
}
