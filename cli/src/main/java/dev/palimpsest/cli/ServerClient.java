package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.ApiJson;
import dev.palimpsest.pageserver.http.Responses;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.ProtocolException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** The management API of a server, asked over HTTP. A request takes as long as its work does. */
final class ServerClient implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final int UPLOAD_CHUNK = 1 << 18;
    private static final int OK = 200;
    private static final int MULTIPLE_CHOICES = 300;

    private final URI server;
    private final HttpClient client;

    /** Bytes, and the headers that came with them. */
    record Download<T>(T body, HttpHeaders headers) {
        String header(String name) throws ServerFailure {
            return headers.firstValue(name)
                    .orElseThrow(() -> new ServerFailure("the server's answer has no header " + name));
        }
    }

    ServerClient(URI server) {
        this.server = server;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT)
                .build();
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

    <T> T post(String path, Object body, Class<T> type) throws ServerFailure, IOException {
        return json("POST", path, body, type);
    }

    <T> T put(String path, Class<T> type) throws ServerFailure, IOException {
        return json("PUT", path, null, type);
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

    /** What writes the body of a request while it is sent. */
    @FunctionalInterface
    interface Upload {
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * Sends a body of any length, unless the server says beforehand that it does not want it.
     *
     * @throws IOException if the body cannot be made, or the connection breaks and no answer came before
     */
    <T> T upload(String path, String type, Upload body, Class<T> answer) throws ServerFailure, IOException {
        HttpURLConnection connection =
                (HttpURLConnection) server.resolve(path).toURL().openConnection();
        try {
            connection.setConnectTimeout((int) CONNECT.toMillis());
            connection.setRequestMethod("PUT");
            connection.setRequestProperty("Content-Type", type);
            connection.setRequestProperty("Expect", "100-continue");
            connection.setDoOutput(true);
            connection.setChunkedStreamingMode(UPLOAD_CHUNK);
            IOException broken = sendBody(connection, body);
            int status = status(connection, broken);
            try (InputStream in = isGood(status) ? connection.getInputStream() : connection.getErrorStream()) {
                byte[] bytes = in == null ? new byte[0] : in.readAllBytes();
                if (broken instanceof ProtocolException && bytes.length == 0) {
                    // What is refused before it is sent is answered without a text.
                    throw new ServerFailure(server + " does not take it (status " + status
                            + "): a branch of this name is there already, or the name is none");
                }
                check(status, bytes);
                return ApiJson.mapper().readValue(bytes, answer);
            } catch (JacksonException e) {
                throw new ServerFailure("the answer of " + server + " is not understood: " + e.getOriginalMessage(), e);
            }
        } finally {
            connection.disconnect();
        }
    }

    /** Why the server took no more; null if it took all. */
    private @Nullable IOException sendBody(HttpURLConnection connection, Upload body)
            throws ServerFailure, IOException {
        Connected out;
        try {
            out = new Connected(connection.getOutputStream());
        } catch (ConnectException e) {
            throw nobodyThere(e);
        } catch (ProtocolException e) {
            return e;
        }
        try {
            body.writeTo(out);
            out.close();
            return null;
        } catch (IOException e) {
            if (out.broken) {
                return e;
            }
            throw e;
        }
    }

    private static int status(HttpURLConnection connection, @Nullable IOException broken) throws IOException {
        try {
            return connection.getResponseCode();
        } catch (IOException e) {
            throw broken == null ? e : broken;
        }
    }

    /** Knows whether it was the connection that failed, and not what was to be sent over it. */
    private static final class Connected extends FilterOutputStream {
        private boolean broken;

        Connected(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int oneByte) throws IOException {
            write(new byte[] {(byte) oneByte}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                broken = true;
                throw e;
            }
        }

        @Override
        public void close() throws IOException {
            try {
                out.close();
            } catch (IOException e) {
                broken = true;
                throw e;
            }
        }
    }

    private ServerFailure nobodyThere(ConnectException e) {
        return new ServerFailure(
                "there is no server at " + server + "; start one with: palimpsest server --dir DIR", e);
    }

    private <T> T json(String method, String path, @Nullable Object body, Class<T> type)
            throws ServerFailure, IOException {
        HttpResponse<byte[]> response = send(request(method, path, body), BodyHandlers.ofByteArray());
        check(response.statusCode(), response.body());
        try {
            return ApiJson.mapper().readValue(response.body(), type);
        } catch (JacksonException e) {
            throw new ServerFailure("the answer of " + server + " is not understood: " + e.getOriginalMessage(), e);
        }
    }

    private HttpRequest request(String method, String path, @Nullable Object body) throws ServerFailure {
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve(path));
            if (body == null) {
                return request.method(method, HttpRequest.BodyPublishers.noBody())
                        .build();
            }
            return request.header("Content-Type", "application/json")
                    .method(
                            method,
                            HttpRequest.BodyPublishers.ofByteArray(
                                    ApiJson.mapper().writeValueAsBytes(body)))
                    .build();
        } catch (IllegalArgumentException e) {
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
            throw nobodyThere(e);
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
