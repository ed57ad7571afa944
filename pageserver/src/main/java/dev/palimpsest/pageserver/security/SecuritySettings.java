package dev.palimpsest.pageserver.security;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How the server's interfaces are protected.
 *
 * @param httpTokens whether the management API asks for tokens
 * @param pageServiceTokens whether the page service asks for tokens
 * @param publicKeys what tokens are verified with, a PEM file or a directory of them; there if anything asks for tokens
 * @param httpTls whether the management API encrypts
 * @param pageServiceTls whether the page service encrypts
 * @param certificate the server's, a PEM file; there if anything encrypts
 * @param key the certificate's, a PEM file; there if anything encrypts
 * @param reloadPeriod how often to look whether these files have changed
 * @param insecure whether what asks for no tokens may listen where other machines reach it
 */
public record SecuritySettings(
        boolean httpTokens,
        boolean pageServiceTokens,
        Optional<Path> publicKeys,
        TlsMode httpTls,
        TlsMode pageServiceTls,
        Optional<Path> certificate,
        Optional<Path> key,
        Duration reloadPeriod,
        boolean insecure) {
    /** No tokens, no encryption: on the loopback address only. */
    public static final SecuritySettings NONE = new SecuritySettings(
            false,
            false,
            Optional.empty(),
            TlsMode.OFF,
            TlsMode.OFF,
            Optional.empty(),
            Optional.empty(),
            Duration.ofMinutes(1),
            false);

    /** @throws IllegalArgumentException if a file is missing that is needed */
    public SecuritySettings {
        if ((httpTokens || pageServiceTokens) && publicKeys.isEmpty()) {
            throw new IllegalArgumentException("tokens need public keys");
        }
        if ((httpTls != TlsMode.OFF || pageServiceTls != TlsMode.OFF) && (certificate.isEmpty() || key.isEmpty())) {
            throw new IllegalArgumentException("TLS needs a certificate and its key");
        }
    }
}
