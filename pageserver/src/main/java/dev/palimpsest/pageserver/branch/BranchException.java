package dev.palimpsest.pageserver.branch;

/** Something that was asked for cannot be done. The message is for a DBA, and says what to do about it where it can. */
public final class BranchException extends Exception {
    private static final long serialVersionUID = 1;

    /** Why not. */
    public enum Kind {
        /** There is no such thing. */
        NOT_FOUND,
        /** It contradicts what there is, such as a name that is taken. */
        CONFLICT,
        /** It makes no sense. */
        INVALID,
        /** Not now. */
        UNAVAILABLE,
        /** It was tried and failed. */
        FAILED
    }

    private final Kind kind;

    public BranchException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public BranchException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** Why not. */
    public Kind kind() {
        return kind;
    }
}
