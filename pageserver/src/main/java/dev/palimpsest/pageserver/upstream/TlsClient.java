package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.pageserver.security.PemFile;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** Makes TLS engines as the settings want them: whom to trust, what to show, which name to ask for. */
final class TlsClient {
    private static final String ALPN = "postgresql";

    private final TlsSettings settings;

    TlsClient(TlsSettings settings) {
        this.settings = settings;
    }

    /**
     * An engine for a connection to this server.
     *
     * @throws IOException if a file cannot be read
     * @throws GeneralSecurityException if a file does not hold what it should
     */
    SSLEngine engine(ServerAddress address) throws IOException, GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keyManagers(), trustManagers(), null);
        SSLEngine engine = context.createSSLEngine(address.host(), address.port());
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(protocols());
        parameters.setApplicationProtocols(new String[] {ALPN});
        if (settings.mode() == SslMode.VERIFY_FULL) {
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
        }
        boolean named = settings.serverNameIndication() == TlsSettings.ServerNameIndication.SENT
                && !isIpAddress(address.host());
        parameters.setServerNames(named ? serverName(address.host()) : List.of());
        engine.setSSLParameters(parameters);
        return engine;
    }

    private static List<javax.net.ssl.SNIServerName> serverName(String host) {
        try {
            return List.of(new SNIHostName(host));
        } catch (IllegalArgumentException e) {
            // A name that TLS cannot say, such as one with an underscore: go without.
            return List.of();
        }
    }

    static boolean isIpAddress(String host) {
        return host.indexOf(':') >= 0 || host.matches("[0-9.]+");
    }

    private String[] protocols() {
        String maximum = settings.maximumVersion();
        List<String> versions = new ArrayList<>();
        for (String version : List.of("TLSv1.2", "TLSv1.3")) {
            if (version.compareTo(settings.minimumVersion()) >= 0
                    && (maximum == null || version.compareTo(maximum) <= 0)) {
                versions.add(version);
            }
        }
        return versions.toArray(String[]::new);
    }

    private KeyManager @Nullable [] keyManagers() throws IOException, GeneralSecurityException {
        Path certificateFile = settings.certificate();
        if (!Files.exists(certificateFile)) {
            return null;
        }
        List<X509Certificate> chain = PemFile.certificates(certificateFile);
        Path keyFile = settings.key();
        if (!Files.exists(keyFile)) {
            throw new GeneralSecurityException("there is a certificate " + certificateFile + ", and no key " + keyFile);
        }
        PemFile.refuseOpenKey(keyFile);
        String algorithm = chain.getFirst().getPublicKey().getAlgorithm();
        PrivateKey key = PemFile.privateKey(keyFile, algorithm, settings.keyPassword());
        char[] none = {};
        KeyStore store = emptyStore();
        store.setKeyEntry("client", key, none, chain.toArray(X509Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, none);
        return factory.getKeyManagers();
    }

    private static KeyStore emptyStore() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    /** Null for those of the runtime. */
    private TrustManager @Nullable [] trustManagers() throws IOException, GeneralSecurityException {
        Path file = settings.rootCertificates();
        SslMode mode = settings.mode();
        if (file == null) {
            return null;
        }
        boolean present = Files.exists(file);
        if (!present && mode.compareTo(SslMode.VERIFY_CA) >= 0) {
            throw new GeneralSecurityException(
                    "sslmode=" + mode + " needs the certificates to trust, and there is no file " + file
                            + "; give it as sslrootcert, or sslrootcert=system");
        }
        if (!present || mode.compareTo(SslMode.REQUIRE) < 0) {
            return new TrustManager[] {new TrustAll()};
        }
        KeyStore store = emptyStore();
        int number = 0;
        for (X509Certificate certificate : PemFile.certificates(file)) {
            store.setCertificateEntry("root" + number, certificate);
            number++;
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    /** For the modes that encrypt without asking with whom. */
    private static final class TrustAll extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {
            throw new UnsupportedOperationException("there are no clients here");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {
            throw new UnsupportedOperationException("there are no clients here");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
            throw new UnsupportedOperationException("there are no clients here");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {
            Objects.requireNonNull(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {
            Objects.requireNonNull(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
            Objects.requireNonNull(chain);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
