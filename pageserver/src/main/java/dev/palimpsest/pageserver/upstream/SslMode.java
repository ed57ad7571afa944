package dev.palimpsest.pageserver.upstream;

import org.jspecify.annotations.Nullable;

/** libpq's {@code sslmode}: whether a connection is encrypted, and what is verified. In ascending order of strictness. */
public enum SslMode {
    /** Never encrypted. */
    DISABLE("disable"),
    /** Not encrypted unless the server insists. */
    ALLOW("allow"),
    /** Encrypted if the server can; the default. */
    PREFER("prefer"),
    /** Encrypted; the server's certificate is verified only if there is a root certificate. */
    REQUIRE("require"),
    /** Encrypted, and the certificate must be signed by a root that is trusted. */
    VERIFY_CA("verify-ca"),
    /** As {@link #VERIFY_CA}, and the certificate must name the host. */
    VERIFY_FULL("verify-full");

    private final String text;

    SslMode(String text) {
        this.text = text;
    }

    /** The mode that libpq calls so, or null. */
    static @Nullable SslMode of(String text) {
        for (SslMode mode : values()) {
            if (mode.text.equals(text)) {
                return mode;
            }
        }
        return null;
    }

    /** libpq's word for it. */
    @Override
    public String toString() {
        return text;
    }
}
