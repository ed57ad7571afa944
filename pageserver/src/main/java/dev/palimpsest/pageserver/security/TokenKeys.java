package dev.palimpsest.pageserver.security;

import dev.palimpsest.storage.TenantId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Public keys, and what they say of a token: a JWT in compact form (RFC 7515, 7519), signed by EdDSA with Ed25519 or by RS256.
 * Any of the keys may have signed it; which kind of signature is tried is the key's matter, never the token's alone. Claims are
 * Neon's: {@code scope}, {@code tenant_id}, and {@code exp} and {@code nbf} in seconds since 1970. Immutable.
 */
final class TokenKeys {
    /** A token that is longer is none, in characters. */
    static final int MAX_TOKEN = 8192;

    /** By how much clocks may differ, in seconds. */
    static final long LEEWAY_SECONDS = 30;

    private static final int MIN_RSA_BITS = 2048;

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /**
     * What a token says, for as long as it does.
     *
     * @param from before which it is not good, in seconds since 1970
     * @param until from when on it is no good any more, in seconds since 1970, exclusive
     */
    record Verdict(Caller caller, double from, double until) {
        Caller at(Instant now) throws InvalidTokenException {
            double seconds = now.getEpochSecond();
            if (seconds >= until + LEEWAY_SECONDS) {
                throw new InvalidTokenException("the token has expired");
            }
            if (seconds < from - LEEWAY_SECONDS) {
                throw new InvalidTokenException("the token is not good yet");
            }
            return caller;
        }
    }

    private final List<PublicKey> keys;

    private TokenKeys(List<PublicKey> keys) {
        this.keys = List.copyOf(keys);
    }

    /**
     * Reads keys.
     *
     * @param path a PEM file, or a directory of which every {@code *.pem} is read
     * @throws GeneralSecurityException if there is no key, or one that is not safe or cannot be read
     */
    static TokenKeys load(Path path) throws IOException, GeneralSecurityException {
        List<PublicKey> keys = new ArrayList<>();
        for (Path file : files(path)) {
            for (PublicKey key : PemFile.publicKeys(file)) {
                check(file, key);
                keys.add(key);
            }
        }
        if (keys.isEmpty()) {
            throw new GeneralSecurityException("there is no *.pem in " + path);
        }
        return new TokenKeys(keys);
    }

    private static Iterable<Path> files(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path, "*.pem")) {
            TreeSet<Path> files = new TreeSet<>();
            entries.forEach(files::add);
            return files;
        }
    }

    private static void check(Path file, PublicKey key) throws GeneralSecurityException {
        switch (key) {
            case RSAPublicKey rsa
            when rsa.getModulus().bitLength() < MIN_RSA_BITS ->
                throw new GeneralSecurityException(file + " holds an RSA key of "
                        + rsa.getModulus().bitLength() + " bits; at least " + MIN_RSA_BITS + " are needed");
            case RSAPublicKey _ -> {}
            case EdECPublicKey edwards when edwards.getParams().getName().equals("Ed25519") -> {}
            default ->
                throw new GeneralSecurityException(
                        file + " holds a key for " + key.getAlgorithm() + "; Ed25519 and RSA are known");
        }
    }

    /** How many there are. */
    int count() {
        return keys.size();
    }

    /**
     * Verifies a token, but for the time.
     *
     * @throws InvalidTokenException if it is none, none of the keys has signed it, or its claims make no sense
     */
    Verdict verify(String token) throws InvalidTokenException {
        String[] parts = token.length() > MAX_TOKEN ? new String[0] : token.split("\\.", -1);
        if (parts.length != 3) {
            throw new InvalidTokenException("the token is no JWT");
        }
        JsonNode header = json(parts[0]);
        if (header.has("crit")) {
            throw new InvalidTokenException("the token has critical headers, of which none is known");
        }
        byte[] signed = (parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII);
        if (!isSigned(text(header, "alg").orElse(""), signed, decode(parts[2]))) {
            throw new InvalidTokenException("the token was signed by none of the keys that are trusted");
        }
        return claims(json(parts[1]));
    }

    private boolean isSigned(String algorithm, byte[] signed, byte[] signature) throws InvalidTokenException {
        String name = switch (algorithm) {
            case "EdDSA" -> "Ed25519";
            case "RS256" -> "SHA256withRSA";
            default -> throw new InvalidTokenException("the token's algorithm is neither EdDSA nor RS256");
        };
        for (PublicKey key : keys) {
            if (key instanceof RSAPublicKey == algorithm.equals("RS256") && hasSigned(name, key, signed, signature)) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasSigned(String name, PublicKey key, byte[] signed, byte[] signature) {
        try {
            Signature verification = Signature.getInstance(name);
            verification.initVerify(key);
            verification.update(signed);
            return verification.verify(signature);
        } catch (GeneralSecurityException e) {
            return false; // a signature that is none, such as one of the wrong length
        }
    }

    private static Verdict claims(JsonNode claims) throws InvalidTokenException {
        Scope scope = Scope.of(text(claims, "scope").orElse(""))
                .orElseThrow(() -> new InvalidTokenException("the token has no scope that is known"));
        Optional<TenantId> tenant;
        try {
            tenant = text(claims, "tenant_id").map(TenantId::parse);
        } catch (IllegalArgumentException e) {
            throw new InvalidTokenException("the token's tenant_id is not the ID of a tenant", e);
        }
        if (scope == Scope.TENANT && tenant.isEmpty()) {
            throw new InvalidTokenException("the token is for a tenant, and has no tenant_id");
        }
        return new Verdict(
                new Caller(scope, tenant),
                time(claims, "nbf", Double.NEGATIVE_INFINITY),
                time(claims, "exp", Double.POSITIVE_INFINITY));
    }

    private static double time(JsonNode claims, String name, double none) throws InvalidTokenException {
        JsonNode value = claims.get(name);
        if (value == null) {
            return none;
        }
        if (!value.isNumber()) {
            throw new InvalidTokenException("the token's " + name + " is no number");
        }
        return value.doubleValue();
    }

    private static Optional<String> text(JsonNode object, String name) throws InvalidTokenException {
        JsonNode value = object.get(name);
        if (value == null || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isString()) {
            throw new InvalidTokenException("the token's " + name + " is no text");
        }
        return Optional.of(value.stringValue());
    }

    private static JsonNode json(String part) throws InvalidTokenException {
        try {
            JsonNode node = JSON.readTree(decode(part));
            if (node != null && node.isObject()) {
                return node;
            }
        } catch (JacksonException e) {
            // Its message quotes what it cannot read.
            throw new InvalidTokenException("the token is no JWT: a part of it is no JSON");
        }
        throw new InvalidTokenException("the token is no JWT: a part of it is no JSON object");
    }

    private static byte[] decode(String part) throws InvalidTokenException {
        if (part.indexOf('=') >= 0) {
            throw new InvalidTokenException("the token is no JWT: it is padded");
        }
        try {
            return Base64.getUrlDecoder().decode(part);
        } catch (IllegalArgumentException e) {
            throw new InvalidTokenException("the token is no JWT: a part of it is not in Base64");
        }
    }
}
