package dev.palimpsest.postgres.slru;

/** Bytes that are not an encoded {@link SlruUpdate} of the page they are taken for. The message names the page. */
public final class MalformedUpdateException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedUpdateException(SlruPage page, String problem) {
        super("not a change of " + page + ": " + problem);
    }
}
