package dev.palimpsest.pageserver.http;

import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;

/** Errors that the HTTP server finds before a request comes to us, such as a path that is none: as JSON too. */
final class JsonErrors implements Request.Handler {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        Object status = request.getAttribute(ErrorHandler.ERROR_STATUS);
        int code = status instanceof Integer number ? number : response.getStatus();
        Object reason = request.getAttribute(ErrorHandler.ERROR_MESSAGE);
        String message = reason instanceof String text && code < HttpStatus.INTERNAL_SERVER_ERROR_500
                ? text
                : HttpStatus.getMessage(code);
        response.setStatus(code);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, RequestHandler.JSON);
        response.write(
                true, ByteBuffer.wrap(ApiJson.mapper().writeValueAsBytes(new Responses.Failure(message))), callback);
        return true;
    }
}
