package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.protocol.ServerError;
import org.jspecify.annotations.Nullable;

/**
 * The server does not let us in, or we do not trust it: {@code pg_hba.conf} has no place for us, the password is wrong or
 * missing, the method of login is one we do not speak, or the server does not know the password either.
 */
public final class AuthenticationException extends UpstreamException {
    private static final long serialVersionUID = 1;

    private final transient @Nullable ServerError serverError;

    /** When it is us who give up. */
    AuthenticationException(String message) {
        super(message);
        this.serverError = null;
    }

    /** When it is us who give up, and why. */
    AuthenticationException(String message, Throwable cause) {
        super(message, cause);
        this.serverError = null;
    }

    /** When the server refuses. */
    AuthenticationException(String message, ServerError serverError) {
        super(message);
        this.serverError = serverError;
    }

    /** What the server said, or null if the refusal is ours. */
    public @Nullable ServerError serverError() {
        return serverError;
    }
}
