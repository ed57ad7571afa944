package dev.palimpsest.pageserver.tenant;

/** What was asked of a tenant was not done; the message is for whoever asked. */
public final class TenantException extends Exception {
    private static final long serialVersionUID = 1;

    /** Why not. */
    public enum Kind {
        /** There is no such tenant here. */
        NOT_FOUND,
        /** Something else goes on with it, or the state it is in does not allow it. */
        CONFLICT,
        /** It makes no sense. */
        INVALID,
        /** Not now. */
        UNAVAILABLE,
        /** It was tried and failed, or the tenant is broken. */
        FAILED
    }

    private final Kind kind;

    public TenantException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public TenantException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** Why not. */
    public Kind kind() {
        return kind;
    }
}
