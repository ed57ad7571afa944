package dev.palimpsest.pageserver.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.TenantId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;
import java.util.SplittableRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenVerifierTest {
    private static final String TENANT = "0123456789abcdef0123456789abcdef";
    private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);

    @TempDir
    private Path directory;

    private final Tokens signer;
    private Instant now = NOW;

    TokenVerifierTest() throws GeneralSecurityException {
        signer = Tokens.ed25519();
    }

    private TokenVerifier verifier() throws Exception {
        return TokenVerifier.open(signer.publicKey(directory.resolve("key.pem")), () -> now);
    }

    private static void refused(TokenVerifier verifier, String token, String why) {
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> verifier.verify(token))
                    .isInstanceOf(InvalidTokenException.class)
                    .hasMessageContaining(why);
        }
    }

    @Test
    void bothAlgorithmsSayWhoseATokenIs() throws Exception {
        Tokens rsa = Tokens.rsa(2048);
        signer.publicKey(directory.resolve("a.pem"));
        rsa.publicKey(directory.resolve("b.pem"));
        Files.writeString(directory.resolve("notes.txt"), "not a key");
        TokenVerifier verifier = TokenVerifier.open(directory, () -> now);
        for (Tokens tokens : new Tokens[] {signer, rsa}) {
            assertThat(verifier.verify(tokens.server())).isEqualTo(Caller.TRUSTED);
            Caller caller = verifier.verify(tokens.tenant(TENANT));
            assertThat(caller).isEqualTo(new Caller(Scope.TENANT, Optional.of(TenantId.parse(TENANT))));
            assertThat(caller.mayAdminister()).isFalse();
            assertThat(caller.mayUse(TenantId.parse(TENANT))).isTrue();
            assertThat(caller.mayUse(TenantId.parse(TENANT.replace('f', 'e')))).isFalse();
        }
        for (Scope scope : Scope.values()) {
            Caller caller = verifier.verify(
                    signer.token("{\"scope\": \"" + scope.claim() + "\", \"tenant_id\": \"" + TENANT + "\"}"));
            assertThat(caller.mayAdminister()).as(scope.claim()).isEqualTo(scope == Scope.PAGESERVERAPI);
            assertThat(caller.mayUse(TenantId.parse(TENANT)))
                    .as(scope.claim())
                    .isEqualTo(scope == Scope.PAGESERVERAPI || scope == Scope.TENANT);
        }
    }

    @Test
    void timesCountAtEveryUse() throws Exception {
        TokenVerifier verifier = verifier();
        String token = signer.token("{\"scope\": \"pageserverapi\", \"nbf\": " + NOW.getEpochSecond() + ", \"exp\": "
                + (NOW.getEpochSecond() + 60) + "}");
        verifier.verify(token);
        now = NOW.plusSeconds(60 + TokenKeys.LEEWAY_SECONDS - 1);
        verifier.verify(token);
        now = NOW.plusSeconds(60 + TokenKeys.LEEWAY_SECONDS);
        refused(verifier, token, "expired");
        now = NOW.minusSeconds(TokenKeys.LEEWAY_SECONDS);
        verifier.verify(token);
        now = now.minusSeconds(1);
        refused(verifier, token, "not good yet");
    }

    @Test
    void otherKeysAndOtherAlgorithmsProveNothing() throws Exception {
        TokenVerifier verifier = verifier();
        refused(verifier, Tokens.ed25519().server(), "none of the keys");
        refused(verifier, Tokens.rsa(2048).server(), "none of the keys");
        String claims = "{\"scope\": \"pageserverapi\"}";
        refused(verifier, signer.token("{\"alg\": \"none\"}", claims), "neither EdDSA nor RS256");
        refused(verifier, signer.token("{\"alg\": \"RS256\"}", claims), "none of the keys");
        refused(verifier, signer.token("{}", claims), "neither EdDSA nor RS256");
        refused(verifier, signer.token("{\"alg\": \"EdDSA\", \"crit\": [\"b64\"]}", claims), "critical");
        String unsigned = Tokens.part("{\"alg\": \"none\"}".getBytes(StandardCharsets.UTF_8)) + "."
                + Tokens.part(claims.getBytes(StandardCharsets.UTF_8)) + ".";
        refused(verifier, unsigned, "neither EdDSA nor RS256");
        // The public key as if it were a shared secret.
        String signed = Tokens.part("{\"alg\": \"HS256\"}".getBytes(StandardCharsets.UTF_8)) + "."
                + Tokens.part(claims.getBytes(StandardCharsets.UTF_8));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(signer.publicKeyBytes(), "HmacSHA256"));
        refused(
                verifier,
                signed + "." + Tokens.part(mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII))),
                "neither EdDSA nor RS256");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"scope\": \"everything\"}",
                "{\"scope\": \"Tenant\"}",
                "{\"scope\": 7}",
                "{\"scope\": \"tenant\"}",
                "{\"scope\": \"tenant\", \"tenant_id\": \"../x\"}",
                "{\"scope\": \"tenant\", \"tenant_id\": null}",
                "{\"scope\": \"pageserverapi\", \"exp\": \"never\"}",
                "{\"scope\": \"tenant\", \"scope\": \"pageserverapi\"}",
                "[]",
                "null",
                "not JSON"
            })
    void claimsThatMakeNoSenseProveNothing(String claims) throws Exception {
        refused(verifier(), signer.token(claims), "token");
    }

    @Test
    void everyFlippedBitIsSeenAndNoMessageQuotesTheToken() throws Exception {
        TokenVerifier verifier = verifier();
        String token = signer.tenant(TENANT);
        long seed = Long.getLong("palimpsest.seed", 20261121L);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 500; i++) {
            StringBuilder changed = new StringBuilder(token);
            int at = random.nextInt(token.length());
            char other = "ABCabc019-_.=%\0é".charAt(random.nextInt(16));
            if (token.charAt(at) == other) {
                continue;
            }
            changed.setCharAt(at, other);
            // The last letter of a part has bits that stand for nothing.
            if (sameBytes(token, changed.toString())) {
                continue;
            }
            assertThatThrownBy(() -> verifier.verify(changed.toString()))
                    .as("seed %d, change %d", seed, i)
                    .isInstanceOf(InvalidTokenException.class)
                    .message()
                    .doesNotContain(token.substring(40, 60))
                    .doesNotContain(TENANT);
        }
        for (String none : new String[] {"", ".", "..", "...", "a.b", "a".repeat(10_000), token + ".", "." + token}) {
            refused(verifier, none, "no JWT");
        }
    }

    private static boolean sameBytes(String token, String changed) {
        String signature = changed.substring(changed.lastIndexOf('.') + 1);
        try {
            return token.substring(0, token.lastIndexOf('.')).equals(changed.substring(0, changed.lastIndexOf('.')))
                    && Tokens.part(Base64.getUrlDecoder().decode(signature))
                            .equals(token.substring(token.lastIndexOf('.') + 1));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    @Test
    void keysThatAreNotSafeOrNoneAreRefused() throws Exception {
        Path weak = Tokens.rsa(1024).publicKey(directory.resolve("weak.pem"));
        assertThatThrownBy(() -> TokenVerifier.open(weak, () -> now)).hasMessageContaining("1024 bits");
        Path none = Files.createDirectory(directory.resolve("none"));
        assertThatThrownBy(() -> TokenVerifier.open(none, () -> now)).hasMessageContaining("no *.pem in " + none);
        Path text = Files.writeString(directory.resolve("text.pem"), "hello");
        assertThatThrownBy(() -> TokenVerifier.open(text, () -> now)).hasMessageContaining("no public key");
    }
}
