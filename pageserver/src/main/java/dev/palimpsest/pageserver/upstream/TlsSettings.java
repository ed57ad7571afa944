package dev.palimpsest.pageserver.upstream;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How a connection is encrypted, in libpq's terms. Files are PEM, and are read when connecting.
 *
 * @param mode {@code sslmode}
 * @param negotiation who begins, which libpq calls sslnegotiation
 * @param rootCertificates {@code sslrootcert}: the certificates to trust; null for those of the Java runtime
 *     ({@code sslrootcert=system}); a file that is missing is an error only if something must be verified
 * @param certificate {@code sslcert}: the client's own certificate and its chain; a missing file means none
 * @param key {@code sslkey}: its private key
 * @param keyPassword {@code sslpassword}: for an encrypted key, or null
 * @param serverNameIndication {@code sslsni}
 * @param minimumVersion {@code ssl_min_protocol_version}, {@code TLSv1.2} or {@code TLSv1.3}
 * @param maximumVersion {@code ssl_max_protocol_version}, or null for the newest
 */
public record TlsSettings(
        SslMode mode,
        Negotiation negotiation,
        @Nullable Path rootCertificates,
        Path certificate,
        Path key,
        @Nullable String keyPassword,
        ServerNameIndication serverNameIndication,
        String minimumVersion,
        @Nullable String maximumVersion) {
    /** Who begins. */
    public enum Negotiation {
        /** An SSLRequest first, which every version understands. */
        POSTGRES,
        /** The TLS handshake at once, which PostgreSQL 17 and later understand. */
        DIRECT
    }

    /** Whether the server is told by which name it is reached. */
    public enum ServerNameIndication {
        /** It is, unless that name is an IP address. */
        SENT,
        /** It is not. */
        NOT_SENT
    }

    /** Without the password of the key. */
    @Override
    public String toString() {
        return "TlsSettings[mode=" + mode + ", negotiation=" + negotiation + ", rootCertificates=" + rootCertificates
                + ", certificate=" + certificate + ", key=" + key + "]";
    }
}
