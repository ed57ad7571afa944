package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Fields;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Between HTTP and the routes: makes a {@link Call} of each request, and sends the {@link Reply}. */
final class RequestHandler extends Handler.Abstract {
    static final String JSON = "application/json";

    private static final Logger LOG = LoggerFactory.getLogger(RequestHandler.class);
    private static final int MAX_BODY = 1 << 20;
    private static final int MAX_DRAINED = 16 << 20;
    private static final int STREAM_BUFFER = 1 << 18;
    private static final String ROUTE = "dev.palimpsest.route";
    private static final String REQUEST_ID = "x-request-id";
    private static final Pattern GIVEN_ID = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    private final Router router;
    private final Admission admission;
    private final HttpMetrics metrics;
    private final SlowClients slowClients;
    private final String launched;

    RequestHandler(Router router, Admission admission, HttpMetrics metrics, SlowClients slowClients, Instant launched) {
        this.router = router;
        this.admission = admission;
        this.metrics = metrics;
        this.slowClients = slowClients;
        this.launched = launched.toString();
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        String given = request.getHeaders().get(REQUEST_ID);
        String id = given != null && GIVEN_ID.matcher(given).matches()
                ? given
                : UUID.randomUUID().toString();
        Connection connection = request.getConnectionMetaData().getConnection();
        Request.addCompletionListener(request, _ -> {
            slowClients.awaits(connection);
            count(request, response.getStatus());
        });
        try (MDC.MDCCloseable _ = MDC.putCloseable("request", id)) {
            serve(request, connection, response, id, callback);
        }
        return true;
    }

    private void serve(Request request, Connection connection, Response response, String id, Callback callback) {
        try {
            head(response, id);
            send(answer(request, connection), response, callback);
        } catch (HttpFailure e) {
            fail(e, response, id, callback);
        } catch (BranchException e) {
            if (e.kind() == BranchException.Kind.FAILED) {
                LOG.warn("{} {}: {}", request.getMethod(), request.getHttpURI().getPath(), e.getMessage());
            }
            fail(HttpFailure.of(e), response, id, callback);
        } catch (IOException e) {
            LOG.info(
                    "{} {} ended early: {}",
                    request.getMethod(),
                    request.getHttpURI().getPath(),
                    e.getMessage());
            callback.failed(e);
        } catch (RuntimeException e) {
            LOG.error("{} {} failed", request.getMethod(), request.getHttpURI().getPath(), e);
            fail(
                    new HttpFailure(
                            HttpFailure.INTERNAL, "this is a bug of the server; its log has more of request " + id),
                    response,
                    id,
                    callback);
        }
    }

    private void head(Response response, String id) {
        response.getHeaders().put("PAGESERVER_LAUNCH_TIMESTAMP", launched);
        response.getHeaders().put(REQUEST_ID, id);
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
    }

    private Reply answer(Request request, Connection connection) throws BranchException, HttpFailure, IOException {
        Router.Found found;
        try {
            found = router.find(request.getMethod(), Request.getPathInContext(request));
        } catch (HttpFailure e) {
            admission.caller(request); // who may nothing is not told what there is
            throw e;
        }
        Route route = found.route();
        request.setAttribute(ROUTE, route.path());
        if (route.access() != Access.OPEN) {
            admission.check(admission.caller(request), route.access(), found.variables());
        }
        Map<String, String> query = query(request);
        route.check(query);
        String header = request.getHeaders().get(HttpHeader.ACCEPT);
        String accept = header == null ? "" : header;
        if (!(route.body() instanceof Route.Body.Streamed(String type))) {
            byte[] body = body(request);
            slowClients.arrived(connection);
            return route.action()
                    .handle(new Call(found.variables(), query, accept, body, InputStream.nullInputStream()));
        }
        checkType(request, type);
        slowClients.arrived(connection);
        try (InputStream in = new BodyStream(Content.Source.asInputStream(request), connection, slowClients)) {
            return route.action().handle(new Call(found.variables(), query, accept, new byte[0], in));
        }
    }

    private static void checkType(Request request, String expected) throws HttpFailure {
        String type = request.getHeaders().get(HttpHeader.CONTENT_TYPE);
        if (type == null || !type.toLowerCase(Locale.ROOT).startsWith(expected)) {
            throw new HttpFailure(HttpFailure.UNSUPPORTED_TYPE, "the body must have Content-Type: " + expected);
        }
    }

    private void count(Request request, int status) {
        Object route = request.getAttribute(ROUTE);
        metrics.answered(
                route == null ? "other" : request.getMethod(),
                route instanceof String path ? path : "none",
                status,
                System.nanoTime() - request.getBeginNanoTime());
    }

    private static Map<String, String> query(Request request) throws HttpFailure {
        Fields fields;
        try {
            fields = Request.extractQueryParameters(request);
        } catch (RuntimeException e) {
            throw HttpFailure.badRequest("the query cannot be read: " + e.getMessage());
        }
        Map<String, String> query = new HashMap<>();
        for (Fields.Field field : fields) {
            if (field.hasMultipleValues()) {
                throw HttpFailure.badRequest("the parameter '" + field.getName() + "' is given twice");
            }
            query.put(field.getName(), field.getValue());
        }
        return query;
    }

    /** Only JSON is taken, which a page in somebody's browser cannot send elsewhere without asking first. */
    private static byte[] body(Request request) throws HttpFailure, IOException {
        byte[] body;
        try (InputStream in = Content.Source.asInputStream(request)) {
            boolean isBomb = request.getLength() > MAX_DRAINED;
            body = isBomb ? new byte[MAX_BODY + 1] : in.readNBytes(MAX_BODY + 1);
            if (body.length > MAX_BODY) {
                if (!isBomb) {
                    drain(in);
                }
                throw new HttpFailure(HttpFailure.TOO_LARGE, "the body is larger than " + MAX_BODY + " bytes");
            }
        }
        if (body.length > 0) {
            checkType(request, JSON);
        }
        return body;
    }

    /**
     * Reads on for a while: a connection that is closed before all of a request was read is reset, and a client that is still
     * writing would see that instead of the answer.
     */
    private static void drain(InputStream in) throws IOException {
        byte[] piece = new byte[STREAM_BUFFER];
        int count = 1;
        for (int total = 0; total < MAX_DRAINED && count > 0; total += count) {
            count = in.readNBytes(piece, 0, piece.length);
        }
    }

    private static void send(Reply reply, Response response, Callback callback) throws IOException, BranchException {
        switch (reply) {
            case Reply.Json(int status, Object body) -> sendJson(status, body, response, callback);
            case Reply.Empty(int status) -> {
                response.setStatus(status);
                response.write(true, ByteBuffer.allocate(0), callback);
            }
            case Reply.Bytes(String type, Map<String, String> headers, byte[] body) -> {
                headers.forEach(response.getHeaders()::put);
                response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
                response.write(true, ByteBuffer.wrap(body), callback);
            }
            case Reply.Stream(String type, Map<String, String> headers, Reply.Source source) -> {
                headers.forEach(response.getHeaders()::put);
                response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
                stream(source, response, callback);
            }
        }
    }

    private static void sendJson(int status, Object body, Response response, Callback callback) {
        byte[] bytes = ApiJson.mapper().writeValueAsBytes(body);
        response.setStatus(status);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, JSON);
        response.write(true, ByteBuffer.wrap(bytes), callback);
    }

    /** Closing the stream ends the answer as it should end, so that is not done if making it fails. */
    @SuppressWarnings("resource")
    private static void stream(Reply.Source source, Response response, Callback callback)
            throws IOException, BranchException {
        OutputStream out = new BufferedOutputStream(Content.Sink.asOutputStream(response), STREAM_BUFFER);
        source.writeTo(out);
        out.close();
        callback.succeeded();
    }

    private void fail(HttpFailure failure, Response response, String id, Callback callback) {
        if (response.isCommitted()) {
            callback.failed(failure);
            return;
        }
        response.reset();
        head(response, id);
        if (failure.status() == HttpFailure.UNAUTHORIZED) {
            response.getHeaders().put(HttpHeader.WWW_AUTHENTICATE, "Bearer");
        }
        if (!failure.allow().isEmpty()) {
            response.getHeaders().put(HttpHeader.ALLOW, failure.allow());
        }
        sendJson(failure.status(), new Responses.Failure(String.valueOf(failure.getMessage())), response, callback);
    }
}
