package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.ApiJson;
import dev.palimpsest.pageserver.http.Responses;
import dev.palimpsest.pageserver.security.PemFile;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** The management API of a server, asked over HTTP. A request takes as long as its work does. */
final class ServerClient implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final int OK = 200;
    private static final int MULTIPLE_CHOICES = 300;

    private final URI server;
    private final Optional<String> token;
    private final HttpClient client;

    /** Bytes, and the headers that came with them. */
    record Download<T>(T body, HttpHeaders headers) {
        String header(String name) throws ServerFailure {
            return headers.firstValue(name)
                    .orElseThrow(() -> new ServerFailure("the server's answer has no header " + name));
        }
    }

    /**
     * @param token what the server is shown
     * @param authorities a PEM file of those that may vouch for the server; those of Java if it is empty
     * @throws ServerFailure if that file cannot be used
     */
    ServerClient(URI server, Optional<String> token, Optional<Path> authorities) throws ServerFailure {
        this.server = server;
        this.token = token;
        HttpClient.Builder builder =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT);
        if (authorities.isPresent()) {
            builder.sslContext(trusting(authorities.get()));
        }
        this.client = builder.build();
    }

    private static SSLContext trusting(Path authorities) throws ServerFailure {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            int number = 0;
            for (X509Certificate certificate : PemFile.certificates(authorities)) {
                store.setCertificateEntry("authority " + number++, certificate);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new ServerFailure("--ca: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new ServerFailure("--ca: " + authorities + " cannot be read: " + Failures.describe(e), e);
        }
    }

    /** A part of a path or the value of a parameter. */
    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    static String branch(String name) {
        return "/palimpsest/v1/branch/" + encode(name);
    }

    <T> T get(String path, Class<T> type) throws ServerFailure, IOException {
        return json("GET", path, null, type);
    }

    <T> T post(String path, @Nullable Object body, Class<T> type) throws ServerFailure, IOException {
        return json("POST", path, body, type);
    }

    <T> T put(String path, Class<T> type) throws ServerFailure, IOException {
        return json("PUT", path, null, type);
    }

    <T> T put(String path, Object body, Class<T> type) throws ServerFailure, IOException {
        return json("PUT", path, body, type);
    }

    /** For an answer without a body. */
    void send(String method, String path, @Nullable Object body) throws ServerFailure, IOException {
        HttpResponse<byte[]> response = send(request(method, path, body), BodyHandlers.ofByteArray());
        check(response.statusCode(), response.body());
    }

    <T> T delete(String path, Class<T> type) throws ServerFailure, IOException {
        return json("DELETE", path, null, type);
    }

    Download<byte[]> bytes(String path) throws ServerFailure, IOException {
        HttpResponse<byte[]> response = send(request("GET", path, null), BodyHandlers.ofByteArray());
        check(response.statusCode(), response.body());
        return new Download<>(response.body(), response.headers());
    }

    /** The caller closes the stream. */
    Download<InputStream> stream(String path) throws ServerFailure, IOException {
        HttpResponse<InputStream> response = send(request("GET", path, null), BodyHandlers.ofInputStream());
        if (!isGood(response.statusCode())) {
            try (InputStream body = response.body()) {
                check(response.statusCode(), body.readAllBytes());
            }
        }
        return new Download<>(response.body(), response.headers());
    }

    /** No answer came. */
    static final class ConnectionBrokenException extends IOException {
        private static final long serialVersionUID = 1;

        ConnectionBrokenException(URI server, IOException cause) {
            super("the connection to " + server + " broke: " + Failures.describe(cause), cause);
        }
    }

    /**
     * Sends a body of any length as it is made, once the server has said that it wants it.
     *
     * @param type the body's
     * @throws ConnectionBrokenException if the connection breaks, which it also does when the server wants no more of it
     * @throws IOException if the body cannot be made
     */
    <T> T upload(String path, String type, UploadBody.Writer body, Class<T> answer) throws ServerFailure, IOException {
        HttpResponse<byte[]> response;
        try (UploadBody upload = new UploadBody(body)) {
            HttpRequest request = request(
                    path,
                    builder -> builder.header("Content-Type", type)
                            .expectContinue(true)
                            .PUT(upload));
            try {
                response = send(request, BodyHandlers.ofByteArray());
            } catch (IOException e) {
                upload.checkMade();
                throw new ConnectionBrokenException(server, e);
            }
        }
        check(response.statusCode(), response.body());
        return read(response, answer);
    }

    private <T> T json(String method, String path, @Nullable Object body, Class<T> type)
            throws ServerFailure, IOException {
        HttpResponse<byte[]> response = send(request(method, path, body), BodyHandlers.ofByteArray());
        check(response.statusCode(), response.body());
        return read(response, type);
    }

    private <T> T read(HttpResponse<byte[]> response, Class<T> type) throws ServerFailure {
        try {
            return ApiJson.mapper().readValue(response.body(), type);
        } catch (JacksonException e) {
            throw new ServerFailure("the answer of " + server + " is not understood: " + e.getOriginalMessage(), e);
        }
    }

    private HttpRequest request(String method, String path, @Nullable Object body) throws ServerFailure {
        return request(
                path,
                builder -> body == null
                        ? builder.method(method, HttpRequest.BodyPublishers.noBody())
                        : builder.header("Content-Type", "application/json")
                                .method(
                                        method,
                                        HttpRequest.BodyPublishers.ofByteArray(
                                                ApiJson.mapper().writeValueAsBytes(body))));
    }

    private HttpRequest request(String path, UnaryOperator<HttpRequest.Builder> what) throws ServerFailure {
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve(path));
            token.ifPresent(shown -> request.header("Authorization", "Bearer " + shown));
            return what.apply(request).build();
        } catch (IllegalArgumentException e) {
            if (token.filter(shown -> !shown.matches("[\\x21-\\x7e]+")).isPresent()) {
                // Its message quotes the header.
                throw new ServerFailure("the token has characters that no token has");
            }
            throw new ServerFailure(
                    "'" + server + "' is not the address of a server, such as " + ServerAddress.DEFAULT + ": "
                            + e.getMessage(),
                    e);
        }
    }

    private <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler) throws ServerFailure, IOException {
        try {
            return client.send(request, handler);
        } catch (ConnectException e) {
            throw new ServerFailure(
                    "there is no server at " + server + "; start one with: palimpsest server --dir DIR", e);
        } catch (SSLException e) {
            throw new ServerFailure(
                    "no TLS with " + server + ": " + e.getMessage() + "; --ca names who may vouch for it", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for the server", e);
        }
    }

    private static boolean isGood(int status) {
        return status >= OK && status < MULTIPLE_CHOICES;
    }

    private void check(int status, byte[] body) throws ServerFailure {
        if (isGood(status)) {
            return;
        }
        try {
            throw new ServerFailure(
                    ApiJson.mapper().readValue(body, Responses.Failure.class).msg());
        } catch (JacksonException e) {
            throw new ServerFailure(server + " answered with status " + status + ": is it a palimpsest server?", e);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
