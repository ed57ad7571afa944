package dev.palimpsest.pageserver.security;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * The server's certificate and key, and TLS with them. They can be read again at any time; connections that are there already
 * keep what they have. Safe for use by many threads.
 */
public final class ServerTls {
    /** The versions that are spoken. */
    public static final List<String> PROTOCOLS = List.of("TLSv1.3", "TLSv1.2");

    private final Path certificate;
    private final Path key;
    private volatile SSLContext context;

    private ServerTls(Path certificate, Path key, SSLContext context) {
        this.certificate = certificate;
        this.key = key;
        this.context = context;
    }

    /**
     * Reads both.
     *
     * @param certificate a PEM file with the server's certificate, and those that lead from it to an authority
     * @param key a PEM file with its key, which only its owner may be able to read
     * @throws GeneralSecurityException if one does not hold what it should, they do not belong together, or others may read
     *     the key
     */
    public static ServerTls load(Path certificate, Path key) throws IOException, GeneralSecurityException {
        return new ServerTls(certificate, key, read(certificate, key));
    }

    static SSLContext read(Path certificate, Path keyFile) throws IOException, GeneralSecurityException {
        List<X509Certificate> chain = PemFile.certificates(certificate);
        PemFile.refuseOpenKey(keyFile);
        X509Certificate own = chain.getFirst();
        PrivateKey key = PemFile.privateKey(keyFile, own.getPublicKey().getAlgorithm(), null);
        refuseStrangers(own, key, certificate, keyFile);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        char[] none = {};
        store.setKeyEntry("server", key, none, chain.toArray(X509Certificate[]::new));
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, none);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    /** Otherwise every handshake would fail, in words that help nobody. */
    private static void refuseStrangers(X509Certificate certificate, PrivateKey key, Path certificateFile, Path keyFile)
            throws GeneralSecurityException {
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> key.getAlgorithm();
        };
        byte[] probe = {1, 2, 3};
        Signature signing = Signature.getInstance(algorithm);
        signing.initSign(key);
        signing.update(probe);
        byte[] signature = signing.sign();
        signing.initVerify(certificate.getPublicKey());
        signing.update(probe);
        if (!signing.verify(signature)) {
            throw new GeneralSecurityException(
                    "the key in " + keyFile + " is not that of the certificate in " + certificateFile);
        }
    }

    /** Goes on with what {@link #read} gave. */
    void use(SSLContext other) {
        context = other;
    }

    /** For connections from now on. */
    public SSLContext context() {
        return context;
    }

    /** Where the certificate is. */
    public Path certificate() {
        return certificate;
    }

    /** Where its key is. */
    public Path key() {
        return key;
    }
}
