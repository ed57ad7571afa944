package dev.palimpsest.pageserver.security;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Who is let in: everybody, or who has a token that is good. Safe for use by many threads. */
public final class Authentication {
    private static final Authentication TRUSTING = new Authentication(Optional.empty());

    private final Optional<TokenVerifier> tokens;

    private Authentication(Optional<TokenVerifier> tokens) {
        this.tokens = tokens;
    }

    /** Everybody, for everything. */
    public static Authentication trusting() {
        return TRUSTING;
    }

    /** Who has a token. */
    public static Authentication byToken(TokenVerifier tokens) {
        return new Authentication(Optional.of(tokens));
    }

    /** Whether a token is asked for. */
    public boolean isRequired() {
        return tokens.isPresent();
    }

    /**
     * Who asks.
     *
     * @param token null if there is none; ignored if none is asked for
     */
    public Caller authenticate(@Nullable String token) throws InvalidTokenException {
        if (tokens.isEmpty()) {
            return Caller.TRUSTED;
        }
        if (token == null) {
            throw new InvalidTokenException("a token is needed");
        }
        return tokens.get().verify(token);
    }
}
