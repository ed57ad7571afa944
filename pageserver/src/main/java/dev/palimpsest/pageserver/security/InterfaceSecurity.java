package dev.palimpsest.pageserver.security;

import java.util.Optional;

/**
 * How an interface is protected.
 *
 * @param authentication who is let in
 * @param mode whether it encrypts
 * @param tls with what; there unless the mode is {@link TlsMode#OFF}
 */
public record InterfaceSecurity(Authentication authentication, TlsMode mode, Optional<ServerTls> tls) {
    /** Everybody may do everything, in plain text: for addresses that only those reach who may. */
    public static final InterfaceSecurity NONE =
            new InterfaceSecurity(Authentication.trusting(), TlsMode.OFF, Optional.empty());

    /** @throws IllegalArgumentException if there is nothing to encrypt with and it is to */
    public InterfaceSecurity {
        if (mode != TlsMode.OFF && tls.isEmpty()) {
            throw new IllegalArgumentException("TLS needs a certificate");
        }
    }
}
