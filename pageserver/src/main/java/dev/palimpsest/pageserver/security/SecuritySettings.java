package dev.palimpsest.pageserver.security;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How the server's interfaces are protected.
 *
 * @param httpTokens whether the management API asks for tokens
 * @param pageServiceTokens whether the page service asks for tokens
 * @param grpcTokens whether the gRPC page API asks for tokens
 * @param publicKeys what tokens are verified with, a PEM file or a directory of them; there if anything asks for tokens
 * @param httpTls whether the management API encrypts
 * @param pageServiceTls whether the page service encrypts
 * @param grpcTls whether the gRPC page API encrypts: always, or never
 * @param certificate the server's, a PEM file; there if anything encrypts
 * @param key the certificate's, a PEM file; there if anything encrypts
 * @param reloadPeriod how often to look whether these files have changed
 * @param insecure whether what asks for no tokens may listen where other machines reach it
 */
public record SecuritySettings(
        boolean httpTokens,
        boolean pageServiceTokens,
        boolean grpcTokens,
        Optional<Path> publicKeys,
        TlsMode httpTls,
        TlsMode pageServiceTls,
        boolean grpcTls,
        Optional<Path> certificate,
        Optional<Path> key,
        Duration reloadPeriod,
        boolean insecure) {
    /** No tokens, no encryption: on the loopback address only. */
    public static final SecuritySettings NONE = new SecuritySettings(
            false,
            false,
            false,
            Optional.empty(),
            TlsMode.OFF,
            TlsMode.OFF,
            false,
            Optional.empty(),
            Optional.empty(),
            Duration.ofMinutes(1),
            false);

    /** @throws IllegalArgumentException if a file is missing that is needed */
    public SecuritySettings {
        if ((httpTokens || pageServiceTokens || grpcTokens) && publicKeys.isEmpty()) {
            throw new IllegalArgumentException("tokens need public keys");
        }
        boolean tls = httpTls != TlsMode.OFF || pageServiceTls != TlsMode.OFF || grpcTls;
        if (tls && (certificate.isEmpty() || key.isEmpty())) {
            throw new IllegalArgumentException("TLS needs a certificate and its key");
        }
    }
}
