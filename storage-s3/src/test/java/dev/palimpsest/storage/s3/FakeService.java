package dev.palimpsest.storage.s3;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;

/**
 * A service that has an empty bucket, takes every put and forgets it. What it does about conditions is up to the test.
 */
final class FakeService implements AutoCloseable {
    private final HttpServer server;
    private final Conditions conditions;
    private final List<String> requests = new ArrayList<>();

    /** What it does about conditions of puts. */
    enum Conditions {
        /** Puts, whatever they say. */
        IGNORED,
        /** Answers that it does not know them. */
        UNKNOWN,
        /** Knows only that there be no such object, and says that there is one. */
        ABSENCE_ONLY
    }

    FakeService(Conditions conditions) throws IOException {
        this.conditions = conditions;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::serve);
        server.start();
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /** Methods and paths, in the order of arrival. */
    List<String> requests() {
        synchronized (requests) {
            return List.copyOf(requests);
        }
    }

    private void serve(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        synchronized (requests) {
            requests.add(
                    exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath());
        }
        switch (exchange.getRequestMethod()) {
            case "GET" ->
                answer(exchange, 200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
            case "PUT" -> put(exchange);
            default -> answer(exchange, 204, "");
        }
    }

    private void put(HttpExchange exchange) throws IOException {
        boolean absent = exchange.getRequestHeaders().containsKey("If-None-Match");
        boolean match = exchange.getRequestHeaders().containsKey("If-Match");
        if (conditions == Conditions.UNKNOWN && (absent || match)) {
            answer(exchange, 501, "<Error><Code>NotImplemented</Code></Error>");
        } else if (conditions == Conditions.ABSENCE_ONLY && absent) {
            answer(exchange, 412, "<Error><Code>PreconditionFailed</Code></Error>");
        } else {
            exchange.getResponseHeaders().add("ETag", "\"5d41402abc4b2a76b9719d911017c592\"");
            answer(exchange, 200, "");
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
