package dev.palimpsest.pageserver.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.Base64;

/** Who signs tokens, with a key of their own. */
public final class Tokens {
    private final KeyPair keys;
    private final String algorithm;

    private Tokens(KeyPair keys, String algorithm) {
        this.keys = keys;
        this.algorithm = algorithm;
    }

    /** By EdDSA. */
    public static Tokens ed25519() throws GeneralSecurityException {
        return new Tokens(KeyPairGenerator.getInstance("Ed25519").generateKeyPair(), "EdDSA");
    }

    /** By RS256. */
    public static Tokens rsa(int bits) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(bits);
        return new Tokens(generator.generateKeyPair(), "RS256");
    }

    /** Writes the public key. */
    public Path publicKey(Path file) throws IOException {
        return Files.writeString(
                file,
                "-----BEGIN PUBLIC KEY-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(keys.getPublic().getEncoded())
                        + "\n-----END PUBLIC KEY-----\n");
    }

    byte[] publicKeyBytes() {
        return keys.getPublic().getEncoded();
    }

    /** For everything. */
    public String server() throws GeneralSecurityException {
        return token("{\"scope\": \"pageserverapi\"}");
    }

    /** For one tenant. */
    public String tenant(String id) throws GeneralSecurityException {
        return token("{\"scope\": \"tenant\", \"tenant_id\": \"" + id + "\"}");
    }

    /** With these claims, in JSON. */
    public String token(String claims) throws GeneralSecurityException {
        return token("{\"alg\": \"" + algorithm + "\", \"typ\": \"JWT\"}", claims);
    }

    /** With this header too, whatever it says. */
    public String token(String header, String claims) throws GeneralSecurityException {
        String signed =
                part(header.getBytes(StandardCharsets.UTF_8)) + "." + part(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance(algorithm.equals("EdDSA") ? "Ed25519" : "SHA256withRSA");
        signature.initSign(keys.getPrivate());
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + part(signature.sign());
    }

    static String part(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
