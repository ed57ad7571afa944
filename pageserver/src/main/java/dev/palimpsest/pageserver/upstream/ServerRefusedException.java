package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.protocol.ServerError;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The server answered with an error other than one of the login. */
public final class ServerRefusedException extends UpstreamException {
    private static final long serialVersionUID = 1;

    private final transient @Nullable ServerError serverError;

    /** With what was asked, and the answer. */
    ServerRefusedException(String message, ServerError serverError) {
        super(message);
        this.serverError = serverError;
    }

    /** What the server said. */
    public ServerError serverError() {
        return Objects.requireNonNull(serverError, "lost in serialisation");
    }

    /** The five characters of the SQLSTATE. */
    public String sqlState() {
        return serverError().sqlState();
    }

    /** Whether the error is one of this SQLSTATE. */
    public boolean is(String sqlState) {
        return sqlState().equals(sqlState);
    }
}
