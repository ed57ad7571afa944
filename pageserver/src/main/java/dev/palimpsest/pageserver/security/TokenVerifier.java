package dev.palimpsest.pageserver.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Verifies tokens with the keys of a file or a directory, which can be exchanged at any time. What was found of a token is
 * remembered, by its hash: an Ed25519 signature takes half a millisecond. Safe for use by many threads.
 */
public final class TokenVerifier {
    private static final int REMEMBERED = 1024;

    private final Path path;
    private final InstantSource clock;
    private volatile State state;

    /** Keys, and what they have said; both go when there are others. */
    private record State(TokenKeys keys, Verdicts verdicts) {}

    /** The latest, by the hash of their token. */
    private static final class Verdicts {
        @SuppressWarnings("serial") // never serialised
        private final Map<String, TokenKeys.Verdict> latest = new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, TokenKeys.Verdict> eldest) {
                return size() > REMEMBERED;
            }
        };

        synchronized TokenKeys.@Nullable Verdict find(String hash) {
            return latest.get(hash);
        }

        synchronized void add(String hash, TokenKeys.Verdict verdict) {
            latest.put(hash, verdict);
        }
    }

    private TokenVerifier(Path path, InstantSource clock, TokenKeys keys) {
        this.path = path;
        this.clock = clock;
        this.state = new State(keys, new Verdicts());
    }

    /**
     * Reads the keys.
     *
     * @param path a PEM file of public keys or certificates, or a directory of which every {@code *.pem} is read
     * @param clock what tokens' expiry is compared with
     * @throws GeneralSecurityException if there is no key, or one that is not safe or cannot be read
     */
    public static TokenVerifier open(Path path, InstantSource clock) throws IOException, GeneralSecurityException {
        return new TokenVerifier(path, clock, TokenKeys.load(path));
    }

    /** Goes on with other keys: tokens that only a key signed that is gone are invalid from then on. */
    void use(TokenKeys keys) {
        state = new State(keys, new Verdicts());
    }

    /** Where the keys are. */
    public Path path() {
        return path;
    }

    /**
     * Whose a token is.
     *
     * @throws InvalidTokenException if it proves nothing, or nothing at this time
     */
    public Caller verify(String token) throws InvalidTokenException {
        State now = state;
        String hash = hash(token);
        TokenKeys.Verdict verdict = now.verdicts.find(hash);
        if (verdict == null) {
            verdict = now.keys.verify(token);
            now.verdicts.add(hash, verdict);
        }
        return verdict.at(clock.instant());
    }

    /** Tokens themselves are not kept in memory longer than needed. */
    private static String hash(String token) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
