package dev.palimpsest.pageserver.upstream;

/**
 * Something about a server that attaching to it should know.
 *
 * @param severity how bad it is
 * @param message what it is, and what to do about it; one sentence or a few, for a DBA
 */
public record Problem(Severity severity, String message) {
    /** How bad a problem is. */
    public enum Severity {
        /** Attaching cannot work. */
        ERROR,
        /** Attaching works, but something may be lost or fail later. */
        WARNING,
        /** Good to know. */
        NOTE
    }
}
